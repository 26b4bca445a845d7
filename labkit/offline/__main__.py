"""Serve the offline Claude: `python -m labkit.offline --port 8765`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from labkit.offline.faults import Fault
from labkit.offline.service import PLATFORMS

LOOPBACK = "127.0.0.1"
PORT = 8765


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the exit status is 0 then, 1 when the port is in use, 2 for wrong arguments."""
    options = _parser().parse_args(arguments)
    from labkit.offline.workers import run

    return run(options)


def _parser() -> argparse.ArgumentParser:
    words = "A simulated Claude on a local port. Any key is right unless it starts with wrong- or sk-ant-wrong-."
    parser = argparse.ArgumentParser(prog="python -m labkit.offline", description=words)
    add = parser.add_argument
    add("--host", default=LOOPBACK, help="address to listen on (default: this machine alone)")
    add("--port", type=int, default=PORT, help=f"port to listen on, 0 for any free one (default {PORT})")
    add("--workers", type=_count, default=1, help="processes that share the port (default 1)")
    add("--windows", nargs="+", default=[], type=_window, metavar="MODEL=TOKENS", help="classroom windows")
    add("--platform", choices=PLATFORMS, default=PLATFORMS[0], help="whose turn rules apply")
    add("--faults", nargs="+", default=[], type=_fault, metavar="KIND", help="what goes wrong with the first requests")
    add("--state", type=Path, metavar="FILE", help="SQLite file for caches and threads (default: a temporary one)")
    add("--log", type=Path, metavar="FILE", help="file to which each request and answer is added as a line of JSON")
    return parser


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text!r}: give a number of processes from 1 to 64")
    return int(text)


def _window(text: str) -> tuple[str, int]:
    model, _, tokens = text.partition("=")
    if not tokens.replace("_", "").isdigit():
        raise argparse.ArgumentTypeError(f"{text!r}: write it as MODEL=TOKENS, such as claude-sonnet-4-6=4000")
    return model, int(tokens)


def _fault(text: str) -> Fault:
    try:
        return Fault(int(text) if text.isdigit() else text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
