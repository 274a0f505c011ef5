"""What was wrong with the input: counted by kind, each kind with a few named examples, and never fatal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from xlmr_bench.errors import DataError

EXAMPLES = 5  # named of each kind


@dataclass
class Problems:
    """Counts and examples by kind.

    The examples are the first five in alphabetical order, not the first five met: so the same input gives the same
    answer whatever was merged with what, in which order.
    """

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, where: str, count: int = 1) -> None:
        """Count one problem (or `count` of them at one place); `where` names the file, the record and its URL."""
        self.counts[kind] = self.counts.get(kind, 0) + count
        self._name(kind, [where])

    def merge(self, other: Problems) -> None:
        """Add those of another task."""
        for kind, count in other.counts.items():
            self.counts[kind] = self.counts.get(kind, 0) + count
            self._name(kind, other.examples.get(kind, []))

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def as_json(self) -> dict[str, Any]:
        """For example {"invalid UTF-8": {"count": 7, "examples": ["00000.warc.wet.gz, record 12 (https://...)"]}}."""
        return {kind: {"count": self.counts[kind], "examples": self.examples[kind]} for kind in sorted(self.counts)}

    @classmethod
    def from_json(cls, value: Any) -> Problems:
        """The inverse of `as_json`; raises DataError for anything else."""
        problems = cls()
        try:
            for kind, known in value.items():
                problems.counts[str(kind)] = int(known["count"])
                problems._name(str(kind), [str(where) for where in known["examples"]])
        except (AttributeError, KeyError, TypeError, ValueError) as e:
            raise DataError(f"not a record of problems ({e!r}). Remove the file that holds it and repeat.") from e
        return problems

    def _name(self, kind: str, places: list[str]) -> None:
        self.examples[kind] = sorted({*self.examples.get(kind, []), *places})[:EXAMPLES]
