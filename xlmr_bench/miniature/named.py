"""Sentences with named entities: drawn once as fillings of a template, said in a language or rendered word by word.

What a name stands for is decided by its sentence alone: "Medina" is a person, a town, a company and a team.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .draw import chance, choose, sample, stream
from .grammar import Piece, pieces
from .lexicon import lexicon
from .meaning import Meaning, stating
from .names import LANGUAGES, named
from .nli import draw_event

# A word and its tag in IOB2.
Tagged = tuple[str, str]
Words = tuple[Tagged, ...]

# Every third name of these lists is kept out of training, so that dev and test have entities never seen there.
OPEN_KINDS = ("surname", "city", "country", "people", "company")
_IN = {"en": "in", "de": "in", "es": "en", "nl": "in"}
_VOWELS = "aeiou"


@dataclass(frozen=True)
class Filling:
    """What stands for one slot: as the language says it, and (by the same keys) in the order of English words."""

    said: Mapping[str, Words]
    glossed: Mapping[str, Words]


@dataclass(frozen=True)
class Drawn:
    """A sentence before it is said: a template in each language and a filling for each slot of it, in order."""

    template: Mapping[str, str]
    fillings: Mapping[str, tuple[Filling, ...]]


def sentences(name: str, language: str, split: str, count: int) -> list[Drawn]:
    """`count` sentences that differ in `language`; those of `train` have two thirds of the names only."""
    rng = stream(name, "named", language, split)
    names = _Names(rng, all_names=split != "train")
    seen: set[Words] = set()
    out: list[Drawn] = []
    while len(out) < count:
        drawn = names.sentence()
        words = say(drawn, language)
        if words not in seen:
            seen.add(words)
            out.append(drawn)
    return out


def say(drawn: Drawn, language: str) -> Words:
    """The sentence in that language."""
    return _tidy(_filled(drawn, language, drawn.template[language], lambda word: word, glossed=False), language)


def word_by_word(drawn: Drawn, language: str) -> Words:
    """The English sentence with each of its words replaced by the other language's, as a dictionary translates."""
    dictionary = named().dictionary[language]
    words = _filled(drawn, language, drawn.template["en"], lambda word: dictionary.get(word, word), glossed=True)
    return _tidy(words, language)


def _filled(
    drawn: Drawn, language: str, template: str, word: Callable[[str], str], *, glossed: bool
) -> Iterator[Tagged]:
    """The words of a template. Where a slot stands twice, its fillings follow in order."""
    fillings = {slot: iter(those) for slot, those in drawn.fillings.items()}
    for token in template.split(" "):
        if token.startswith("{"):
            filling = next(fillings[token.strip("{}")])
            yield from (filling.glossed if glossed else filling.said)[language]
        else:
            yield word(token), "O"


def _tidy(words: Iterator[Tagged], language: str) -> Words:
    """A capital at the start, a full stop at the end, "an" before a vowel."""
    out = list(words)
    out[0] = (out[0][0][:1].upper() + out[0][0][1:], out[0][1])
    if out[-1][0] != ".":
        out.append((".", "O"))
    if language == "en":
        following = [word for word, _ in out[1:]] + [""]
        out = [
            ("an" if word == "a" and after[:1] in _VOWELS else word, tag)
            for (word, tag), after in zip(out, following, strict=True)
        ]
    return tuple(out)


class _Names:
    """Draws fillings from one generator; holds which names it may use."""

    def __init__(self, rng: random.Random, *, all_names: bool) -> None:
        self._rng = rng
        self._cells = {
            kind: tuple(e for i, e in enumerate(cells) if all_names or kind not in OPEN_KINDS or i % 3 != 2)
            for kind, cells in named().cells.items()
        }
        self._makers: dict[str, Callable[[], Filling]] = {
            "per": self._person, "loc": self._location, "org": self._organisation, "firm": self._firm,
            "team": self._team, "club": self._club, "race": self._race, "people": lambda: self._name("MISC", "people"),
            "role": lambda: self._name("", "role"), "time": lambda: self._phrase("time"),
            "place": lambda: self._phrase("place"),
        }  # fmt: skip

    def sentence(self) -> Drawn:
        """A template by its weight, filled."""
        template = choose(self._rng, _weighted())
        slots = [token.strip("{}") for token in template["en"].split(" ") if token.startswith("{")]
        fillings: dict[str, tuple[Filling, ...]] = {}
        for slot in slots:
            before = fillings.get(slot, ())
            made = self._fill(slot)
            while made in before:  # no town lies near itself
                made = self._fill(slot)
            fillings[slot] = (*before, made)
        return Drawn(template, fillings)

    def _fill(self, slot: str) -> Filling:
        return self._event(slot[len("event:") :]) if slot.startswith("event:") else self._makers[slot]()

    def _name(self, kind: str, *parts: str) -> Filling:
        """One entity of drawn parts, by their kinds; without a type it is an ordinary word."""
        cells = [choose(self._rng, self._cells[part]) for part in parts]
        words = {language: _tagged(" ".join(cell[language] for cell in cells), kind) for language in LANGUAGES}
        return Filling(words, words)

    def _person(self) -> Filling:
        parts = choose(self._rng, (("first", "surname"), ("first", "surname"), ("surname",), ("first",)))
        return self._name("PER", *parts)

    def _location(self) -> Filling:
        return self._name("LOC", self._place_kind())

    def _place_kind(self) -> str:
        return "city" if chance(self._rng, 0.7) else "country"

    def _organisation(self) -> Filling:
        return self._firm() if chance(self._rng, 0.5) else self._name("ORG", "institute", self._place_kind())

    def _firm(self) -> Filling:
        return self._name("ORG", "surname") if chance(self._rng, 0.3) else self._named_firm()

    def _named_firm(self) -> Filling:
        return self._name("ORG", *choose(self._rng, (("company",), ("surname", "tail"))))

    def _team(self) -> Filling:
        return self._club() if chance(self._rng, 0.5) else self._name("ORG", "city")

    def _club(self) -> Filling:
        return self._name("ORG", "club", "city")

    def _race(self) -> Filling:
        return self._name("MISC", "race", "city")

    def _phrase(self, category: str) -> Filling:
        concept = choose(self._rng, lexicon().concepts[category])
        words = {language: _tagged(lexicon().words[language][concept].forms[0], "") for language in LANGUAGES}
        return Filling(words, words)

    def _event(self, actor: str) -> Filling:
        """A sentence of the miniature's grammar with another actor, and often a town where it has its place."""
        # A bare surname is a person here; nothing in an event would tell that it is a company.
        who = self._named_firm() if actor == "firm" else self._makers[actor]()
        who = _with_article(who) if actor == "role" else who
        where = self._location() if chance(self._rng, 0.5) else None
        roles = ["place"] if where else sample(self._rng, ("colour", "place", "time"), 2)
        if where and chance(self._rng, 0.5):
            roles.append(choose(self._rng, ("colour", "time")))
        meaning = stating(draw_event(self._rng), roles)
        said = {language: tuple(_told(meaning, language, language, who, where)) for language in LANGUAGES}
        glossed = {language: tuple(_told(meaning, language, "en", who, where)) for language in LANGUAGES}
        return Filling(said, glossed)


@lru_cache(maxsize=1)
def _weighted() -> Sequence[Mapping[str, str]]:
    return [template for weight, template in named().sentences for _ in range(weight)]


def _tagged(text: str, kind: str) -> Words:
    words = text.split(" ")
    if not kind:
        return tuple((word, "O") for word in words)
    return tuple((word, f"{'I' if i else 'B'}-{kind}") for i, word in enumerate(words))


def _with_article(who: Filling) -> Filling:
    the = named().dictionary
    words = {language: ((the[language]["the"], "O"), *who.said[language]) for language in LANGUAGES}
    return Filling(words, words)


def _told(meaning: Meaning, language: str, order: str, who: Filling, where: Filling | None) -> Iterator[Tagged]:
    """The words of the event in the order of language `order`, its actor and place replaced."""
    own = {piece.role: piece for piece in pieces(meaning, language)}
    for model in pieces(meaning, order):
        piece = own.get(model.role, Piece(""))
        if piece.role == "actor":
            yield from who.said[language]
        elif piece.role == "place" and where is not None:
            yield from ((_IN[language], "O"), *where.said[language])
        elif piece.text:
            yield from _tagged(piece.text, "")
