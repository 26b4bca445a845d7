"""A page that an instructor keeps open during the lesson, served to this machine alone: `report FOLDER --watch`.

The page reads the folder again whenever it is asked, and asks again every ten seconds. Names are shown on request.
"""

from collections import Counter
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from labkit.teach.report.lesson import MINUTES, Lesson, lesson
from labkit.teach.report.pages import environment
from labkit.teach.results.syllabus import notebooks

HERE = "127.0.0.1"
AGAIN_SECONDS = 10
SHOWN_IDEAS = 5
SAFE = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def page(seen: Lesson, now: datetime, names: bool = False) -> str:
    """The state of a lesson as an HTML page, without names unless asked for."""
    rows = [
        (
            place.name if names else f"learner {number}",
            f"{int(place.notebook)} · {notebooks()[place.notebook]}",
            place.id,
            max(int((now - place.at).total_seconds() // 60), 0),
        )
        for number, place in enumerate(seen.places, 1)
    ]
    here = Counter(row[1] for row in rows if row[3] <= MINUTES)
    return environment().get_template("watch.html.jinja").render(
        title="The lesson now", generated=False, nonce="", now=f"{now.astimezone():%H:%M:%S}", minutes=MINUTES,
        again=AGAIN_SECONDS, names=names, rows=rows, here=sorted(here.items()), ideas=seen.ideas[:SHOWN_IDEAS],
    )  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    """Answers with the page, and to nobody who came by another name than this machine's."""

    protocol_version = "HTTP/1.1"

    def __init__(self, folder: Path, *rest: object) -> None:
        """Take the folder of the class, then what the server gives."""
        self.folder = folder
        super().__init__(*rest)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Send the page as it is now; a page of another site that found this port is refused by its Host."""
        asked = urlsplit(self.path)
        if self.headers.get("Host", "").rpartition(":")[0] not in (HERE, "localhost"):
            return self.send_error(403, "served to this machine alone")
        if asked.path != "/":
            return self.send_error(404)
        now = datetime.now(UTC)
        names = parse_qs(asked.query).get("names") == ["shown"]
        body = page(lesson(self.folder, now), now, names).encode("utf-8", "replace")
        self.send_response(200)
        for name, value in {**SAFE, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        return None

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep quiet: a line every ten seconds would hide what else the terminal says."""


def server(folder: Path, port: int = 0) -> ThreadingHTTPServer:
    """A server of the page on this machine's own address; port 0 takes a free one. Raises OSError for a taken one."""
    made = ThreadingHTTPServer((HERE, port), partial(Handler, folder))
    made.daemon_threads = True
    return made


def watch(folder: Path, port: int) -> int:
    """Serve the page until it is stopped with Ctrl-C, and give the exit code."""
    with server(folder, port) as serving:
        print(f"The lesson now: http://{HERE}:{serving.server_port}/ (this machine alone; Ctrl-C ends it)", flush=True)
        try:
            serving.serve_forever()
        except KeyboardInterrupt:
            print("ended")
    return 0
