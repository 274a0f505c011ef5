"""Shards as the trainer reads them: one stream a language, and refusal of anything that is not what was written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from pretrain.shards import LanguageShards, ShardFile, TokenStream, open_shards, verify, write_manifest
from xlmr_bench.errors import DataError, UsageError
from xlmr_bench.files import sha256_of

PARTS = {"en": ([5, 6, 2], [], [7, 2, 8, 250_001]), "sw": ([9, 2],)}


def make(folder: Path, parts: dict[str, tuple[list[int], ...]] = PARTS) -> Path:
    """Shards with the given tokens a file."""
    folder.mkdir(exist_ok=True)
    (folder / "sentencepiece.bpe.model").write_bytes(b"a tokenizer")
    languages = {}
    for code, contents in parts.items():
        files = []
        (folder / code).mkdir(exist_ok=True)
        for number, tokens in enumerate(contents):
            path = folder / code / f"{number:05}.bin"
            path.write_bytes(np.array(tokens, dtype="<u4").tobytes())
            files.append(ShardFile(f"{code}/{path.name}", len(tokens), sha256_of(path)))
        flat = [t for tokens in contents for t in tokens]
        languages[code] = LanguageShards(code, 3, flat.count(2), len(flat), 40, tuple(files), flat.count(3))
    write_manifest(folder, sha256_of(folder / "sentencepiece.bpe.model"), 250_002, languages)
    return folder


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    manifest = open_shards(make(tmp_path))
    assert (manifest.folder, manifest.vocab_size) == (tmp_path, 250_002)
    assert manifest.tokenizer_file.read_bytes() == b"a tokenizer"
    assert list(manifest.languages) == ["en", "sw"]
    english = manifest.languages["en"]
    assert (english.sentences, english.documents, english.tokens, english.bytes) == (3, 2, 7, 40)
    assert [(f.name, f.tokens) for f in english.files] == [
        ("en/00000.bin", 3),
        ("en/00001.bin", 0),
        ("en/00002.bin", 4),
    ]


def test_tokens_are_little_endian_uint32(tmp_path: Path) -> None:
    make(tmp_path)
    assert (tmp_path / "en" / "00002.bin").read_bytes()[-4:] == bytes([0x91, 0xD0, 0x03, 0x00])  # 250,001


def test_the_files_of_a_language_are_one_stream(tmp_path: Path) -> None:
    stream = TokenStream(open_shards(make(tmp_path)), "en")
    whole = [5, 6, 2, 7, 2, 8, 250_001]
    assert len(stream) == len(whole)
    for start in range(8):
        for stop in range(start, 8):
            got = stream.read(start, stop)
            assert got.dtype == np.uint32
            assert type(got) is np.ndarray
            assert got.tolist() == whole[start:stop]


def test_reading_inside_a_file_copies_nothing(tmp_path: Path) -> None:
    stream = TokenStream(open_shards(make(tmp_path)), "en")
    assert np.shares_memory(stream.read(3, 6), stream.read(4, 7))
    assert not stream.read(3, 6).flags.writeable


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (0, 8), (3, 2)])
def test_reading_outside_the_stream_is_an_error(tmp_path: Path, start: int, stop: int) -> None:
    stream = TokenStream(open_shards(make(tmp_path)), "en")
    with pytest.raises(IndexError, match="of a stream of 7"):
        stream.read(start, stop)


def test_a_language_without_shards_gets_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'swa'\. Did you mean 'sw'\?"):
        TokenStream(open_shards(make(tmp_path)), "swa")


def test_the_digest_follows_tokens_counts_and_tokenizer_but_not_the_place(tmp_path: Path) -> None:
    digest = open_shards(make(tmp_path / "a")).digest
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert open_shards(tmp_path / "b").digest == digest
    assert open_shards(make(tmp_path / "c", {**PARTS, "sw": ([9, 9],)})).digest != digest
    assert open_shards(make(tmp_path / "d", {"en": PARTS["en"]})).digest != digest
    languages = open_shards(tmp_path / "a").languages
    write_manifest(tmp_path / "a", "0" * 64, 250_002, languages)
    assert json.loads((tmp_path / "a" / "manifest.json").read_text())["digest"] != digest


# --- damage ---


def test_a_folder_without_manifest_says_how_to_make_or_finish_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no shards in .*python -m pretrain shard TEXT"):
        open_shards(tmp_path / "none")
    with pytest.raises(DataError, match=r"no complete shards in .*repeating it continues"):
        open_shards(tmp_path)


def test_files_cut_short_or_missing_are_named_with_both_sizes(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "en" / "00002.bin").write_bytes(b"\0" * 15)
    (tmp_path / "sw" / "00000.bin").unlink()
    message = r"2 damaged files in .*: en/00002\.bin: 15 bytes instead of 16; sw/00000\.bin: missing\."
    with pytest.raises(DataError, match=message):
        open_shards(tmp_path)


def test_another_tokenizer_is_refused(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "sentencepiece.bpe.model").write_bytes(b"another")
    with pytest.raises(DataError, match="is not the tokenizer that made these shards"):
        open_shards(tmp_path)
    (tmp_path / "sentencepiece.bpe.model").unlink()
    with pytest.raises(DataError, match="is missing"):
        open_shards(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"sentences": 3', '"sentences": 4', "was altered"),
        ('"format": 1', '"format": 9', "has format 9"),
        ('"documents"', '"docs"', "is damaged"),
        ("{", "", "is damaged"),
    ],
)
def test_an_altered_manifest_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = make(tmp_path) / "manifest.json"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(DataError, match=message):
        open_shards(tmp_path)


def test_verify_names_the_file_in_which_one_bit_changed(tmp_path: Path) -> None:
    manifest = open_shards(make(tmp_path))
    verify(manifest)
    path = tmp_path / "en" / "00002.bin"
    content = bytearray(path.read_bytes())
    content[5] ^= 1
    path.write_bytes(content)
    open_shards(tmp_path)  # the size is right
    with pytest.raises(DataError, match=r"1 damaged file in .*: en/00002\.bin: its sha256 is not the one"):
        verify(manifest)
