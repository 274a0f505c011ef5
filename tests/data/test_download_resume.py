"""Downloads that were cut, stopped or killed continue where they broke, and never splice two files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from download_site import BODY, DIGEST, OTHER, Site, names

from xlmr_bench.data.download import download
from xlmr_bench.errors import DataError


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


def test_a_body_shorter_than_the_known_size_is_not_accepted(site: Site, tmp_path: Path) -> None:
    site.plan = [{"no_length": True, "cut": 300_000}]
    assert download(site.url, tmp_path / "f", sha256=None, size=len(BODY)) == DIGEST
    assert site.seen == [None, "bytes=300000-"]


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
