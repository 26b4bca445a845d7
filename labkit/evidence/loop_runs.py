"""Two runs of our own writing, in which an agent works through many tool calls: an audit of parcels, and a repair.

Both are made by rule, so that they are short to keep and the same everywhere: the arguments of a later call are in an
earlier result, sometimes far back, as in recorded runs.
"""

from collections.abc import Iterator
from functools import cache

from labkit.messages import History, Message, assistant, user

DEPOTS = ("Bergen", "Aarhus", "Gdansk", "Turku", "Malmo", "Leith")
MODULES = ("orders", "parcels", "refunds", "letters", "prices", "stock", "routes", "labels")


def audit(orders: int = 20) -> History:
    """Return a run of three rounds an order: look it up, track its parcel, ask the depot; then refund the late ones."""
    return _audit(orders)


@cache
def _audit(orders: int) -> History:
    goal = (
        "Check the orders of ticket TK-4711 one by one. Refund each late one to its own account, at most 40 euros each."
    )
    return History([user(goal), *_numbered(_audit_calls(orders))])


type Call = tuple[str, dict[str, str], str, str]


def _audit_calls(orders: int) -> Iterator[Call]:
    for n in range(orders):
        order, parcel, account = f"KR-{58_000 + 37 * n}", f"P-{4_400 + 61 * n}", f"NO-{7_100 + 13 * n}-{n:02}"
        depot, late = DEPOTS[n % len(DEPOTS)], n % 4 == 1
        lines = "\n".join(f"line {k}: article {1_000 + 7 * n + k}, {k + 1} pieces, packed by hand" for k in range(12))
        yield (
            "look_up",
            {"order": order},
            f"order {order}\nparcel {parcel}\naccount {account}\n{lines}",
            f"Order {n + 1}.",
        )
        scans = "\n".join(f"day {k}: scanned at gate {k * n % 9} of {depot}" for k in range(14))
        yield "track", {"parcel": parcel}, f"{parcel}\n{scans}\nstate {'late' if late else 'delivered'}", ""
        if n % 5 == 3:
            yield "ask_depot", {"depot": depot, "parcel": parcel}, f"ERROR: depot {depot} is not reachable", ""
        yield "ask_depot", {"depot": depot, "parcel": parcel}, f"{depot} says {'late' if late else 'on time'}. " * 8, ""
    for n in range(1, orders, 4):
        account, order = f"NO-{7_100 + 13 * n}-{n:02}", f"KR-{58_000 + 37 * n}"
        yield "refund", {"account": account, "order": order}, f"refunded {order} to {account}", "A late one."


def repair(files: int = 8, rounds: int = 4) -> History:
    """Return a run that reads files, edits them and runs the tests: arguments are long, and tests fail in between."""
    return _repair(files, rounds)


@cache
def _repair(files: int, rounds: int) -> History:
    goal = (
        "Rename the field `late_days` to `days_late` everywhere. Do not touch the file prices.py. Keep the tests green."
    )
    return History([user(goal), *_numbered(_repair_calls(files, rounds))])


def _repair_calls(files: int, rounds: int) -> Iterator[Call]:
    for name in MODULES[:files]:
        body = "\n".join(f"    {name}_{k} = row['{name}_{k}']{'  # late_days' * (k == 3)}" for k in range(60))
        yield "read_file", {"path": f"shop/{name}.py"}, f"def load_{name}(row):\n{body}\n", f"Now {name}."
    for turn in range(rounds):
        for n, name in enumerate(MODULES[:files]):
            if name == "prices":
                continue
            old = f"    {name}_{3 + turn} = row['{name}_{3 + turn}']"
            edit = {"path": f"shop/{name}.py", "old": old, "new": old.replace("row", "record") + "  # days_late"}
            yield "edit_file", edit, "edited, 1 line", ""
            came = f"E  KeyError: '{name}_{turn}'\n1 failed, 60 passed" if n % 3 == turn % 3 else "61 passed"
            yield "run_tests", {"path": f"tests/test_{name}.py"}, f"{'.' * 400}\n{came}", ""


def _numbered(calls: Iterator[Call]) -> Iterator[Message]:
    for number, (name, given, found, said) in enumerate(calls):
        id = f"toolu_{number:04}"
        text = [{"type": "text", "text": said}] if said else []
        yield assistant([*text, {"type": "tool_use", "id": id, "name": name, "input": given}])
        failed = {"is_error": True} if "ERROR" in found or "1 failed" in found else {}
        yield user([{"type": "tool_result", "tool_use_id": id, "content": found, **failed}])
