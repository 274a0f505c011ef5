"""A real server on this machine that cuts, changes, redirects and refuses."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

BODY = bytes(i * i % 251 for i in range(1_000_000))
OTHER = bytes(i * i % 241 for i in range(1_000_000))
DIGEST = hashlib.sha256(BODY).hexdigest()


@dataclass
class Site:
    """What the server offers and, request by request, how it misbehaves (`plan`; empty: it behaves)."""

    body: bytes = BODY
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"v1"'})
    ranges: bool = True
    if_range: bool = True
    plan: list[dict[str, Any]] = field(default_factory=list)
    seen: list[str | None] = field(default_factory=list)  # the Range header of every request
    conditions: list[str | None] = field(default_factory=list)  # the If-Range header of every request
    release: threading.Event = field(default_factory=threading.Event)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        site = self.site
        step = site.plan.pop(0) if site.plan else {}
        asked = self.headers["Range"]
        site.seen.append(asked)
        site.conditions.append(self.headers["If-Range"])
        if "status" in step:
            self.send_response(step["status"])
            for name, value in step.get("headers", {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        first = 0
        same = not site.if_range or self.headers["If-Range"] in (None, *site.headers.values())
        if asked and site.ranges and same:
            first = int(asked.removeprefix("bytes=").removesuffix("-"))
        if first >= len(site.body):
            self.send_error(416)
            return
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(site.body) - 1}/{len(site.body)}")
        if not step.get("no_length"):
            self.send_header("Content-Length", str(step.get("announce", len(site.body) - first)))
        for name, value in site.headers.items():
            self.send_header(name, value)
        self.end_headers()
        rest = site.body[first:]
        self.wfile.write(rest[: step.get("cut", len(rest))])
        self.wfile.flush()
        if step.get("hold"):
            site.release.wait(20)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def answering(handler: type[BaseHTTPRequestHandler], release: threading.Event) -> Iterator[str]:
    """The address at which `handler` answers while the block runs; `release` lets go of answers held back."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        release.set()
        server.shutdown()
        thread.join()


@contextmanager
def serve() -> Iterator[Site]:
    """A site of one file, for as long as the block runs."""
    site = Site()
    handler = type("HandlerOfOneTest", (Handler,), {"site": site})
    with answering(handler, site.release) as address:
        site.url = f"{address}/XNLI/data.zip"
        yield site


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())
