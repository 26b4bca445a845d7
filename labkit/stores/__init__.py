"""Stores: one place where one conversation is kept, in a JSON file, a SQLite database or Redis.

All three keep the same saved form, never half of it, and notice when somebody else saved in between. Of the core only
this folder writes files and databases. Taught in notebook 06.
"""

from labkit.stores.json_file import JSONStore as JSONStore
from labkit.stores.place import store_at as store_at
from labkit.stores.redis import RedisStore as RedisStore
from labkit.stores.sqlite import SQLiteStore as SQLiteStore
from labkit.stores.store import ConversationConflict as ConversationConflict
from labkit.stores.store import Store as Store
from labkit.stores.store import StoreError as StoreError
