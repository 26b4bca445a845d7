"""Run by a kernel that must not reach another machine: every connection that would leave this one is refused."""


def _close() -> None:
    import sys
    from typing import Any

    leaving = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
    here = ("127.0.0.1", "::1", "localhost", "", None)

    def refuse(event: str, details: tuple[Any, ...]) -> None:
        """Refuse what is addressed to another machine; sockets of the file system and loopback stay."""
        if event not in leaving:
            return
        address = details[0] if event.startswith("socket.get") else details[1]
        host = address[0] if isinstance(address, tuple) else address
        if not str(host).startswith("/") and host not in here:
            raise PermissionError(f"the network is closed here: {event} {address!r}")

    sys.addaudithook(refuse)


_close()
del _close
