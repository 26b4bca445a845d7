"""Run by a process that must not reach the network: every connection that would leave the machine is refused."""


def _watch():
    import sys

    leaving = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
    here = ("127.0.0.1", "::1", "localhost", "", None)

    def refuse(event, details):
        """Refuse what is addressed to another machine; sockets of the file system and loopback stay."""
        if event not in leaving:
            return
        address = details[0] if event.startswith("socket.get") else details[1]
        host = address[0] if isinstance(address, tuple) else address
        if not str(host).startswith("/") and host not in here:
            raise PermissionError(f"the network is closed in this test: {event} {address!r}")

    sys.addaudithook(refuse)


_watch()
del _watch
