"""XNLI through the `datasets` library, from a local mirror in the Hub's layout made here."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

datasets = pytest.importorskip("datasets", reason="the Hub route needs the package `datasets`")

from xlmr_bench.benchmarks.xnli_hub import hub_revision, read_hub_rows  # noqa: E402
from xlmr_bench.errors import DataError, UsageError  # noqa: E402

REPOSITORY = Path(__file__).parents[2]
ROWS = [
    ("He was late.", "He was on time.", "contradiction"),
    ("A cat sleeps.", "An animal sleeps.", "entailment"),
    ("She reads.", "She reads a novel.", "neutral"),
    ("Il pleut \t«fort».", "Le sol est\nmouillé.", "entailment"),
]
# None of them is the order of facebook/xnli (entailment, neutral, contradiction), and each language has its own.
ORDERS = {"fr": ["neutral", "contradiction", "entailment"], "sw": ["contradiction", "entailment", "neutral"]}


def write_split(path: Path, rows: list[tuple[Any, Any, Any]], label: Any, text: Any = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = text or datasets.Value("string")
    features = datasets.Features({"premise": text, "hypothesis": text, "label": label})
    columns = {name: [row[i] for row in rows] for i, name in enumerate(features)}
    datasets.Dataset.from_dict(columns, features=features).to_parquet(str(path))


def write_card(folder: Path, splits: dict[str, list[str]]) -> None:
    lines = ["---", "configs:"]
    for language, names in splits.items():
        lines += [f"- config_name: {language}", "  data_files:"]
        for name in names:
            lines += [f"  - split: {name}", f"    path: {language}/{name}-*"]
    (folder / "README.md").write_text("\n".join([*lines, "---", ""]), encoding="utf-8")


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    folder = tmp_path / "mirror" / "xnli"
    for language, names in ORDERS.items():
        for number, split in enumerate(("train", "validation", "test")):
            rows = [(f"{split} {p}", f"{language} {h}", label) for p, h, label in ROWS[number:]]
            path = folder / language / f"{split}-00000-of-00001.parquet"
            write_split(path, rows, datasets.ClassLabel(names=names))
    write_card(folder, {language: ["train", "validation", "test"] for language in ORDERS})
    return folder


@pytest.mark.parametrize("language", ["fr", "sw"])
@pytest.mark.parametrize(
    ("split", "hub_split", "first"), [("train", "train", 0), ("dev", "validation", 1), ("test", "test", 2)]
)
def test_labels_go_by_name_whatever_their_order(
    mirror: Path, language: str, split: str, hub_split: str, first: int
) -> None:
    expected = [(f"{hub_split} {p}", f"{language} {h}", label) for p, h, label in ROWS[first:]]
    assert read_hub_rows(str(mirror), language, split) == expected


def declare_in_card(folder: Path, language: str, names: list[str]) -> None:
    """Add the features to the card, as facebook/xnli has them."""
    card = (folder / "README.md").read_text().removesuffix("---\n")
    listed = "".join(f"          '{i}': {name}\n" for i, name in enumerate(names))
    features = "".join(f"  - name: {c}\n    dtype: string\n" for c in ("premise", "hypothesis"))
    features += f"  - name: label\n    dtype:\n      class_label:\n        names:\n{listed}"
    text = f"{card}dataset_info:\n- config_name: {language}\n  features:\n{features}---\n"
    (folder / "README.md").write_text(text)


def test_the_card_declares_the_names_where_the_files_do_not(mirror: Path) -> None:
    import pyarrow.parquet as pq

    write_card(mirror, {"fr": ["test"]})
    path = mirror / "fr" / "test-00000-of-00001.parquet"
    pq.write_table(pq.read_table(path).replace_schema_metadata(None), path)
    with pytest.raises(DataError, match=r"not named.*Ids without names are not guessed"):
        read_hub_rows(str(mirror), "fr", "test")
    declare_in_card(mirror, "fr", ORDERS["fr"])
    assert [label for _, _, label in read_hub_rows(str(mirror), "fr", "test")] == [row[2] for row in ROWS[2:]]


def test_a_card_and_a_file_that_declare_different_orders_are_refused(mirror: Path) -> None:
    declare_in_card(mirror, "fr", ORDERS["fr"][::-1])
    with pytest.raises(
        DataError, match=r"declares the labels neutral, contradiction, entailment, but the dataset card"
    ):
        read_hub_rows(str(mirror), "fr", "test")


def test_every_file_is_read_by_its_own_names(mirror: Path) -> None:
    rows = [("p", "h", "neutral"), ("q", "i", "contradiction")]
    other = datasets.ClassLabel(names=["entailment", "neutral", "contradiction"])
    write_split(mirror / "fr/test-00001-of-00002.parquet", rows, other)
    expected = [(f"test {p}", f"fr {h}", label) for p, h, label in ROWS[2:]]
    assert read_hub_rows(str(mirror), "fr", "test") == expected + rows


def test_another_folder_of_the_same_name_in_the_cache_lends_nothing(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    other = tmp_path / "other" / "xnli"
    for split in ("train", "validation", "test"):
        path = other / f"fr/{split}-00000-of-00001.parquet"
        write_split(path, [("p", "h", "neutral")], datasets.ClassLabel(names=ORDERS["sw"]))
    shutil.copy(mirror / "README.md", other)
    shutil.copytree(mirror / "sw", other / "sw")
    datasets.load_dataset(str(other), "fr")
    expected = [(f"test {p}", f"fr {h}", label) for p, h, label in ROWS[2:]]
    assert read_hub_rows(str(mirror), "fr", "test") == expected


def test_only_parquet_files_are_read(mirror: Path) -> None:
    (mirror / "README.md").write_text("---\nconfigs:\n- config_name: fr\n  data_files: fr.csv\n---\n")
    (mirror / "fr.csv").write_text("premise,hypothesis,label\np,h,neutral\n")
    with pytest.raises(DataError, match=r"fr\.csv is not a parquet file"):
        read_hub_rows(str(mirror), "fr", "train")


def test_many_rows_keep_their_order_over_several_batches(mirror: Path) -> None:
    names = ORDERS["fr"]
    rows = [(f"p{i}", f"h{i}", names[i % 3]) for i in range(25_001)]
    write_split(mirror / "fr/test-00000-of-00001.parquet", rows, datasets.ClassLabel(names=names))
    assert read_hub_rows(str(mirror), "fr", "test") == rows


def test_a_folder_that_changed_is_read_anew(mirror: Path) -> None:
    path = mirror / "fr/test-00000-of-00001.parquet"
    before, times = read_hub_rows(str(mirror), "fr", "test"), path.stat()
    write_split(path, [("other", "text", "neutral")], datasets.ClassLabel(names=ORDERS["fr"]))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert before != read_hub_rows(str(mirror), "fr", "test") == [("other", "text", "neutral")]


def test_an_unknown_language_or_split_gets_the_known_ones(mirror: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown language of .*'tlh'.*Known: fr, sw"):
        read_hub_rows(str(mirror), "tlh", "test")
    with pytest.raises(UsageError, match=r"unknown split 'tests'. Did you mean 'test'\? Known: train, dev, test"):
        read_hub_rows(str(mirror), "fr", "tests")


def test_a_missing_split_is_named_with_those_that_exist(mirror: Path) -> None:
    write_card(mirror, {"fr": ["train", "test"], "sw": ["test"]})
    with pytest.raises(DataError, match=r"fr dev: there is no split 'validation', only train, test\..*--data DIR"):
        read_hub_rows(str(mirror), "fr", "dev")


@pytest.mark.parametrize(
    ("rows", "label", "message"),
    [
        ([("p", "h", -1)], ORDERS["fr"], r"row 0: label -1 .*hidden"),
        ([("p", "h", 0), ("p", "h", None)], ORDERS["fr"], "row 1: label None"),
        ([("p", "", 0)], ORDERS["fr"], "row 0: premise or hypothesis is not a text"),
        ([(None, "h", 0)], ORDERS["fr"], "row 0: premise or hypothesis is not a text"),
        ([("p", "h", 0)], ["entailment", "not_entailment"], "labels are entailment, not_entailment, expected"),
        ([("p", "h", 0)], None, "labels are not named"),
        ([], ORDERS["fr"], "no rows"),
    ],
    ids=["hidden label", "no label", "empty text", "no text", "two classes", "bare ids", "no rows"],
)
def test_data_that_cannot_be_scored_are_refused(
    mirror: Path, rows: list[tuple[Any, Any, Any]], label: list[str] | None, message: str
) -> None:
    write_card(mirror, {"fr": ["test"]})
    feature = datasets.ClassLabel(names=label) if label else datasets.Value("int64")
    write_split(mirror / "fr/test-00000-of-00001.parquet", rows, feature)
    with pytest.raises(DataError, match=message):
        read_hub_rows(str(mirror), "fr", "test")


def test_other_columns_are_named(mirror: Path) -> None:
    write_card(mirror, {"fr": ["test"]})
    path = mirror / "fr/test-00000-of-00001.parquet"
    datasets.Dataset.from_dict({"sentence1": ["a"], "sentence2": ["b"], "label": [0]}).to_parquet(str(path))
    with pytest.raises(DataError, match="no column premise, hypothesis; found sentence1, sentence2, label"):
        read_hub_rows(str(mirror), "fr", "test")


@pytest.mark.parametrize("damage", ["empty folder", "cut file"])
def test_a_damaged_folder_is_explained(mirror: Path, damage: str) -> None:
    if damage == "empty folder":
        shutil.rmtree(mirror)
        mirror.mkdir()
    else:
        path = mirror / "fr/test-00000-of-00001.parquet"
        path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=rf"{mirror}: cannot be read .*README\.md"):
        read_hub_rows(str(mirror), "fr", "test")


@pytest.mark.parametrize("repository", ["", "/nowhere/xnli", "./xnli", "a/b/c", "facebook/"])
def test_what_is_neither_a_folder_nor_a_name_is_refused(repository: str) -> None:
    for read in (lambda: read_hub_rows(repository, "fr", "test"), lambda: hub_revision(repository)):
        with pytest.raises(DataError, match="no such folder, nor a name on the Hub"):
            read()


def test_the_revision_of_a_folder_follows_its_content_and_not_its_place(mirror: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(mirror, copy)
    (copy / ".cache").mkdir()
    (copy / ".cache/timestamps").write_text("now")
    revision = hub_revision(str(mirror))
    assert revision.startswith("sha256:") and len(revision) == 71
    assert hub_revision(str(copy)) == revision
    with (copy / "README.md").open("a") as f:
        f.write("one more word\n")
    assert hub_revision(str(copy)) != revision


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
