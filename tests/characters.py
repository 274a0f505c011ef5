"""A tokenizer whose ids can be read: one a character, so that tests of encoding can say what they expect."""

from __future__ import annotations

from collections.abc import Sequence

from xlmr_bench.encode import Encoded
from xlmr_bench.modeling.tokenizer import Pieces


class Characters:
    """One id a character, `[0] a [2, 2] b [2]` like XLM-R's; it counts the texts it is given."""

    vocab_size, pad_id, mask_id = 1000, 1, None
    prefix, middle, suffix = (0,), (2, 2), (2,)

    def __init__(self, digest: str = "characters") -> None:
        self.digest = digest
        self.seen: list[str] = []

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        self.seen += texts
        return [[ord(c) for c in text] for text in texts]

    def encode_with_offsets(self, text: str) -> Pieces:
        self.seen.append(text)
        return Pieces([ord(c) for c in text], [*range(len(text))], [*range(1, len(text) + 1)])

    def encode_words(self, words: Sequence[str]) -> tuple[list[int], list[int]]:
        raise NotImplementedError


def texts(encoded: Encoded) -> list[str]:
    """The inputs as text, special tokens as `<` and `|`."""
    marks = {0: "<", 2: "|"}
    rows = [encoded.tokens[a:b] for a, b in zip(encoded.offsets, encoded.offsets[1:], strict=False)]
    return ["".join(marks.get(int(t), chr(t)) for t in row) for row in rows]
