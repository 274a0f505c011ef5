"""Downloads from a real server on this machine that cuts, changes, redirects and refuses."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from xlmr_bench.data import download as module
from xlmr_bench.data.download import download
from xlmr_bench.errors import DataError, UsageError, XlmrBenchError

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


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(module, "_WAITS_S", (0.01,) * 4)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    site = Site()
    handler = type("HandlerOfOneTest", (Handler,), {"site": site})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        site.url = f"http://127.0.0.1:{server.server_port}/XNLI/data.zip"
        yield site
        site.release.set()
        server.shutdown()
        thread.join()


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_file_arrives_whole_with_its_digest_and_nothing_beside_it(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "new" / "data.zip"
    assert download(site.url, target, sha256=DIGEST.upper(), size=len(BODY)) == DIGEST
    assert target.read_bytes() == BODY
    assert names(target.parent) == ["data.zip"]
    assert capsys.readouterr().out == ""


def test_without_a_known_digest_or_length_the_digest_found_is_returned(site: Site, tmp_path: Path) -> None:
    site.plan = [{"no_length": True}]
    assert download(site.url, tmp_path / "f", sha256=None, size=None) == DIGEST


def test_a_connection_cut_midway_is_resumed_where_it_broke(site: Site, tmp_path: Path) -> None:
    site.plan = [{"cut": 300_000}, {"cut": 200_000}]
    assert download(site.url, tmp_path / "f", sha256=DIGEST, size=None) == DIGEST
    assert site.seen == [None, "bytes=300000-", "bytes=500000-"]
    assert site.conditions == [None, '"v1"', '"v1"']


@pytest.mark.parametrize(
    "headers",
    [
        {"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"},
        {"ETag": 'W/"x"', "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"},
    ],
    ids=["date only", "weak tag and date"],
)
def test_the_date_serves_where_there_is_no_strong_tag(site: Site, tmp_path: Path, headers: dict[str, str]) -> None:
    site.headers, site.plan = headers, [{"cut": 300_000}]
    assert download(site.url, tmp_path / "f", sha256=DIGEST, size=None) == DIGEST
    assert site.seen == [None, "bytes=300000-"]


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"weak"'}], ids=["nothing", "weak tag only"])
def test_a_file_whose_version_cannot_be_told_starts_from_zero(
    site: Site, tmp_path: Path, headers: dict[str, str]
) -> None:
    site.headers, site.plan = headers, [{"cut": 300_000}]
    assert download(site.url, tmp_path / "f", sha256=DIGEST, size=None) == DIGEST
    assert site.seen == [None, None]


def test_a_server_without_ranges_is_read_from_zero_again(site: Site, tmp_path: Path) -> None:
    site.ranges, site.plan = False, [{"cut": 300_000}]
    assert download(site.url, tmp_path / "f", sha256=DIGEST, size=None) == DIGEST
    assert site.seen == [None, "bytes=300000-"]


@pytest.mark.parametrize("if_range", [True, False], ids=["server honours If-Range", "server ignores If-Range"])
def test_a_file_that_changed_on_the_server_is_not_spliced(site: Site, tmp_path: Path, if_range: bool) -> None:
    site.plan = [{"cut": 300_000}] + [{"status": 503}] * 4
    with pytest.raises(DataError):
        download(site.url, tmp_path / "f", sha256=None, size=None)
    site.body, site.headers, site.if_range = OTHER, {"ETag": '"v2"'}, if_range
    download(site.url, tmp_path / "f", sha256=None, size=None)
    assert (tmp_path / "f").read_bytes() == OTHER


def test_a_changed_length_is_noticed_where_the_server_gives_no_tag_with_the_part(site: Site, tmp_path: Path) -> None:
    site.plan = [{"cut": 300_000}] + [{"status": 503}] * 4
    with pytest.raises(DataError):
        download(site.url, tmp_path / "f", sha256=None, size=None)
    site.body, site.headers, site.if_range = OTHER + b"more", {}, False
    download(site.url, tmp_path / "f", sha256=None, size=None)
    assert (tmp_path / "f").read_bytes() == OTHER + b"more"


def test_a_part_of_another_url_is_not_continued(site: Site, tmp_path: Path) -> None:
    site.plan = [{"cut": 300_000}] + [{"status": 503}] * 4
    with pytest.raises(DataError):
        download(site.url, tmp_path / "f", sha256=None, size=None)
    download(site.url + "?other", tmp_path / "f", sha256=None, size=None)
    assert site.seen[-1] is None


def test_a_part_longer_than_the_file_or_with_a_broken_note_starts_from_zero(site: Site, tmp_path: Path) -> None:
    note = {"url": site.url, "etag": '"v1"', "last_modified": None, "total": len(BODY)}
    for text, part in ((json.dumps(note), BODY + b"x"), ("{half", BODY[:10]), ('["list"]', BODY[:10])):
        (tmp_path / "f.part").write_bytes(part)
        (tmp_path / "f.part.json").write_text(text)
        assert download(site.url, tmp_path / "f", sha256=None, size=None) == DIGEST
    assert site.seen == [None, None, None]


def test_a_busy_server_is_asked_again(site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site.plan = [{"status": 503}, {"status": 429, "headers": {"Retry-After": "0"}}]
    assert download(site.url, tmp_path / "f", sha256=DIGEST, size=None) == DIGEST
    assert len(site.seen) == 3
    assert "HTTP 503" in capsys.readouterr().err


def test_a_server_that_stays_broken_is_given_up_after_a_few_tries(site: Site, tmp_path: Path) -> None:
    site.plan = [{"cut": 300_000}] + [{"status": 500}] * 20
    with pytest.raises(DataError, match=r"HTTP 500.*5 tries.*300,000 bytes are kept.*continues"):
        download(site.url, tmp_path / "f", sha256=None, size=None)
    assert len(site.seen) == 5
    assert not (tmp_path / "f").exists()


def test_a_missing_file_is_reported_at_once_with_the_ways_out(site: Site, tmp_path: Path) -> None:
    site.plan = [{"status": 404}]
    with pytest.raises(DataError, match=rf"data.zip: HTTP 404.*mirror.*{tmp_path / 'f'}.*--data"):
        download(site.url, tmp_path / "f", sha256=None, size=None)
    assert len(site.seen) == 1


def test_another_file_than_expected_is_refused_and_a_repeat_starts_anew(site: Site, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"earlier")
    site.body = OTHER
    with pytest.raises(DataError) as caught:
        download(site.url, tmp_path / "f", sha256=DIGEST, size=None)
    for needed in (site.url, DIGEST, hashlib.sha256(OTHER).hexdigest(), "Repeat", str(tmp_path / "f")):
        assert needed in str(caught.value)
    assert names(tmp_path) == ["f"] and (tmp_path / "f").read_bytes() == b"earlier"
    site.body = BODY
    assert download(site.url, tmp_path / "f", sha256=DIGEST, size=None) == DIGEST
    assert site.seen == [None, None]


def test_a_file_of_another_size_is_refused_before_it_is_read(site: Site, tmp_path: Path) -> None:
    site.plan = [{"cut": 10, "hold": True}]
    with pytest.raises(DataError, match=r"offers 1,000,000 bytes, expected 999,999.*login page"):
        download(site.url, tmp_path / "f", sha256=None, size=999_999)
    assert names(tmp_path) == []


def test_a_login_page_in_between_does_not_cost_what_was_loaded(site: Site, tmp_path: Path) -> None:
    site.plan = [{"cut": 300_000}] + [{"status": 503}] * 4
    with pytest.raises(DataError):
        download(site.url, tmp_path / "f", sha256=DIGEST, size=len(BODY))
    site.body, site.headers = b"<html>" * 100_000, {}
    with pytest.raises(DataError, match="offers 600,000 bytes"):
        download(site.url, tmp_path / "f", sha256=DIGEST, size=len(BODY))
    site.body, site.headers = BODY, {"ETag": '"v1"'}
    assert download(site.url, tmp_path / "f", sha256=DIGEST, size=len(BODY)) == DIGEST
    assert site.seen[-1] == "bytes=300000-"


def test_a_body_that_does_not_end_where_it_should_is_cut_off(site: Site, tmp_path: Path) -> None:
    site.plan = [{"no_length": True}]
    with pytest.raises(DataError, match="more than 5 bytes"):
        download(site.url, tmp_path / "f", sha256=None, size=5)
    assert names(tmp_path) == []


def test_a_body_shorter_than_the_known_size_is_not_accepted(site: Site, tmp_path: Path) -> None:
    site.plan = [{"no_length": True, "cut": 300_000}]
    assert download(site.url, tmp_path / "f", sha256=None, size=len(BODY)) == DIGEST
    assert site.seen == [None, "bytes=300000-"]


def test_a_disk_without_space_is_noticed_before_anything_is_written(site: Site, tmp_path: Path) -> None:
    site.plan = [{"announce": 10**17, "cut": 10, "hold": True}]
    with pytest.raises(XlmrBenchError, match=r"100,000\.0 TB are needed and .* are free"):
        download(site.url, tmp_path / "f", sha256=None, size=None)
    assert not (tmp_path / "f").exists()


@pytest.mark.parametrize(
    "url", ["file:///etc/hostname", "ftp://example.org/f", "data:,x", "http://", "http://[", "f.zip"]
)
def test_only_web_addresses_are_downloaded(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="http"):
        download(url, tmp_path / "f", sha256=None, size=None)


def test_a_password_in_the_url_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        download("https://me:secret@example.org/f", tmp_path / "f", sha256=None, size=None)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("to", ["file:///etc/hostname", "ftp://127.0.0.1/f"])
def test_redirects_to_other_than_web_addresses_are_not_followed(site: Site, tmp_path: Path, to: str) -> None:
    site.plan = [{"status": 302, "headers": {"Location": to}}]
    with pytest.raises(DataError, match=to):
        download(site.url, tmp_path / "f", sha256=None, size=None)
    assert names(tmp_path) == []


def test_redirects_to_web_addresses_are_followed(site: Site, tmp_path: Path) -> None:
    site.plan = [{"status": 302, "headers": {"Location": "/elsewhere"}}]
    assert download(site.url, tmp_path / "f", sha256=None, size=None) == DIGEST


def test_without_a_network_the_ways_out_are_named(site: Site, tmp_path: Path) -> None:
    url = "http://127.0.0.1:9/data.zip"  # the discard port: nothing listens there
    with pytest.raises(DataError) as caught:
        download(url, tmp_path / "f", sha256=None, size=None)
    for needed in (url, "refused", str(tmp_path / "f"), "--data DIR"):
        assert needed in str(caught.value)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=["kill -9", "Ctrl-C", "SIGTERM"])
def test_a_stopped_download_continues_from_the_bytes_it_had(site: Site, tmp_path: Path, how: signal.Signals) -> None:
    site.plan = [{"cut": 400_000, "hold": True}]
    target = tmp_path / "f"
    code = (
        "import sys, pathlib; from xlmr_bench.data.download import download;"
        "download(sys.argv[1], pathlib.Path(sys.argv[2]), sha256=None, size=None)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, site.url, str(target)],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"no_proxy": "127.0.0.1"},
        stderr=subprocess.DEVNULL,
    )
    part = tmp_path / "f.part"
    deadline = time.monotonic() + 20
    while not (part.exists() and part.stat().st_size == 400_000):
        assert child.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    child.send_signal(how)
    assert child.wait(10) != 0
    assert not target.exists()
    assert download(site.url, target, sha256=DIGEST, size=len(BODY)) == DIGEST
    assert site.seen == [None, "bytes=400000-"]
    assert names(tmp_path) == ["f"]


def test_a_download_killed_after_its_last_byte_needs_no_server(site: Site, tmp_path: Path) -> None:
    note = {"url": site.url, "etag": None, "last_modified": None, "total": len(BODY)}
    (tmp_path / "f.part").write_bytes(BODY)
    (tmp_path / "f.part.json").write_text(json.dumps(note))
    assert download(site.url, tmp_path / "f", sha256=DIGEST, size=None) == DIGEST
    assert site.seen == []
