"""A conversation in a Redis hash."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from labkit.stores.bounds import SavedFormError
from labkit.stores.saved_form import Saved, Seal, sealed, unsealed
from labkit.stores.store import ConversationConflict, StoreError

if TYPE_CHECKING:
    import redis


class RedisStore:
    """One hash in Redis, with the fields `revision`, `body` and `save`, for conversations that several machines share.

    A save that was acknowledged is as durable as the server is set up to be (`appendfsync`). Needs the package redis.
    """

    READ = """
        if redis.call('EXISTS', KEYS[1]) == 0 then return false end
        return {redis.call('HGET', KEYS[1], 'body')}
    """
    SAVE = """
        local found = redis.call('HMGET', KEYS[1], 'revision', 'save')
        if not found[1] and redis.call('EXISTS', KEYS[1]) == 1 then return 'foreign' end
        if found[2] == ARGV[4] then return false end
        if (found[1] or '0') ~= ARGV[1] then return found[1] or '0' end
        redis.call('HSET', KEYS[1], 'revision', ARGV[2], 'body', ARGV[3], 'save', ARGV[4])
        return false
    """
    """Check and save in one step on the server. `save` is another word for each save: a client that lost the answer and
    asks again finds its work done.
    """
    OTHER = "holds something else; it was left as it is: choose another key"

    def __init__(self, client: "str | redis.Redis", key: str = "conversation", *, seal: Seal | None = None) -> None:
        """Take the server's URL (`redis://localhost:6379/0`) or a client, and the key of the hash.

        Raises ImportError when the package redis is missing, ValueError for a URL of another kind.
        """
        try:
            import redis
        except ImportError as error:
            raise ImportError("RedisStore needs redis: pip install 'conversation-workbook[redis]'") from error
        self.key, self.seal = key, seal
        self._client: Any = redis.Redis.from_url(client) if isinstance(client, str) else client
        self.where = f"Redis under the key {key!r}"

    def __repr__(self) -> str:
        """The key alone: a URL may hold a password."""
        return f"RedisStore(..., {self.key!r})"

    def read(self) -> Saved | None:
        """The content of the hash, None when there is none. Raises SavedFormError, StoreError."""
        from redis.client import NEVER_DECODE

        with self._reported():
            found = self._client.execute_command("EVAL", self.READ, 1, self.key, **{NEVER_DECODE: []})
        if found is None:
            return None
        if not found:
            raise SavedFormError(f"{self.where} {self.OTHER}")
        return unsealed(found[0], self.where, self.seal)

    def write(self, saved: Saved) -> int:
        """Put `saved` in the hash, give its new revision. Raises ConversationConflict, SavedFormError, StoreError."""
        new = saved.revision + 1
        values = saved.revision, new, sealed(saved, self.seal), uuid4().hex
        with self._reported():
            answer = self._client.eval(self.SAVE, 1, self.key, *values)
        stored = answer.decode() if isinstance(answer, bytes) else answer
        if stored == "foreign":
            raise SavedFormError(f"{self.where} {self.OTHER}")
        if stored is not None:
            raise ConversationConflict(self.where, int(stored), saved.revision)
        return new

    def delete(self) -> None:
        """Remove its three fields; other fields of a hash that is not ours stay. Raises StoreError."""
        with self._reported():
            self._client.hdel(self.key, "revision", "body", "save")

    @contextmanager
    def _reported(self) -> Iterator[None]:
        import redis

        try:
            yield
        except redis.ResponseError as error:
            if str(error).startswith("WRONGTYPE"):
                raise SavedFormError(f"{self.where} {self.OTHER}") from error
            raise StoreError(f"{self.where} refused: {error}") from error
        except redis.RedisError as error:
            raise StoreError(f"{self.where} cannot be reached: {error}; is the server running there?") from error
