"""State between requests: the same in memory and in a file, for one process and for several."""

import subprocess
import sys

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from offline_doors import STRICT, ask, user

from labkit.offline import OfflineClaude
from labkit.offline.service import Clock
from labkit.offline.state import ENTRIES_KEPT, MemoryState, SqliteState

KEYS = st.sampled_from("ab")
LONG = "The parcel was sent on Monday and has not arrived. " * 150


@pytest.fixture(params=["memory", "sqlite"])
def clock_and_state(request, tmp_path):
    """A clock and each kind of state on it."""
    clock = Clock()
    state = MemoryState(clock) if request.param == "memory" else SqliteState(tmp_path / "state.sqlite", clock)
    yield clock, state
    if request.param == "sqlite":
        state.close()


def test_values_come_back_until_they_expire(clock_and_state):
    """A value is what was put, by kind and key, until its time is up."""
    clock, state = clock_and_state
    state.put("thread", "a", {"messages": [1, "zwei", None]}, 10)
    assert state.get("thread", "a") == {"messages": [1, "zwei", None]}
    assert state.get("cache", "a") is None
    clock.advance(10)
    assert state.get("thread", "a") is None


def test_a_claim_is_held_by_one(clock_and_state):
    """Only the first claim succeeds, until it is released or has expired."""
    clock, state = clock_and_state
    assert state.claim("turn", "a", 10)
    assert not state.claim("turn", "a", 10)
    state.release("turn", "a")
    assert state.claim("turn", "a", 10)
    clock.advance(11)
    assert state.claim("turn", "a", 10)


def test_the_clock_does_not_go_back():
    """Time only passes."""
    with pytest.raises(ValueError, match="cannot go back"):
        Clock().advance(-1)


def test_memory_stays_bounded():
    """However much is written, no more than a fixed number of entries is held."""
    state = MemoryState(Clock())
    for number in range(ENTRIES_KEPT + 5_000):
        state.put("cache", str(number), 1, 1e9)
    assert len(state) <= ENTRIES_KEPT + 1_000


def test_expired_entries_are_thrown_away():
    """An expired entry does not stay in memory."""
    clock = Clock()
    state = MemoryState(clock)
    for number in range(5_000):
        state.put("cache", str(number), 1, 10)
        clock.advance(1)
    assert len(state) < 1_100


class BothStates(RuleBasedStateMachine):
    """Memory and file give the same answers, whatever is done to them."""

    def __init__(self):
        """Begin with both empty, on one clock."""
        super().__init__()
        self.clock = Clock()
        self.states = (MemoryState(self.clock), SqliteState(":memory:", self.clock))

    @rule(key=KEYS, value=st.integers() | st.text(max_size=3), seconds=st.integers(1, 20))
    def put(self, key, value, seconds):
        """Keep a value in both."""
        for state in self.states:
            state.put("kind", key, value, seconds)

    @rule(key=KEYS, seconds=st.integers(1, 20))
    def claim(self, key, seconds):
        """Both let the same claims through."""
        first, second = (state.claim("kind", key, seconds) for state in self.states)
        assert first == second

    @rule(key=KEYS)
    def release(self, key):
        """Forget in both."""
        for state in self.states:
            state.release("kind", key)

    @rule(seconds=st.integers(0, 15))
    def wait(self, seconds):
        """Let time pass."""
        self.clock.advance(seconds)

    @invariant()
    def both_know_the_same(self):
        """Every key has the same value in both."""
        for key in "ab":
            first, second = (state.get("kind", key) for state in self.states)
            assert first == second

    def teardown(self):
        """Close the file."""
        self.states[1].close()


BothStates.TestCase.settings = settings(max_examples=40, deadline=None)
TestBothStates = BothStates.TestCase


CLAIMS = """
import sys
from pathlib import Path
from labkit.offline.state import SqliteState
state = SqliteState(Path(sys.argv[1]), lambda: 0.0)
print(sum(state.claim("turn", str(number), 100) for number in range(200)))
"""


def test_processes_never_claim_the_same_twice(tmp_path):
    """Of two processes that claim the same keys, each key goes to one."""
    command = [sys.executable, "-c", CLAIMS, str(tmp_path / "state.sqlite")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sum(int(process.communicate(timeout=60)[0]) for process in processes) == 200


def test_two_services_on_one_file_share_caches_and_threads(tmp_path):
    """An entry that one worker cached or holds is read and continued by another."""
    clock = Clock()
    states = [SqliteState(tmp_path / "state.sqlite", clock) for _ in range(2)]
    first, second = (OfflineClaude(reply="Fine.", state=state).client(**STRICT) for state in states)
    body = ask(user(LONG), cache_control={"type": "ephemeral"})
    written = first.messages.create(**body).usage.cache_creation_input_tokens
    assert second.messages.create(**body).usage.cache_read_input_tokens == written > 0
    betas = ["message-threads-2026-08-12"]
    begun = first.beta.messages.create(**ask(), thread={"type": "create"}, betas=betas)
    after = {"type": "continue", "previous_message_id": begun.id}
    assert second.beta.messages.create(**ask(user("And?")), thread=after, betas=betas).usage.input_tokens > 15
    for state in states:
        state.close()
