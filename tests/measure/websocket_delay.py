"""Run by a test: starts the lab's server, opens a kernel's websocket as Jupyter does and then with the lab's repair.

Prints TCP_NODELAY of the server's end of each, 0 where small packets wait for one another and 1 where they do not.
"""

import gc
import json
import os
import socket
import threading
import urllib.request

from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.websocket import KernelWebsocketHandler
from websocket import create_connection

from labkit import lab


def server_ends(loop):
    """TCP_NODELAY of every open kernel websocket of this process, read in the server's own thread."""
    read = threading.Event()
    found = []

    def look():
        for handler in [thing for thing in gc.get_objects() if isinstance(thing, KernelWebsocketHandler)]:
            if handler.ws_connection:
                end = handler.ws_connection.stream.socket
                found.append(end.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        read.set()

    loop.add_callback(look)
    read.wait(30)
    return found


def try_both(server):
    """Open the websocket before and after the repair, print both findings and end the server."""
    base = f"127.0.0.1:{server.port}/api/kernels"
    asked = urllib.request.Request(f"http://{base}", method="POST", data=b"{}")
    kernel = json.load(urllib.request.urlopen(asked))["id"]
    for repair in (lambda: None, lab.send_without_delay):
        repair()
        connection = create_connection(f"ws://{base}/{kernel}/channels", timeout=30)
        print(*server_ends(server.io_loop), flush=True)
        connection.close()
        while server_ends(server.io_loop):
            pass
    os._exit(0)


server = ServerApp.instance(ip="127.0.0.1", port=0, port_retries=0, open_browser=False, allow_root=True)
server.initialize(["--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True", "--log-level=CRITICAL"])
server.io_loop.call_later(0.1, lambda: threading.Thread(target=try_both, args=(server,), daemon=True).start())
server.start()
