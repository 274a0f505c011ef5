"""XNLI from the Hub in processes of their own: from a server on this machine, offline, and what reaches the user."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hub_mirror import ROWS, datasets, write_split
from samples import REPOSITORY

from xlmr_bench.benchmarks.xnli_hub import hub_revision

READ = """
import sys
from xlmr_bench.benchmarks.xnli_hub import hub_revision, read_hub_rows
from xlmr_bench.errors import XlmrBenchError
for read in (lambda: read_hub_rows(sys.argv[1], "fr", "test"), lambda: hub_revision(sys.argv[1])):
    try:
        print(read())
    except XlmrBenchError as e:
        print(e.exit_code, e, file=sys.stderr)
"""


def run_read(repository: str, tmp_path: Path, code: str = READ, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {"HF_HOME": str(tmp_path / "hf"), "no_proxy": "127.0.0.1", **environment}
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_TOKEN"):
        variables.setdefault(name, "")
    return subprocess.run(
        [sys.executable, "-c", code, repository],
        cwd=REPOSITORY,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )


COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(BaseHTTPRequestHandler):
    """As much of the Hub's HTTP interface as reading one dataset takes: resolve, tree and revision."""

    protocol_version = "HTTP/1.1"
    folder: Path

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path.startswith("/datasets/toy/xnli/resolve/"):
            file = self.folder / path.split("/", 6)[6]
            if file.is_file():
                self.send_file(file.read_bytes())
            else:
                self.answer(404, b"", {"X-Error-Code": "EntryNotFound"})
        elif path.startswith(f"/api/datasets/toy/xnli/tree/{COMMIT}"):
            entries = (self.folder / path.partition(COMMIT)[2].strip("/")).iterdir()
            self.answer(200, json.dumps([self.entry(p) for p in sorted(entries)]).encode())
        elif path in ("/api/datasets/toy/xnli", f"/api/datasets/toy/xnli/revision/{COMMIT}"):
            self.answer(200, json.dumps({"id": "toy/xnli", "sha": COMMIT, "tags": [], "siblings": []}).encode())
        else:
            self.answer(404, b"", {"X-Error-Code": "RepoNotFound"})

    do_HEAD = do_GET

    def send_file(self, body: bytes) -> None:
        headers = {"ETag": f'"{hashlib.sha256(body).hexdigest()}"'}
        status = 200
        if asked := self.headers["Range"]:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            part = body[int(first) : int(last) + 1]
            headers["Content-Range"] = f"bytes {first}-{int(first) + len(part) - 1}/{len(body)}"
            body, status = part, 206
        self.answer(status, body, headers)

    def entry(self, path: Path) -> dict[str, Any]:
        kind = "file" if path.is_file() else "directory"
        return {"type": kind, "oid": "0", "size": path.stat().st_size, "path": str(path.relative_to(self.folder))}

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"X-Repo-Commit": COMMIT, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def hub(mirror: Path) -> Iterator[str]:
    """The address of a Hub on this machine whose repository toy/xnli is the mirror."""
    with ThreadingHTTPServer(("127.0.0.1", 0), type("HubOfOneTest", (Hub,), {"folder": mirror})) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_repository_on_the_hub_is_read_by_commit_and_later_without_a_network(hub: str, tmp_path: Path) -> None:
    expected = [(f"test {p}", f"fr {h}", label) for p, h, label in ROWS[2:]]
    first = run_read("toy/xnli", tmp_path, HF_ENDPOINT=hub)
    assert first.stdout == f"{expected}\n{COMMIT}\n"
    assert "Generating" not in first.stderr, "progress bars do not belong into a log"
    again = run_read("toy/xnli", tmp_path, HF_ENDPOINT=hub, HF_HUB_OFFLINE="1")
    assert again.stdout == first.stdout


def test_a_file_on_the_hub_that_declares_another_order_is_refused(hub: str, mirror: Path, tmp_path: Path) -> None:
    other = datasets.ClassLabel(names=["entailment", "neutral", "contradiction"])
    write_split(mirror / "fr/test-00000-of-00001.parquet", [("p", "h", 0)], other)
    done = run_read("toy/xnli", tmp_path, HF_ENDPOINT=hub)
    assert "test-00000-of-00001.parquet declares the labels entailment, neutral, contradiction, but" in done.stderr
    assert done.stdout == f"{COMMIT}\n"


def test_a_language_that_the_hub_does_not_have_gets_the_known_ones(hub: str, tmp_path: Path) -> None:
    done = run_read("toy/xnli", tmp_path, READ.replace('"fr"', '"tlh"'), HF_ENDPOINT=hub)
    assert done.stderr == "2 unknown language of toy/xnli: 'tlh'. Known: fr, sw.\n"


def test_a_repository_on_the_hub_without_a_card_still_has_a_revision(hub: str, mirror: Path, tmp_path: Path) -> None:
    (mirror / "README.md").unlink()
    code = "import sys; from xlmr_bench.benchmarks.xnli_hub import hub_revision; print(hub_revision(sys.argv[1]))"
    assert run_read("toy/xnli", tmp_path, code, HF_ENDPOINT=hub).stdout == f"{COMMIT}\n"


def test_an_unknown_repository_is_explained_in_one_line(hub: str, tmp_path: Path) -> None:
    done = run_read("toy/nope", tmp_path, HF_ENDPOINT=hub)
    assert [line[:31] for line in done.stderr.splitlines()] == [
        "3 toy/nope: cannot be read (Dat",
        "3 toy/nope: cannot be read (Rep",
    ]


def test_a_hub_that_may_not_be_reached_is_explained(tmp_path: Path) -> None:
    done = run_read("facebook/xnli", tmp_path, HF_HUB_OFFLINE="1")
    assert done.returncode == 0 and done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 2 and all(line.startswith("3 facebook/xnli: cannot be read") for line in lines)
    assert all("HF_HUB_OFFLINE" in line and "--data DIR" in line for line in lines)


def test_without_the_library_the_remedy_is_told(mirror: Path, tmp_path: Path) -> None:
    done = run_read(str(mirror), tmp_path, "import sys; sys.modules['datasets'] = None\n" + READ)
    assert done.stderr.startswith("2 reading XNLI from the Hub needs the package `datasets`")
    assert "pip install datasets" in done.stderr


def test_stdout_holds_data_only_and_a_log_holds_no_progress_bars(mirror: Path, tmp_path: Path) -> None:
    done = run_read(str(mirror), tmp_path)
    expected = [(f"test {p}", f"fr {h}", label) for p, h, label in ROWS[2:]]
    assert done.stdout == f"{expected}\n{hub_revision(str(mirror))}\n"
    assert done.stderr == ""
