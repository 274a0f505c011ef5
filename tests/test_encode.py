"""Arrays of token ids: kept in a cache by what decides them, joined in order, counted by targets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from xlmr_bench.encode import Arrays, Encoded, class_numbers, flat, join, stored
from xlmr_bench.errors import DataError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XLMR_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "encoded"


def test_what_was_made_once_is_not_made_again(cache: Path) -> None:
    made: list[int] = []

    def make() -> Arrays:
        made.append(1)
        return {"tokens": np.arange(5, dtype=np.int32), "truncated": np.array(3)}

    first, again = stored(["texts", "digest", 64], make), stored(["texts", "digest", 64], make)
    assert len(made) == 1
    assert sorted(first) == sorted(again) == ["tokens", "truncated"]
    assert again["tokens"].tolist() == [0, 1, 2, 3, 4]
    assert int(again["truncated"]) == 3
    stored(["texts", "digest", 65], make)
    assert len(made) == len(list(cache.iterdir())) == 2


def test_arrays_are_mapped_from_disk_and_cannot_be_changed() -> None:
    tokens = stored(["a"], lambda: {"tokens": np.arange(5, dtype=np.int32)})["tokens"]
    assert isinstance(tokens, np.memmap)
    assert not tokens.flags.writeable


def test_nothing_is_kept_of_arrays_that_could_not_be_made(cache: Path) -> None:
    def fail() -> Arrays:
        raise RuntimeError("no such text")

    with pytest.raises(RuntimeError, match="no such text"):
        stored(["a"], fail)
    assert list(cache.glob("*")) == []
    assert stored(["a"], lambda: {"tokens": np.arange(2)})["tokens"].tolist() == [0, 1]


def test_rows_of_different_lengths_lie_one_after_the_other() -> None:
    values, offsets = flat([[5, 6, 7], [], [8]])
    assert (values.tolist(), offsets.tolist()) == ([5, 6, 7, 8], [0, 3, 3, 4])
    assert (values.dtype, offsets.dtype) == (np.int32, np.int64)


def labelled(*rows: list[int], targets: list[int], truncated: int = 0) -> Encoded:
    tokens, offsets = flat(rows)
    return Encoded(tokens, offsets, np.array(targets), truncated)


def tagged(*rows: tuple[list[int], list[int], list[int]], truncated: int = 0) -> Encoded:
    """Rows of (tokens, positions read, targets)."""
    tokens, offsets = flat([r[0] for r in rows])
    reads, read_offsets = flat([r[1] for r in rows])
    return Encoded(
        tokens, offsets, np.array([t for r in rows for t in r[2]]), truncated, reads, read_offsets,
        {"parts": np.ones(len(rows))},
    )  # fmt: skip


def answered(*rows: tuple[list[int], list[int], tuple[int, int]]) -> Encoded:
    """Rows of (tokens, positions read, places of start and end)."""
    tokens, offsets = flat([r[0] for r in rows])
    reads, read_offsets = flat([r[1] for r in rows])
    return Encoded(tokens, offsets, np.array([r[2] for r in rows]), 0, reads, read_offsets)


def test_joined_splits_keep_every_input_in_order() -> None:
    parts = [
        labelled([0, 5, 2], [0, 6, 7, 2], targets=[1, 0]),
        labelled([0, 8, 2], targets=[2], truncated=1),
        labelled([0, 2], targets=[0]),
    ]
    joined = join(parts)
    assert joined.tokens.tolist() == [0, 5, 2, 0, 6, 7, 2, 0, 8, 2, 0, 2]
    assert joined.offsets.tolist() == [0, 3, 7, 10, 12]
    assert joined.offsets.dtype == np.int64
    assert joined.targets.tolist() == [1, 0, 2, 0]
    assert joined.truncated == 1
    assert joined.reads is None
    assert join(parts[:1]) is parts[0]


def test_joined_splits_keep_what_is_read_of_each_input() -> None:
    parts = [
        tagged(([0, 5, 6, 2], [1, 2], [3, 4]), ([0, 7, 2], [1], [0])),
        tagged(([0, 8, 9, 2], [1, 2], [1, 2]), truncated=1),
    ]
    joined = join(parts)
    assert joined.read_offsets is not None and joined.reads is not None
    assert joined.read_offsets.tolist() == joined.output_offsets.tolist() == [0, 2, 3, 5]
    assert joined.reads.tolist() == [1, 2, 1, 1, 2]
    assert joined.targets.tolist() == [3, 4, 0, 1, 2]
    assert (len(joined), joined.truncated, dict(joined.extra)) == (3, 1, {})
    answers = join([answered(([0, 5, 2], [0, 1], (1, 1))), answered(([0, 6, 2], [0, 1], (0, 0)))])
    assert answers.targets.tolist() == [[1, 1], [0, 0]]


def test_labels_become_their_places_and_an_unknown_one_is_named() -> None:
    numbers = class_numbers(("no", "yes"), [("1", "yes"), ("2", "no"), ("2", "yes")], "dev.tsv")
    assert (numbers.tolist(), numbers.dtype) == ([1, 0, 1], np.int64)
    with pytest.raises(DataError, match=r"dev\.tsv: label 'yse' of example 7 is none of no, yes"):
        class_numbers(("no", "yes"), [("1", "yes"), ("7", "yse")], "dev.tsv")


def test_a_loss_is_divided_by_labels_by_words_or_by_starts_and_ends() -> None:
    indices = np.array([2, 0])
    assert labelled([0, 2], [0, 2], [0, 2], targets=[1, 2, 0]).targets_of(indices) == 2
    words = tagged(([0, 5, 6, 7, 2], [1, 2, 3], [0, 0, 0]), ([0, 5, 2], [1], [0]), ([0, 5, 6, 2], [1, 2], [0, 0]))
    assert words.targets_of(indices) == 5
    assert words.targets_of(np.array([1])) == 1
    windows = answered(*[([0, 5, 6, 2], [0, 1, 2], (0, 0))] * 3)
    assert windows.targets_of(indices) == 4
