"""What two lines have in common when they count as one: a hash of the line without case, digits and punctuation.

After cc_net (Wenzek et al. 2019, section 3.1): lower case, every digit a 0, no punctuation, no character that does not
print, then the first 8 bytes of SHA-1. cc_net's program removes the control characters and a list of 33 marks, most of
them the East Asian and typographic ones; here it is all of Unicode's punctuation (categories P*), all of its control,
format, private and unassigned characters (C*), and the five symbols of that list. Every space is a plain space (the
no-break space too), and those at the ends of a line do not count.

Unicode is that of the running Python: the hashes of one group of files belong to one version of it.
"""

from __future__ import annotations

import hashlib
import sys
import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt

SYMBOLS = "´∶～━►"  # in cc_net's list, but not punctuation to Unicode
_REMOVED = 0xFFFFFFFF  # no code point
_HASH_BYTES = 8

Hashes = npt.NDArray[np.uint64]


def normalised(text: str) -> str:
    """A whole document, line by line, in the form in which its lines are compared; line feeds are kept."""
    return b"\n".join([line.strip(b" ") for line in _mapped(text).split(b"\n")]).decode()


def line_hashes(text: str) -> Hashes:
    """A hash for each line of a document: `text.count("\n") + 1` of them, the first 8 bytes of SHA-1, little-endian."""
    empty = hashlib.sha1(usedforsecurity=False)
    digests = []
    for line in _mapped(text).split(b"\n"):
        digest = empty.copy()  # costs less than a new one
        digest.update(line.strip(b" "))
        digests.append(digest.digest())
    whole = np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, empty.digest_size)
    return whole[:, :_HASH_BYTES].copy().view("<u8").reshape(-1).astype(np.uint64, copy=False)


def _mapped(text: str) -> bytes:
    """`str.translate` by `_table`, in UTF-8, but several times as fast: that does each character by itself."""
    lower = text.lower()
    if lower.isascii():
        becomes, removed = _ascii()
        return lower.encode().translate(becomes, removed)
    mapped: npt.NDArray[np.uint32] = _table()[np.frombuffer(lower.encode("utf-32-le", "surrogatepass"), dtype="<u4")]
    kept: bytes = mapped[mapped != _REMOVED].tobytes()
    return kept.decode("utf-32-le").encode()


@cache
def _ascii() -> tuple[bytes, bytes]:
    """What each byte becomes, and the bytes that are removed: the arguments of `bytes.translate`."""
    becomes = [_becomes(point) for point in range(128)]
    kept = [point if becomes[point] == _REMOVED else becomes[point] for point in range(128)]
    return bytes([*kept, *range(128, 256)]), bytes(point for point in range(128) if becomes[point] == _REMOVED)


@cache
def _table() -> npt.NDArray[np.uint32]:
    """For every code point, in lower case already, what it becomes; a fifth of a second, once a process."""
    return np.fromiter(map(_becomes, range(sys.maxunicode + 1)), dtype="<u4", count=sys.maxunicode + 1)


def _becomes(point: int) -> int:
    character = chr(point)
    category = unicodedata.category(character)
    if character == "\n":
        return point
    if category[0] in "PC" or character in SYMBOLS:
        return _REMOVED
    if category[0] == "Z":
        return ord(" ")
    return ord("0") if category == "Nd" else point
