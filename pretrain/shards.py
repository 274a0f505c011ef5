"""Shards: tokenised text as plain little-endian uint32 files, described by a manifest.

    manifest.json              languages, files, counts, digests; written last, so what has one is complete
    sentencepiece.bpe.model    the tokenizer that made them
    LANGUAGE/00000.bin ...     the pieces of the sentences one after another, `</s>` after each document, no `<s>`

The files of a language, in the order of the manifest, are one stream of tokens. uint32 because XLM-R's 250,002 ids do
not fit into 16 bits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from xlmr_bench.errors import DataError, unknown_name
from xlmr_bench.files import digest_of, sha256_of, write_json
from xlmr_bench.progress import Progress

MANIFEST = "manifest.json"
TOKENIZER = "sentencepiece.bpe.model"
FORMAT = 1
TOKEN_BYTES = 4
_NAMED_AT_MOST = 10

Tokens = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class ShardFile:
    """One file of a language; `name` is relative to the folder, e.g. `sw/00003.bin`."""

    name: str
    tokens: int
    sha256: str


@dataclass(frozen=True)
class LanguageShards:
    """What is known of a language. `tokens` counts every `</s>`, `bytes` the text in UTF-8 without line ends."""

    language: str
    sentences: int
    documents: int
    tokens: int
    bytes: int
    files: tuple[ShardFile, ...]
    unknown: int = 0  # tokens that are `<unk>`


@dataclass(frozen=True)
class Manifest:
    """The shards of a folder. `digest` stands for everything a model could see of them."""

    folder: Path
    tokenizer_file: Path
    tokenizer_sha256: str
    vocab_size: int  # special tokens included: what the embedding of a model needs
    languages: dict[str, LanguageShards]
    digest: str

    def language(self, code: str) -> LanguageShards:
        """One language; raises UsageError where there are no shards of it."""
        if code not in self.languages:
            raise unknown_name(f"language of the shards in {self.folder}", code, self.languages)
        return self.languages[code]


def write_manifest(
    folder: Path, tokenizer_sha256: str, vocab_size: int, languages: Mapping[str, LanguageShards]
) -> None:
    """Declare the folder complete."""
    described = {code: asdict(languages[code]) for code in sorted(languages)}
    value = {
        "format": FORMAT,
        "tokenizer": {"file": TOKENIZER, "sha256": tokenizer_sha256, "vocab_size": vocab_size},
        "digest": _digest(tokenizer_sha256, described),
        "languages": described,
    }
    write_json(folder / MANIFEST, value)


def open_shards(folder: Path) -> Manifest:
    """Read a manifest and compare the files' sizes and the tokenizer with it; digests are left to `verify`.

    Raises DataError where the folder is unfinished, or a file is missing, cut short, or not the one described.
    """
    manifest = _read(folder)
    if not manifest.tokenizer_file.is_file():
        raise DataError(f"{manifest.tokenizer_file} is missing. Copy the tokenizer of these shards there.")
    if sha256_of(manifest.tokenizer_file) != manifest.tokenizer_sha256:
        raise DataError(
            f"{manifest.tokenizer_file} is not the tokenizer that made these shards (its sha256 is not the one in "
            f"{MANIFEST}). Put that one back, or make the shards again: python -m pretrain shard."
        )
    wrong = [p for shards in manifest.languages.values() for f in shards.files if (p := _wrong_size(folder, f))]
    if wrong:
        raise _damaged(folder, wrong)
    return manifest


def verify(manifest: Manifest) -> None:
    """Compare the SHA-256 of every file with the manifest; raises DataError naming the damaged ones."""
    files = [f for shards in manifest.languages.values() for f in shards.files]
    wrong = []
    with Progress(sum(f.tokens for f in files) * TOKEN_BYTES, "B", "verifying") as progress:
        for file in files:
            problem = _wrong_size(manifest.folder, file)
            if not problem and sha256_of(manifest.folder / file.name) != file.sha256:
                problem = f"{file.name}: its sha256 is not the one in {MANIFEST}"
            if problem:
                wrong.append(problem)
            progress.update(file.tokens * TOKEN_BYTES)
    if wrong:
        raise _damaged(manifest.folder, wrong)


class TokenStream:
    """The files of one language as one stream of tokens; each is mapped into memory when it is first read."""

    def __init__(self, manifest: Manifest, language: str) -> None:
        files = [f for f in manifest.language(language).files if f.tokens]  # nothing cannot be mapped
        self._paths = [manifest.folder / f.name for f in files]
        self._starts = np.array([0, *accumulate(f.tokens for f in files)], dtype=np.int64)
        self._mapped: dict[int, Tokens] = {}

    def __len__(self) -> int:
        return int(self._starts[-1])

    def read(self, start: int, stop: int) -> Tokens:
        """Tokens [start, stop): a read-only view of the file, or a copy where they lie in several files."""
        if not 0 <= start <= stop <= len(self):
            raise IndexError(f"tokens [{start}, {stop}) of a stream of {len(self)}")
        if start == stop:
            return np.empty(0, dtype=np.uint32)
        first = int(np.searchsorted(self._starts, start, side="right")) - 1
        last = int(np.searchsorted(self._starts, stop, side="left")) - 1
        parts = [
            self._file(i)[max(start - self._starts[i], 0) : stop - self._starts[i]] for i in range(first, last + 1)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _file(self, index: int) -> Tokens:
        if index not in self._mapped:
            # A plain array over the map: slices of np.memmap itself cost several times as much.
            self._mapped[index] = np.asarray(np.memmap(self._paths[index], dtype="<u4", mode="r"))
        return self._mapped[index]


def _read(folder: Path) -> Manifest:
    path = folder / MANIFEST
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if value["format"] != FORMAT:
            raise DataError(f"{path} has format {value['format']}, this program reads {FORMAT}. Make the shards again.")
        tokenizer = value["tokenizer"]
        languages = {code: _language(described) for code, described in value["languages"].items()}
        digest = _digest(tokenizer["sha256"], {code: asdict(shards) for code, shards in languages.items()})
        if digest != value["digest"]:
            raise DataError(f"{path} was altered: its digest does not fit. Repeat `python -m pretrain shard`.")
        return Manifest(
            folder, folder / tokenizer["file"], tokenizer["sha256"], tokenizer["vocab_size"], languages, digest
        )
    except FileNotFoundError:
        state = "no shards" if not folder.is_dir() else "no complete shards"
        raise DataError(
            f"{state} in {folder}: there is no {MANIFEST}. Make or finish them: "
            f"python -m pretrain shard TEXT {folder} --tokenizer MODEL (repeating it continues)."
        ) from None
    except OSError as e:
        raise DataError(f"cannot read {path}: {e.strerror or e}.") from e
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise DataError(f"{path} is damaged ({e!r}). Repeat `python -m pretrain shard`; it writes it anew.") from e


def _language(described: dict[str, Any]) -> LanguageShards:
    return LanguageShards(**{**described, "files": tuple(ShardFile(**f) for f in described["files"])})


def _digest(tokenizer_sha256: str, described: Mapping[str, Mapping[str, Any]]) -> str:
    """Counts belong to it: languages are drawn by them."""
    contents = {c: {**d, "files": [(f["tokens"], f["sha256"]) for f in d["files"]]} for c, d in described.items()}
    return digest_of({"tokenizer": tokenizer_sha256, "languages": contents})


def _wrong_size(folder: Path, file: ShardFile) -> str | None:
    expected = file.tokens * TOKEN_BYTES
    try:
        found = (folder / file.name).stat().st_size
    except OSError:
        return f"{file.name}: missing"
    return None if found == expected else f"{file.name}: {found:,} bytes instead of {expected:,}"


def _damaged(folder: Path, wrong: list[str]) -> DataError:
    more = f" and {len(wrong) - _NAMED_AT_MOST} more" if len(wrong) > _NAMED_AT_MOST else ""
    return DataError(
        f"{len(wrong)} damaged file{'s' * (len(wrong) > 1)} in {folder}: {'; '.join(wrong[:_NAMED_AT_MOST])}{more}. "
        "Delete them and repeat the `python -m pretrain shard` that made them: it makes the missing ones again."
    )
