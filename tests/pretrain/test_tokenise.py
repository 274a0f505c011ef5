"""Text to shards: what the tokens are, and that neither the number of processes nor damage elsewhere changes them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from token_streams import EOS, expected, streams, written

from pretrain.sharding import shard_text
from pretrain.shards import open_shards
from xlmr_bench.errors import DataError, UsageError, XlmrBenchError
from xlmr_bench.files import locked
from xlmr_bench.miniature import miniature_folder
from xlmr_bench.modeling.tokenizer import load_sentencepiece


@pytest.fixture(scope="module")
def tokenizer() -> Path:
    return miniature_folder() / "sentencepiece.bpe.model"


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """Two languages, one of them in two files of which one is compressed; documents parted by blank lines."""
    folder = tmp_path / "text"
    (folder / "sw").mkdir(parents=True)
    source = miniature_folder() / "text"
    (folder / "en.txt").write_text("\n".join((source / "en.txt").read_text().split("\n")[:3000]))
    lines = (source / "sw.txt").read_text().split("\n")
    (folder / "sw" / "a.txt").write_text("\n".join(lines[:200]))
    (folder / "sw" / "b.txt.gz").write_bytes(gzip.compress("\n".join(lines[200:400]).encode()))
    return folder


def content(folder: Path) -> dict[str, bytes]:
    """Every file there, hidden ones except the lock included."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name != ".lock"
    }


# --- what the tokens are ---


@pytest.mark.parametrize("line_documents", [False, True])
@pytest.mark.parametrize("item_bytes", [64_000_000, 3_000])
def test_a_stream_is_the_pieces_of_the_lines_with_an_end_after_each_document(
    text: Path, tokenizer: Path, tmp_path: Path, line_documents: bool, item_bytes: int
) -> None:
    done = shard_text(text, tmp_path / "s", tokenizer, line_documents=line_documents, item_bytes=item_bytes)
    english = (text / "en.txt").read_text()
    swahili = [(text / "sw" / "a.txt").read_text(), gzip.decompress((text / "sw" / "b.txt.gz").read_bytes()).decode()]
    got = streams(tmp_path / "s")
    assert got["en"] == expected(tokenizer, [english], line_documents)
    assert got["sw"] == expected(tokenizer, swahili, line_documents)

    lines = [line for line in english.split("\n") if line]
    shards = done.languages["en"]
    assert shards.sentences == len(lines)
    assert shards.documents == got["en"].count(EOS) == (len(lines) if line_documents else english.count("\n\n") + 1)
    assert shards.tokens == len(got["en"])
    assert shards.bytes == sum(len(line.encode()) for line in lines)
    assert shards.unknown == 0
    assert (len(shards.files) > 10) == (item_bytes == 3_000)
    assert open_shards(tmp_path / "s").languages == done.languages


def test_unknown_characters_and_lines_without_pieces_are_counted_for_what_they_are(
    tokenizer: Path, tmp_path: Path
) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "en.txt").write_text("\u200b\n\na dog\n\u200b\n\n\u3000\n\n𒀀 dog\n")
    shards = shard_text(tmp_path / "t", tmp_path / "s", tokenizer).languages["en"]
    assert (shards.sentences, shards.documents, shards.unknown) == (2, 2, 1)


def test_a_long_line_is_tokenised_in_parts(tokenizer: Path, tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "en.txt").write_text("David bought a dog. " * 120_000)
    shards = shard_text(tmp_path / "t", tmp_path / "s", tokenizer, item_bytes=100_000).languages["en"]
    assert (shards.sentences, shards.documents) == (3, 1)
    once = load_sentencepiece(tokenizer).encode_batch(["David bought a dog."])[0]
    assert streams(tmp_path / "s")["en"] == once * 120_000 + [EOS]


def test_a_document_longer_than_an_item_ends_once(tokenizer: Path, tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "en.txt").write_text("David bought a dog.\n" * 100_000)
    shards = shard_text(tmp_path / "t", tmp_path / "s", tokenizer, item_bytes=400_000).languages["en"]
    assert (len(shards.files), shards.sentences, shards.documents) == (5, 100_000, 1)
    once = load_sentencepiece(tokenizer).encode_batch(["David bought a dog."])[0]
    assert streams(tmp_path / "s")["en"] == once * 100_000 + [EOS]


def test_the_number_of_processes_changes_no_byte(text: Path, tokenizer: Path, tmp_path: Path) -> None:
    for workers in (1, 2):
        shard_text(text, tmp_path / str(workers), tokenizer, workers=workers, item_bytes=5_000)
    one = content(tmp_path / "1")
    assert one == content(tmp_path / "2")
    assert one["sentencepiece.bpe.model"] == tokenizer.read_bytes()
    assert [name for name in one if "/." in name or name.startswith(".")] == []


# --- repeating ---


def test_repeating_does_nothing_and_changed_text_is_done_anew(text: Path, tokenizer: Path, tmp_path: Path) -> None:
    out = tmp_path / "s"
    shard_text(text, out, tokenizer, item_bytes=20_000)
    before, bytes_before = written(out), content(out)
    assert shard_text(text, out, tokenizer, item_bytes=20_000).text_bytes == 0
    assert (written(out), content(out)) == (before, bytes_before)

    (text / "sw" / "a.txt").write_text("David aliuza farasi.\n")
    done = shard_text(text, out, tokenizer, item_bytes=20_000)
    assert done.text_bytes == len("David aliuza farasi.")
    assert {name for name, when in written(out).items() if before[name] != when} == {"sw/00000.bin"}
    (text / "en.txt").write_text("a dog\n")  # fewer items than before: the others must go
    shard_text(text, out, tokenizer, item_bytes=20_000)
    assert [name for name in written(out) if name.startswith("en/")] == ["en/00000.bin"]
    shard_text(text, tmp_path / "fresh", tokenizer, item_bytes=20_000)
    assert content(out) == content(tmp_path / "fresh")


def test_a_missing_or_shortened_file_is_done_anew(text: Path, tokenizer: Path, tmp_path: Path) -> None:
    out = tmp_path / "s"
    shard_text(text, out, tokenizer, item_bytes=20_000)
    before = content(out)
    (out / "en" / "00001.bin").unlink()
    (out / "en" / "00002.bin").write_bytes(b"\0" * 8)
    (out / "sw" / "00000.json").write_text("{")
    shard_text(text, out, tokenizer, item_bytes=20_000)
    assert content(out) == before


def test_other_documents_are_other_shards(text: Path, tokenizer: Path, tmp_path: Path) -> None:
    by_blank_lines = shard_text(text, tmp_path / "s", tokenizer).languages["en"]
    by_lines = shard_text(text, tmp_path / "s", tokenizer, line_documents=True).languages["en"]
    assert by_lines.documents == by_lines.sentences > by_blank_lines.documents


def test_another_tokenizer_for_the_same_folder_is_refused(text: Path, tokenizer: Path, tmp_path: Path) -> None:
    out = tmp_path / "s"
    shard_text(text, out, tokenizer, languages="sw")
    before = content(out)
    other = tmp_path / "other.model"
    other.write_bytes(tokenizer.read_bytes() + bytes([0x2A, 0]))  # one more, empty field of the message
    with pytest.raises(UsageError, match="holds shards made with another tokenizer"):
        shard_text(text, out, other, languages="sw")
    assert content(out) == before


def test_two_commands_in_one_folder_are_refused(text: Path, tokenizer: Path, tmp_path: Path) -> None:
    with locked(tmp_path / "s" / ".lock", "it"), pytest.raises(XlmrBenchError, match="another process is already"):
        shard_text(text, tmp_path / "s", tokenizer)


# --- damage ---


def test_a_damaged_language_leaves_the_others_done(text: Path, tokenizer: Path, tmp_path: Path) -> None:
    whole = (text / "en.txt").read_bytes()
    (text / "en.txt").write_bytes(whole[:5000] + b"\n\xff\n" + whole[5000:])
    (text / "de.txt.gz").write_bytes(gzip.compress(b"Hund\n" * 1000)[:-20])
    (text / "fr.txt").write_text(" \n\n")
    out = tmp_path / "s"
    with pytest.raises(DataError) as caught:
        shard_text(text, out, tokenizer, workers=2)
    message = str(caught.value)
    assert "en.txt, line " in message
    assert "byte 5,001: not UTF-8 (0xff" in message
    assert "de.txt.gz: damaged or cut short" in message
    assert "language 'fr' holds no text (fr.txt)" in message
    assert sorted(content(out)) == [
        "sentencepiece.bpe.model", "sw/00000.bin", "sw/00000.json", "sw/00001.bin", "sw/00001.json",
    ]  # fmt: skip
    (text / "en.txt").write_bytes(whole)
    assert shard_text(text, out, tokenizer, languages="en,sw").text_bytes == len(whole.replace(b"\n", b""))


def test_nothing_is_begun_without_a_tokenizer_or_workers(text: Path, tokenizer: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read the SentencePiece model"):
        shard_text(text, tmp_path / "s", tmp_path / "none.model")
    with pytest.raises(UsageError, match="--workers is 0"):
        shard_text(text, tmp_path / "s", tokenizer, workers=0)
    assert content(tmp_path / "s") == {}


def test_each_file_says_what_it_was_made_of(text: Path, tokenizer: Path, tmp_path: Path) -> None:
    shard_text(text, tmp_path / "s", tokenizer)
    state = json.loads((tmp_path / "s" / "sw" / "00001.json").read_text())
    assert state["source"] == "sw/b.txt.gz"
    assert state["tokens"] * 4 == (tmp_path / "s" / "sw" / "00001.bin").stat().st_size
