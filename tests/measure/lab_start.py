"""A lab that is started, read once, and ended: for the test of what it shows and for the timing of how soon."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit import lab

LAB = [sys.executable, "-m", "labkit.lab"]
PATIENCE = 60
"""Seconds that a lab may take to answer before a test gives up."""


@dataclass(frozen=True)
class Opened:
    """The words and the first page of a lab, and the seconds that passed before the page was there."""

    address: str
    said: str
    page: str
    content: Any
    seconds: float


def opened(folder: Path) -> Opened:
    """Start a lab over one notebook, read its first page and the notebook, and end it."""
    stored = {"cells": [], "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "hello.ipynb").write_text(json.dumps(stored))
    port, start = lab.free_port(), time.monotonic()
    address = f"http://127.0.0.1:{port}"
    flags = [f"--port={port}", "--no-browser", f"--ServerApp.root_dir={folder}", "--IdentityProvider.token="]
    with subprocess.Popen([*LAB, *flags], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr
            said = next(line for line in server.stderr if "http://" in line)
            page = read(f"{address}/lab", start + PATIENCE)
            seconds = time.monotonic() - start
            content = json.loads(read(f"{address}/api/contents/hello.ipynb", start + PATIENCE))["content"]
        finally:
            server.terminate()
    return Opened(address, said, page, content, seconds)


def read(address: str, end: float) -> str:
    """The page at an address, tried until `end`: the lab names its address a moment before it listens there."""
    while True:
        try:
            return urllib.request.urlopen(address).read().decode()
        except urllib.error.URLError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
