"""Which lines of a group of WET files occur more than once: all copies of them, the first too, as in cc_net.

In three steps, none of which needs more memory for a larger corpus:

1. `write_hashes`, for each WET file: its lines' hashes, sorted, and where in the file each of them was.
2. `find_repeats`, for each bucket, which is a range of hash values: of each file only the slice in that range is read,
   and the hashes that the slices hold twice are found. For every line of each slice one bit is stored.
3. `repeated_lines`, for each WET file: its bits of all the buckets, put back into the order of its lines.

cc_net keeps one table of all the hashes of a group in memory, and ends up with the same lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from xlmr_bench.errors import DataError
from xlmr_bench.files import atomic_path

from .lines import Hashes

# A bucket's memory is the slices (8 bytes a line), then the same as one array, sorted; the rest is one file's.
LINES_A_BUCKET = 15_000_000

_HASHES = b"hashes 1"  # file types and their version, 8 bytes each
_REPEATS = b"repeats1"
_WORD = 8
_ORDER = 4
_MOST_LINES = 1 << 32
_RANGE = 1 << 64


def buckets_for(total_lines: int) -> int:
    """Into how many buckets a group of files with so many lines is to be cut, for one to need at most about 300 MB."""
    return max(1, -(-total_lines // LINES_A_BUCKET))


def write_hashes(hashes: Hashes, target: Path) -> None:
    """Store the hashes of a file's lines, given in the order of the lines; the same hashes give the same bytes.

    A word that says what it is and one with the number of lines; the hashes sorted, 8 bytes each; the number of the
    line that each of them belongs to, 4 bytes each. All of it little-endian.
    """
    if len(hashes) >= _MOST_LINES:
        raise DataError(f"{target.name}: {len(hashes):,} lines in one WET file are too many to number. Split the file.")
    order = np.argsort(hashes, kind="stable")
    with atomic_path(target) as part, part.open("wb") as f:
        f.write(_HASHES + np.array([len(hashes)], "<u8").tobytes())
        f.write(hashes[order].astype("<u8", copy=False).data)
        f.write(order.astype("<u4").data)


def find_repeats(hash_files: Sequence[Path], bucket: int, buckets: int, target: Path) -> None:
    """Find the hashes of one bucket (of 0 to `buckets` - 1) that occur twice or more in all the files together.

    The target holds a word that says what it is, the bucket, how many there are and the number of files; the bounds
    of each file's slice; then for each file its bits, filled up to whole bytes.
    """
    slices = [_slice(path, bucket, buckets) for path in hash_files]
    repeated = _found_twice(hash_files, slices)
    with atomic_path(target) as part, part.open("wb") as f:
        f.write(_REPEATS + np.array([bucket, buckets, len(slices), *np.ravel(slices)], "<u8").tobytes())
        for path, (start, stop) in zip(hash_files, slices, strict=True):
            f.write(np.packbits(_is_among(_sorted_hashes(path)[start:stop], repeated)).data)


def repeated_lines(hash_file: Path, position: int, bucket_files: Sequence[Path]) -> npt.NDArray[np.bool_]:
    """For each line of a WET file, in its order, whether it occurs elsewhere in its group or again in its file.

    position: of `hash_file` in the list that `find_repeats` was given; bucket_files: its targets, all of them in
    order. Raises DataError where they do not belong together.
    """
    lines = _lines(hash_file)
    bits = np.empty(lines, dtype=np.bool_)
    filled = 0
    for number, path in enumerate(bucket_files):
        start, stop, packed = _bits(path, position, number, len(bucket_files))
        if start != filled or stop > lines:
            raise _do_not_belong(path, hash_file)
        bits[start:stop] = np.unpackbits(packed, count=stop - start)
        filled = stop
    if filled != lines:
        raise _do_not_belong(bucket_files[-1] if bucket_files else hash_file.parent, hash_file)
    repeated = np.empty(lines, dtype=np.bool_)
    repeated[_order(hash_file)] = bits
    return repeated


def _found_twice(hash_files: Sequence[Path], slices: Sequence[tuple[int, int]]) -> Hashes:
    """The hashes that occur twice or more, sorted."""
    # Two copies from each file tell as much as all of them: a blank line may be every tenth of a file.
    kept = [_at_most_two(_sorted_hashes(path)[a:b]) for path, (a, b) in zip(hash_files, slices, strict=True)]
    together = np.concatenate([np.empty(0, dtype=np.uint64), *kept])
    del kept
    together.sort()
    again = together[1:][together[1:] == together[:-1]]
    del together
    return np.unique(again)


def _at_most_two(hashes: Hashes) -> Hashes:
    keep = np.ones(len(hashes), dtype=np.bool_)
    keep[2:] = hashes[2:] != hashes[:-2]
    return hashes[keep]


def _is_among(hashes: Hashes, those: Hashes) -> npt.NDArray[np.bool_]:
    """Both are sorted."""
    if not len(those):
        return np.zeros(len(hashes), dtype=np.bool_)
    at = np.searchsorted(those, hashes)
    found: npt.NDArray[np.bool_] = those[np.minimum(at, len(those) - 1, out=at)] == hashes
    return found


def _slice(path: Path, bucket: int, buckets: int) -> tuple[int, int]:
    """Which of the sorted hashes of a file lie in a bucket."""
    hashes = _sorted_hashes(path)
    bounds = [_RANGE * b // buckets for b in (bucket, bucket + 1)]
    start, stop = (int(np.searchsorted(hashes, np.uint64(b))) if b < _RANGE else len(hashes) for b in bounds)
    return start, stop


def _sorted_hashes(path: Path) -> Hashes:
    """The first part of a file of hashes, mapped: only what is looked at is read."""
    lines = _lines(path)
    if not lines:  # nothing cannot be mapped
        return np.empty(0, dtype=np.uint64)
    return np.asarray(np.memmap(path, dtype="<u8", mode="r", offset=2 * _WORD, shape=(lines,)))


def _order(path: Path) -> npt.NDArray[np.uint32]:
    lines = _lines(path)
    return np.fromfile(path, dtype="<u4", count=lines, offset=2 * _WORD + _WORD * lines)


def _lines(path: Path) -> int:
    """The number of lines of a file of hashes; raises DataError where it is none, or not whole."""
    try:
        with path.open("rb") as f:
            lines = int(_words(f, path, _HASHES, 1)[0])
        size = path.stat().st_size
    except OSError as e:
        raise _unreadable(path, e) from e
    if size != 2 * _WORD + (_WORD + _ORDER) * lines:
        raise _broken(path)
    return lines


def _bits(path: Path, position: int, bucket: int, buckets: int) -> tuple[int, int, npt.NDArray[np.uint8]]:
    """The slice of a file in a bucket, and its bits; raises DataError where this is another bucket's file."""
    try:
        with path.open("rb") as f:
            found = _words(f, path, _REPEATS, 3)
            if (found[0], found[1]) != (bucket, buckets) or position >= found[2]:
                raise DataError(
                    f"{path} holds the repeated lines of bucket {found[0]} of {found[1]} of {found[2]} files, wanted "
                    f"is bucket {bucket} of {buckets} for file {position}. Remove it and repeat the command."
                )
            bounds = _read(f, path, "<u8", 2 * int(found[2])).astype(np.int64)
            sizes = -(-np.diff(bounds.reshape(-1, 2))[:, 0] // 8)
            if f.seek(int(sizes[:position].sum()), 1) + sizes[position:].sum() != path.stat().st_size:
                raise _broken(path)
            return int(bounds[2 * position]), int(bounds[2 * position + 1]), _read(f, path, "u1", int(sizes[position]))
    except OSError as e:
        raise _unreadable(path, e) from e


def _words(f: IO[bytes], path: Path, kind: bytes, count: int) -> npt.NDArray[np.uint64]:
    """The numbers at the beginning of a file of one of the two types."""
    if f.read(_WORD) != kind:
        raise _broken(path)
    return _read(f, path, "<u8", count)


def _read(f: IO[bytes], path: Path, dtype: str, count: int) -> npt.NDArray[Any]:
    data = f.read(np.dtype(dtype).itemsize * count)
    if len(data) < np.dtype(dtype).itemsize * count:
        raise _broken(path)
    return np.frombuffer(data, dtype=dtype)


def _broken(path: Path) -> DataError:
    return DataError(f"{path} is damaged or was written by another version. Remove it and repeat the command.")


def _do_not_belong(path: Path, hash_file: Path) -> DataError:
    return DataError(
        f"{path} was made from other lines than those of {hash_file}, or a bucket is missing. "
        "Remove the files of this group's repeats and repeat the command."
    )


def _unreadable(path: Path, error: OSError) -> DataError:
    return DataError(f"cannot read {path}: {error.strerror or error}. Repeat the command that writes it.")
