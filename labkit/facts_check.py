"""Say which rows of the table of models should be read again: `python -m labkit.facts_check [--live]`.

With `--live` and a key, compare the table with the Models API as well, which costs nothing. The command ends with
status 1 when there is something to say.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from labkit.clients import claude
from labkit.models import Model, known, newest_date, stale

if TYPE_CHECKING:
    import anthropic


def differences(client: "anthropic.Anthropic") -> list[str]:
    """Compare the table with the Models API and return a sentence for each difference.

    Compared are lifecycle, retirement date, and tokens of input and output. A model that only one of them has is a
    difference too, unless it has retired.
    """
    listed = {info.id: info for info in client.models.list(lifecycle=["active", "deprecated", "retired"])}
    rows = {row.dated_id or row.id: row for row in known().values()}
    served = {id: info for id, info in listed.items() if info.lifecycle != "retired"}
    strange = [
        f"{id}: not in labkit/facts.toml, and {served[id].lifecycle} in the Models API"
        for id in served
        if id not in rows
    ]
    lost = [
        f"{row.id}: in labkit/facts.toml, and not in the Models API" for id, row in rows.items() if id not in listed
    ]
    told = [said for id, row in rows.items() if id in listed for said in _compared(row, listed[id])]
    return [*strange, *lost, *told]


def _compared(row: Model, info: Any) -> list[str]:
    retires = info.retires_at.date() if info.retires_at else None
    pairs = {
        "lifecycle": (row.lifecycle, info.lifecycle),
        "retires": (row.retires, retires),
        "max_input_tokens": (row.max_input_tokens or row.window, info.max_input_tokens),
        "max_output": (row.max_output, info.max_tokens),
    }
    return [
        f"{row.id}: {name} is {ours} in labkit/facts.toml, and {theirs} in the Models API"
        for name, (ours, theirs) in pairs.items()
        if ours != theirs
    ]


def main(arguments: Sequence[str], connect: Callable[[], "anthropic.Anthropic"] = lambda: claude(live=True)) -> int:
    """Run the command and return its exit status; `connect` gives the client of `--live`."""
    parser = argparse.ArgumentParser(prog="python -m labkit.facts_check", description=__doc__)
    parser.add_argument("--live", action="store_true", help="compare with the Models API too; needs ANTHROPIC_API_KEY")
    given = parser.parse_args(arguments)
    said = stale()
    if given.live:
        try:
            said += differences(connect())
        except ValueError as error:
            parser.error(str(error))
    print(f"labkit/facts.toml: {len(known())} models, the newest row of {newest_date()}")
    print("\n".join(said) if said else "Every row was read within 90 days, and no retirement date has passed.")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
