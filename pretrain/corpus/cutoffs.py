"""Where the best documents of a language end and the worst begin: perplexities at percentiles 30 and 60.

Documents below the first are `head`, below the second `middle`, the others `tail`, as in cc_net. The cut-offs are those
that cc_net published for 48 languages, or are computed from the corpus itself with a histogram.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from xlmr_bench.errors import DataError, MissingData

HEAD_PERCENTILE, TAIL_PERCENTILE = 30, 60
Bucket = Literal["head", "middle", "tail"]
Cutoffs = tuple[float, float]  # the perplexities at which the middle and the tail begin
# A bin's ends lie .2 % apart, so that its middle is at most .1 % from whatever fell into it.
_STEP = math.log(1.002)
_LARGEST = 1e12


def bucket(perplexity: float, cutoffs: Cutoffs) -> Bucket:
    """Where a document of this perplexity belongs."""
    head, tail = cutoffs
    if perplexity < head:
        return "head"
    return "middle" if perplexity < tail else "tail"


def read_cutoffs(path: Path) -> dict[str, Cutoffs]:
    """The cut-offs of a table in the layout of cc_net's `cutoff.csv`: a row a percentile, a column a language.

    Raises DataError for a file that is not there or not such a table.
    """
    try:
        with path.open(encoding="utf-8", newline="") as f:
            rows = [row for row in csv.reader(f) if row]
    except FileNotFoundError as e:
        raise MissingData(
            f"no perplexity cut-offs at {path}. Give cc_net's cutoff.csv, or have them computed from the corpus."
        ) from e
    except (OSError, UnicodeDecodeError, csv.Error) as e:
        raise DataError(f"cannot read the perplexity cut-offs {path}: {e}. Fetch cc_net's cutoff.csv again.") from e
    languages = [name.strip() for name in rows[0][1:]] if rows else []
    if not languages:
        raise DataError(f"{path}: the first line names no languages. It should be `,de,it,fr` and so on, as cc_net's.")
    heads, tails = (_row(path, rows, len(languages), percentile) for percentile in (HEAD_PERCENTILE, TAIL_PERCENTILE))
    read = dict(zip(languages, zip(heads, tails, strict=True), strict=True))
    for code, (head, tail) in read.items():
        if not 0 < head <= tail < math.inf:
            raise DataError(f"{path}: the cut-offs of {code} do not rise ({head:g}, {tail:g}). Correct the file.")
    return read


def _row(path: Path, rows: list[list[str]], width: int, percentile: int) -> list[float]:
    found = [row[1:] for row in rows[1:] if row[0].strip() == str(percentile)]
    if len(found) != 1 or len(found[0]) != width:
        raise DataError(
            f"{path}: there should be one row for percentile {percentile}, with {width} perplexities. "
            "Fetch cc_net's cutoff.csv again."
        )
    try:
        return [float(cell) for cell in found[0]]
    except ValueError as e:
        raise DataError(f"{path}: percentile {percentile} holds something else than numbers ({e}).") from e


@dataclass
class Histogram:
    """How many documents have which perplexity, in at most 14,000 bins on a logarithmic scale.

    Counts are exact and their order is of no consequence: histograms of parts add up to that of the whole.
    """

    bins: dict[int, int] = field(default_factory=dict)

    def add(self, perplexity: float) -> None:
        """Count a document; perplexities below 1 (there are none) and above 10^12 fall into the outermost bins."""
        number = math.floor(math.log(min(max(perplexity, 1.0), _LARGEST)) / _STEP)
        self.bins[number] = self.bins.get(number, 0) + 1

    def merge(self, other: Histogram) -> None:
        for number, count in other.bins.items():
            self.bins[number] = self.bins.get(number, 0) + count

    @property
    def total(self) -> int:
        return sum(self.bins.values())

    def percentile(self, percent: float) -> float:
        """The perplexity that `percent` per cent of the documents do not exceed, to .1 %; NaN where there are none."""
        left = max(1, math.ceil(self.total * percent / 100))
        for number in sorted(self.bins):
            left -= self.bins[number]
            if left <= 0:
                return math.exp((number + 0.5) * _STEP)
        return math.nan

    def as_json(self) -> dict[str, int]:
        """For `from_json`: counts by bin, the same for the same documents."""
        return {str(number): self.bins[number] for number in sorted(self.bins)}

    @classmethod
    def from_json(cls, counts: Mapping[str, Any]) -> Histogram:
        return cls({int(number): int(count) for number, count in counts.items()})
