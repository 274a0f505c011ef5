"""The folder of a corpus: what it is made from, where everything lies in it, and what must not change half way.

OUT/corpus.json   what it is made from: every stage refuses to continue with something else
OUT/wet/          downloaded WET files
OUT/hashes/       a WET file's line hashes, sorted                       NNNNN.hashes
OUT/repeats/      which of them occur again, a range of hashes a file    GGGGG-BBBBB.repeats
OUT/documents/    a WET file's documents by language, and their counts   NNNNN.jsonl.gz, NNNNN.json
OUT/text/         the corpus: LANGUAGE/NNNNN.txt.gz, as `shard` reads it
OUT/report.*      what came of it, a language a row
OUT/logs/         datatrove's logs, statistics and completions, a folder a stage
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from xlmr_bench.errors import DataError, UsageError
from xlmr_bench.files import sha256_of, write_json

BUCKETS = ("head", "middle", "tail", "all")


@dataclass(frozen=True)
class Corpus:
    """What a corpus is made from, and its folder. Paths are absolute: tasks may run on other machines.

    wet: addresses or paths of WET files, in the order of their numbers. group_files: lines that occur more than once
    among so many WET files are removed. lid: language identification models, the first being lid.176. threshold: the
    least probability that counts. models: folder of language models. cutoffs: file of published perplexity cut-offs;
    without it they are computed from the corpus itself. english_dump: the one dump whose English documents are kept.
    keep: buckets that become text.
    """

    out: Path
    wet: tuple[str, ...]
    group_files: int
    lid: tuple[Path, ...]
    threshold: float
    models: Path | None
    cutoffs: Path | None
    english_dump: str | None
    keep: tuple[str, ...]

    def hashes(self, wet: int) -> Path:
        return self.out / "hashes" / f"{wet:05}.hashes"

    def documents(self, wet: int) -> Path:
        return self.out / "documents" / f"{wet:05}.jsonl.gz"

    def counts(self, wet: int) -> Path:
        """Exists exactly when the WET file's documents do."""
        return self.out / "documents" / f"{wet:05}.json"

    def repeats(self, group: int, bucket: int) -> Path:
        return self.out / "repeats" / f"{group:05}-{bucket:05}.repeats"

    def text(self, language: str, part: int) -> Path:
        return self.out / "text" / language / f"{part:05}.txt.gz"

    @property
    def cutoffs_used(self) -> Path:
        return self.out / "cutoffs.json"

    @property
    def parts(self) -> Path:
        """The list of the files of text."""
        return self.out / "text" / "parts.json"

    @property
    def downloads(self) -> Path:
        return self.out / "wet"

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Numbers of the WET files of each group."""
        numbers = range(len(self.wet))
        return tuple(tuple(numbers[i : i + self.group_files]) for i in range(0, len(numbers), self.group_files))

    def settle(self) -> None:
        """Write `corpus.json`, or hold it against the one that is there.

        Raises UsageError naming the first difference: half a corpus of each would be neither.
        """
        path, ours = self.out / "corpus.json", self._identity()
        if path.exists():
            _refuse_changes(path, read_json(path), ours)
        else:
            write_json(path, ours)

    def _identity(self) -> dict[str, Any]:
        """Everything that decides the result. Models count by their bytes, not by where they lie."""
        value = asdict(self)
        del value["out"]
        value["wet"] = list(self.wet)
        value["keep"] = list(self.keep)
        value["lid"] = [sha256_of(path) for path in self.lid]
        value["cutoffs"] = sha256_of(self.cutoffs) if self.cutoffs else None
        models = sorted(self.models.glob("*.sp.model")) + sorted(self.models.glob("*.arpa.bin")) if self.models else []
        value["models"] = {path.name: [path.stat().st_size, _ends(path)] for path in models}
        return value


def read_json(path: Path) -> Any:
    """A JSON file of the corpus; DataError where it is not there or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise DataError(f"cannot read {path}: {e}. Remove it and repeat the command: it will be made again.") from e


def _refuse_changes(path: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    changed = [name for name in now if before.get(name) != now[name]]
    if not changed:
        return
    if changed == ["keep"]:
        remedy = f"Remove {path.parent / 'text'} and {path}, and repeat the command: all else is used again."
    else:
        remedy = f"Choose another folder, or remove {path.parent}."
    name = changed[0]
    words = f" ({_shown(before.get(name))} then, {_shown(now[name])} now)"
    raise UsageError(f"{path.parent} was begun with other {' and '.join(changed)}{words}. {remedy}")


def _shown(value: Any) -> str:
    if isinstance(value, list | dict):
        return f"{len(value)} of them"
    return str(value)


def _ends(path: Path) -> str:
    """A digest of a large file's first and last megabyte; language models are gigabytes."""
    import hashlib

    digest, size = hashlib.sha256(), path.stat().st_size
    with path.open("rb") as f:
        digest.update(f.read(1 << 20))
        f.seek(max(0, size - (1 << 20)))
        digest.update(f.read(1 << 20))
    return digest.hexdigest()
