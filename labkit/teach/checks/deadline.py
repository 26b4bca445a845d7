"""A time limit without a second thread, for a browser's Python, which has one: the running code stops itself.

Python calls back at every turn of a loop and every call of a function (`sys.monitoring`). Once time is over, the answer
is SystemExit. What sits in one long call of C runs to its end, as it does in a thread.
"""

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

EVERY = 64
"""Events between two looks at the clock: a look takes longer than an event."""

EVENTS = sys.monitoring.events.PY_START | sys.monitoring.events.JUMP


processor_seconds: Callable[[], float] = getattr(time, "thread_time", time.process_time)
"""Processor seconds of this thread so far; in a browser those of the process, which is one thread there."""


class Deadline:
    """The end of a run, with what Python calls back to keep it."""

    def __init__(self, seconds: float) -> None:
        """Begin the time of a run in this thread; pauses count."""
        self.end = time.monotonic() + seconds
        self.thread = threading.get_ident()
        self.sleep: Callable[[float], None] = time.sleep
        self.events, self.paused, self.over = 0, False, False

    def event(self, *_place: object) -> None:
        """Stop the code once its time is over, and at each event from then on, whatever it catches."""
        if self.paused or threading.get_ident() != self.thread:
            return
        self.events += 1
        if self.over or self.events % EVERY == 0:
            self.stop_if_over()

    def stop_if_over(self) -> None:
        """Raise SystemExit once time is over."""
        self.over = time.monotonic() > self.end
        if self.over:
            raise SystemExit

    def pause(self, seconds: float) -> None:
        """Sleep in place of `time.sleep`, to the end at most.

        Meanwhile a browser runs the code of its event loop, which must go on: without this the kernel stopped for good.
        """
        if threading.get_ident() != self.thread:
            return self.sleep(seconds)
        self.paused = True
        try:
            self.sleep(min(seconds, max(self.end - time.monotonic(), 0)))
        finally:
            self.paused = False
        return self.stop_if_over()


def finished(action: Callable[[], object], seconds: float) -> bool:
    """Run an action in this thread for at most so long; True if it came to its end, False if it was stopped.

    Events come from this function too while the action runs, so it calls only C, and no context manager in Python.
    """
    limit, tools = Deadline(seconds), sys.monitoring
    tool = next(number for number in range(6) if tools.get_tool(number) is None)
    event, pause, sleep = limit.event, limit.pause, time.sleep
    pausing: Any = pause
    tools.use_tool_id(tool, "labkit")
    tools.register_callback(tool, tools.events.PY_START, event)
    tools.register_callback(tool, tools.events.JUMP, event)
    time.sleep = pausing
    try:
        tools.set_events(tool, EVENTS)
        action()
        limit.paused = True  # before anything else: the jump to the end of this function is an event as well
    except SystemExit:
        limit.paused = True
    finally:
        tools.set_events(tool, tools.events.NO_EVENTS)
        time.sleep = sleep
        tools.register_callback(tool, tools.events.PY_START, None)
        tools.register_callback(tool, tools.events.JUMP, None)
        tools.free_tool_id(tool)
    return not limit.over
