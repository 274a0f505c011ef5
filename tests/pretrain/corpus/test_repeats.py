"""Every copy of a repeated line is found, whatever the number of buckets, and in bounded memory."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from pretrain.corpus import repeats
from pretrain.corpus.lines import line_hashes
from pretrain.corpus.repeats import buckets_for, find_repeats, repeated_lines, write_hashes
from xlmr_bench.errors import DataError

Group = list[npt.NDArray[np.uint64]]
ALL = np.iinfo(np.uint64).max


def random_group(seed: int) -> Group:
    """Seven files: shared and repeated hashes, the least and the greatest one, bounds of buckets, one file empty."""
    rng = np.random.default_rng(seed)
    common = rng.integers(0, ALL, 300, dtype=np.uint64, endpoint=True)
    bounds = np.array([0, ALL, *((1 << 64) * b // 7 for b in range(1, 7)), 1 << 63], dtype=np.uint64)
    files = []
    for size in (0, 1, 9, 1000, 2000, 500, 64):
        own = rng.integers(0, ALL, size, dtype=np.uint64, endpoint=True)
        some = np.concatenate([own, rng.choice(common, size // 5), rng.choice(bounds, size // 50)])
        files.append(rng.permutation(some))
    files[4][::97] = files[4][5]  # one line many times
    return files


def counted(group: Group) -> list[list[bool]]:
    counts = Counter(h for hashes in group for h in hashes.tolist())
    return [[counts[h] > 1 for h in hashes.tolist()] for hashes in group]


def found(group: Group, buckets: int, folder: Path) -> list[list[bool]]:
    files = written(group, folder)
    targets = [folder / f"{bucket}.repeats" for bucket in range(buckets)]
    for bucket, target in enumerate(targets):
        find_repeats(files, bucket, buckets, target)
    return [repeated_lines(file, position, targets).tolist() for position, file in enumerate(files)]


def written(group: Group, folder: Path) -> list[Path]:
    files = [folder / f"{number}.hashes" for number in range(len(group))]
    for hashes, file in zip(group, files, strict=True):
        write_hashes(hashes, file)
    return files


@pytest.mark.parametrize("buckets", [1, 2, 7, 64])
@pytest.mark.parametrize("seed", [0, 1])
def test_any_number_of_buckets_finds_what_counting_finds(buckets: int, seed: int, tmp_path: Path) -> None:
    group = random_group(seed)
    expected = counted(group)
    assert {True, False} <= {bit for bits in expected for bit in bits}
    assert found(group, buckets, tmp_path) == expected


def test_all_copies_of_a_line_go_and_the_order_is_that_of_the_lines(tmp_path: Path) -> None:
    texts = ["Menu\nA first line.\nmenu!\nAnother\n", "Nothing of it\nANOTHER\nA FIRST LINE\nthird", "once"]
    assert found([line_hashes(text) for text in texts], 3, tmp_path) == [
        [True, True, True, True, False],
        [False, True, True, False],
        [False],
    ]


def test_a_group_of_one_file_and_a_group_without_lines(tmp_path: Path) -> None:
    empty = np.empty(0, dtype=np.uint64)
    assert found([np.array([5, 6, 5], dtype=np.uint64)], 2, tmp_path) == [[True, False, True]]
    assert found([empty, empty], 2, tmp_path) == [[], []]
    assert found([empty], 1, tmp_path) == [[]]


def test_the_same_hashes_give_the_same_bytes(tmp_path: Path) -> None:
    group = random_group(0)
    before = {}
    for _ in range(2):
        found(group, 3, tmp_path)
        after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        assert before in ({}, after)
        before = after
    assert len(before) == len(group) + 3


def test_buckets_grow_with_the_lines() -> None:
    assert [buckets_for(n) for n in (0, 1, repeats.LINES_A_BUCKET, repeats.LINES_A_BUCKET + 1)] == [1, 1, 1, 2]
    assert buckets_for(200_000_000) == 14


def test_a_bucket_needs_memory_for_its_lines_only(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines, files = 200_000, 8
    group = [rng.integers(0, ALL, lines, dtype=np.uint64) for _ in range(files)]
    for hashes in group:
        hashes[: lines // 4] = 1 << 59  # a blank line, say; of each file two copies are enough
    paths = written(group, tmp_path)
    peaks = {buckets: peak(lambda n=buckets: find_repeats(paths, 0, n, tmp_path / "target")) for buckets in (1, 16)}
    distinct = files * lines * 3 // 4
    # As many bytes a line as make 300 MB with the lines of a bucket, and what a file's slice takes.
    most = 300e6 / repeats.LINES_A_BUCKET
    assert peaks[1] < most * distinct + 10 * lines
    assert peaks[16] < most * distinct / 16 + 10 * (lines / 4 + lines / 16)
    bucket_files = [tmp_path / f"{bucket}.repeats" for bucket in range(4)]
    for bucket, target in enumerate(bucket_files):
        find_repeats(paths, bucket, 4, target)
    assert peak(lambda: repeated_lines(paths[0], 0, bucket_files)) < 10 * lines


def peak(work: Callable[[], object]) -> int:
    """The most bytes that were held at once; mapped files are not counted."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    first, other = random_group(0)[3:5]
    found([first, first], 2, tmp_path)
    hashes, buckets = tmp_path / "0.hashes", [tmp_path / "0.repeats", tmp_path / "1.repeats"]
    with pytest.raises(DataError, match=r"0\.repeats holds .* bucket 0 of 2 of 2 files, wanted is bucket 0 of 1"):
        repeated_lines(hashes, 0, buckets[:1])
    with pytest.raises(DataError, match="wanted is bucket 0 of 2"):
        repeated_lines(hashes, 0, buckets[::-1])
    with pytest.raises(DataError, match="for file 2"):
        repeated_lines(hashes, 2, buckets)
    with pytest.raises(DataError, match="a bucket is missing"):
        repeated_lines(hashes, 0, [])
    write_hashes(other, hashes)
    with pytest.raises(DataError, match=r"was made from other lines than those of .*0\.hashes"):
        repeated_lines(hashes, 0, buckets)


def test_damaged_and_missing_files_are_named(tmp_path: Path) -> None:
    found(random_group(0), 1, tmp_path)
    hashes, bucket = tmp_path / "3.hashes", tmp_path / "0.repeats"
    for path in (hashes, bucket):
        whole = path.read_bytes()
        for content in (b"", whole[:7], whole[:20], whole[:-1], whole + b"\0", b"something" + whole):
            path.write_bytes(content)
            with pytest.raises(DataError, match=f"{path.name} is damaged"):
                repeated_lines(hashes, 3, [bucket])
        path.unlink()
        with pytest.raises(DataError, match=f"cannot read .*{path.name}"):
            repeated_lines(hashes, 3, [bucket])
        path.write_bytes(whole)
    hashes.unlink()
    with pytest.raises(DataError, match=r"cannot read .*3\.hashes"):
        find_repeats([tmp_path / "2.hashes", hashes], 0, 1, tmp_path / "new")
    assert not (tmp_path / "new").exists()
