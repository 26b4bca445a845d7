"""The reference solution of the third exercise of notebook 06: a manager that summarizes, saves and loads."""

import json
from pathlib import Path
from typing import Any, Self

from labkit.teach.exercises.manager.full_history import ConversationManager, Wire


class SmartConversationManager(ConversationManager):
    """The reply comes first; then, above the threshold, a summary takes the place of the older turns."""

    def __init__(self, token_threshold: int = 100_000, recent_turns_to_keep: int = 4, **settings: Any) -> None:
        """Keep when to summarize and how much to leave as it is."""
        super().__init__(**settings)
        self.token_threshold, self.recent_turns_to_keep = token_threshold, recent_turns_to_keep
        self.summary: str | None = None
        self.summary_history: list[Wire] = []
        self.last_input_tokens = 0

    def send(self, text: Any) -> str:
        """Send as before; then summarize, if this request was above the threshold."""
        before = self.total_input_tokens
        reply = super().send(text)
        self.last_input_tokens = self.total_input_tokens - before
        if self.last_input_tokens > self.token_threshold:
            self.summarize()
        return reply

    def summarize(self) -> None:
        """A manager that replaces all but the newest turns by a pair with the summary, once there is a summary."""
        starts = [i for i, m in enumerate(self.messages) if m["role"] == "user" and isinstance(m["content"], str)]
        if len(starts) <= self.recent_turns_to_keep:
            return
        cut = starts[-self.recent_turns_to_keep]
        try:
            summary = self.condensed(self.messages[:cut])
        except Exception:
            return
        if summary:
            self.summary = summary
            self.summary_history.append({"messages": cut, "characters": len(summary)})
            told = {"role": "user", "content": f"What happened before: {summary}"}
            heard = {"role": "assistant", "content": "Thank you, I have it."}
            self.messages = [told, heard, *self.messages[cut:]]

    def condensed(self, old: list[Wire]) -> str:
        """Claude's summary of these messages; an earlier summary is one of them, so it is folded in."""
        return self.in_short("\n".join(f"{message['role']}: {message['content']}" for message in old))

    def in_short(self, talk: str) -> str:
        """Claude's summary of a text, counted as any call."""
        task = f"Summarize this talk. Keep decisions, facts, numbers and names.\n\n{talk}"
        response = self.client.messages.create(
            model=self.model, max_tokens=1024, messages=[{"role": "user", "content": task}]
        )
        used = response.usage
        cached = (used.cache_read_input_tokens or 0) + (used.cache_creation_input_tokens or 0)
        self.total_input_tokens += used.input_tokens + cached
        self.total_output_tokens += used.output_tokens
        return "".join(block.text for block in response.content if block.type == "text")

    def save(self, path: str) -> None:
        """Everything but the client, in a new file that then takes the old one's place."""
        state = {name: value for name, value in vars(self).items() if name != "client"}
        fresh = Path(f"{path}.new")
        fresh.write_text(json.dumps(state), "utf-8")
        fresh.replace(path)

    @classmethod
    def load(cls, path: str, client: Any = None) -> Self:
        """A manager with everything that was saved."""
        manager = cls(client=client)
        vars(manager).update(json.loads(Path(path).read_text("utf-8")))
        return manager
