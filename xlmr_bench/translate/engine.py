"""Translating many texts: each distinct one once, in batches of similar length, every batch on disk when it is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from ..errors import Interrupted
from ..progress import Progress
from .direction import Direction
from .journal import Journal
from .model import Decoding, TranslationModel
from .sentences import joiner, parts_that_fit

_ENCODED_AT_ONCE = 1000


@dataclass(frozen=True)
class Translated:
    """Translations by text, and what there is to tell of them (see `_counts`); seconds are those of the model alone."""

    by_text: Mapping[str, str]
    counts: dict[str, int]
    seconds: float


@dataclass(frozen=True)
class Engine:
    """A model in one direction with its journal. `asked` fills when the user asks to stop."""

    model: TranslationModel
    direction: Direction
    decoding: Decoding
    journal: Journal
    batch_tokens: int
    asked: Sequence[int] = ()

    def translate(self, texts: Iterable[str], label: str) -> Translated:
        """Translate texts; empty ones stay empty. Raises Interrupted after the batch in which that was asked."""
        given = list(texts)
        distinct = [t for t in dict.fromkeys(given) if t.strip()]
        split = self._split_long([t for t in distinct if t not in self.journal], label)
        whole = [t for t in distinct if t not in split.parts]
        wanted = dict.fromkeys([*whole, *(p for parts in split.parts.values() for p in parts)])
        self._fill_journal(split.rows, len(wanted), label)
        by_text = {t: self.journal[t].text for t in whole}
        between = joiner(self.direction.target)
        for text, parts in split.parts.items():
            by_text[text] = between.join(self.journal[p].text for p in parts)
        return Translated(
            {t: by_text.get(t, "") for t in given},
            self._counts(given, distinct, wanted, split),
            self.journal.seconds(wanted),
        )

    def _split_long(self, missing: list[str], label: str) -> _Split:
        """The ids of all that is still to translate, and the parts of texts that the model cannot take whole."""
        limit = self.model.max_tokens
        split = _Split({}, {}, 0)
        with Progress(len(missing), "texts", f"{label}: tokenising") as progress:
            for i in range(0, len(missing), _ENCODED_AT_ONCE):
                self._stop_if_asked()
                some = missing[i : i + _ENCODED_AT_ONCE]
                for text, row in zip(some, self.model.encode(some, self.direction), strict=True):
                    if len(row) <= limit:
                        split.rows[text] = row
                        continue
                    parts, inside = parts_that_fit(text, lambda part: len(self._encode(part)) <= limit)
                    split.parts[text] = parts
                    split.cut_sentences += inside
                    split.rows.update({p: self._encode(p) for p in parts if p not in self.journal})
                progress.update(len(some))
        return split

    def _encode(self, text: str) -> list[int]:
        return self.model.encode([text], self.direction)[0]

    def _fill_journal(self, rows: dict[str, list[int]], total: int, label: str) -> None:
        with Progress(total, "texts", label, start=total - len(rows)) as progress:
            for batch in batches({text: len(row) for text, row in rows.items()}, self.batch_tokens):
                self._stop_if_asked()
                began = monotonic()
                made = self.model.generate([rows[t] for t in batch], self.direction, self.decoding)
                self.journal.add(zip(batch, made, strict=True), monotonic() - began)
                progress.update(len(batch))

    def _stop_if_asked(self) -> None:
        if self.asked:
            raise Interrupted("interrupted; what was translated is kept, the same command continues.")

    def _counts(self, given: list[str], distinct: list[str], wanted: Iterable[str], split: _Split) -> dict[str, int]:
        entries = [self.journal[t] for t in wanted]
        return {
            "texts": len(given),
            "empty_texts": sum(not t.strip() for t in given),
            "distinct_texts": len(distinct),
            "characters": sum(map(len, distinct)),
            "texts_cut_at_sentences": len(split.parts),
            "texts_cut_inside_a_sentence": split.cut_sentences,
            "translations_at_the_length_limit": sum(e.cut for e in entries),
            "empty_translations": sum(not e.text for e in entries),
        }


@dataclass
class _Split:
    """Ids by text of what is still to translate, parts by text of what is too long, and how many cut a sentence."""

    rows: dict[str, list[int]]
    parts: dict[str, list[str]]
    cut_sentences: int


def batches(lengths: Mapping[str, int], batch_tokens: int) -> Iterator[list[str]]:
    """Texts of similar length, at most `batch_tokens` padded tokens together, but at least one text.

    The longest come first, so that memory fails at once or never. What a killed run has left of a list makes the
    batches that it would have made.
    """
    batch: list[str] = []
    for text in sorted(lengths, key=lambda t: (-lengths[t], t)):
        if batch and (len(batch) + 1) * lengths[batch[0]] > batch_tokens:
            yield batch
            batch = []
        batch.append(text)
    if batch:
        yield batch
