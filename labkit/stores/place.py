"""The store for a place: a path or a store."""

import os

from labkit.stores.json_file import JSONStore
from labkit.stores.store import Store


def store_at(place: "str | os.PathLike[str] | Store") -> Store:
    """The store for a place: a path means a JSON file, a store is itself. Raises TypeError for anything else."""
    if isinstance(place, str) and "://" in place:
        raise TypeError(f"{place.split('://')[0]}://... is not a path: give RedisStore(url) or another store")
    if isinstance(place, str | os.PathLike):
        return JSONStore(place)
    if isinstance(place, Store):
        return place
    raise TypeError(
        f"{place!r} is not a place to save to: give a path for a JSON file, or a store such as SQLiteStore('talks.db')"
    )
