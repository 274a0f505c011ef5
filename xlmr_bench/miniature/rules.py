"""The sixteen grammars as data: what stands where, in affirmative and in denied sentences.

The grammar is simplified on purpose: every sentence is a past event with an indefinite object. Known liberties: Swahili
verbs carry no object concord with animals, Spanish animals no personal "a", Thai objects no classifier, and one verb
serves all objects where a language would choose (washing clothes or cars in Thai and Vietnamese).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fixed:
    """A word of the grammar itself. Negation words are marked: noise may never drop them."""

    text: str
    negates: bool = False


Slot = str | Fixed


@dataclass(frozen=True)
class Rule:
    """One language. Slots are roles ("actor", "action", "place", "time"), "phrase" (the object phrase) and fixed words.

    `features` lists the nouns' genders or classes in the order in which the forms of colours stand in the lexicon.
    `agrees` says whose gender chooses the verb form ("actor", "object" or "" for neither): masculine before feminine.
    `articles` maps a feature, or "*" for all, to the article, in which {} stands for the feature itself (a classifier);
    `denied_articles` replace them in denials, and are themselves the denial where `article_negates`.
    """

    affirmative: tuple[Slot, ...]
    denied: tuple[Slot, ...]
    phrase: tuple[str, ...] = ("article", "colour", "object")
    features: tuple[str, ...] = ()
    agrees: str = ""
    articles: Mapping[str, str] = field(default_factory=dict)
    denied_articles: Mapping[str, str] = field(default_factory=dict)
    article_negates: bool = False
    separator: str = " "
    stop: str = "."


def _no(text: str) -> Fixed:
    return Fixed(text, negates=True)


NOUN_FIRST = ("article", "object", "colour")
SVOPT: tuple[Slot, ...] = ("actor", "action", "phrase", "place", "time")
STPOV: tuple[Slot, ...] = ("actor", "time", "place", "phrase", "action")
SVTPO: tuple[Slot, ...] = ("actor", "action", "time", "place", "phrase")


def _ergative(marker: str) -> tuple[Slot, ...]:
    """Hindi and Urdu mark the actor of a past event; the verb agrees with the object instead."""
    return ("actor", Fixed(marker), "time", "place", "phrase", "action")


def _before_action(slots: tuple[Slot, ...], *words: Fixed) -> tuple[Slot, ...]:
    at = slots.index("action")
    return (*slots[:at], *words, *slots[at:])


RULES: dict[str, Rule] = {
    "en": Rule(SVOPT, _before_action(SVOPT, Fixed("did"), _no("not")), articles={"*": "a"}),
    "fr": Rule(
        _before_action(SVOPT, Fixed("a")),
        _before_action(SVOPT, Fixed("n'a"), _no("pas")),
        phrase=NOUN_FIRST,
        features=("m", "f"),
        articles={"m": "un", "f": "une"},
        denied_articles={"*": "de"},
    ),
    "es": Rule(
        SVOPT,
        _before_action(SVOPT, _no("no")),
        phrase=NOUN_FIRST,
        features=("m", "f"),
        articles={"m": "un", "f": "una"},
    ),
    "de": Rule(
        SVTPO,
        SVTPO,
        features=("m", "f", "n"),
        articles={"m": "einen", "f": "eine", "n": "ein"},
        denied_articles={"m": "keinen", "f": "keine", "n": "kein"},
        article_negates=True,
    ),
    "nl": Rule(
        SVTPO,
        SVTPO,
        features=("c", "n"),
        articles={"*": "een"},
        denied_articles={"*": "geen"},
        article_negates=True,
    ),
    "el": Rule(
        SVOPT,
        _before_action(SVOPT, _no("δεν")),
        features=("m", "f", "n"),
        articles={"m": "έναν", "f": "μια", "n": "ένα"},
    ),
    "bg": Rule(SVOPT, _before_action(SVOPT, _no("не")), features=("m", "f", "n")),
    "ru": Rule(
        ("time", "actor", "action", "place", "phrase"),
        ("time", "actor", _no("не"), "action", "place", "phrase"),
        features=("m", "f", "n"),
        agrees="actor",
    ),
    "tr": Rule(
        STPOV,
        STPOV,
        phrase=("colour", "article", "object"),
        articles={"*": "bir"},
    ),
    "ar": Rule(
        ("action", "actor", "phrase", "place", "time"),
        (_no("لم"), "action", "actor", "phrase", "place", "time"),
        phrase=NOUN_FIRST,
        features=("m", "f"),
        agrees="actor",
    ),
    "vi": Rule(
        _before_action(SVOPT, Fixed("đã")),
        _before_action(SVOPT, Fixed("đã"), _no("không")),
        phrase=NOUN_FIRST,
        articles={"*": "một {}"},
    ),
    "th": Rule(SVOPT, _before_action(SVOPT, _no("ไม่ได้")), phrase=NOUN_FIRST, separator="", stop=""),
    "zh": Rule(
        ("actor", "time", "place", "action", Fixed("了"), "phrase"),
        ("actor", "time", "place", _no("没有"), "action", "phrase"),
        articles={"*": "一{}"},
        separator="",
        stop="。",
    ),
    "hi": Rule(
        _ergative("ने"),
        _before_action(_ergative("ने"), _no("नहीं")),
        features=("m", "f"),
        agrees="object",
        articles={"*": "एक"},
        stop="।",
    ),
    "ur": Rule(
        _ergative("نے"),
        _before_action(_ergative("نے"), _no("نہیں")),
        features=("m", "f"),
        agrees="object",
        articles={"*": "ایک"},
        stop="۔",
    ),
    "sw": Rule(SVOPT, SVOPT, phrase=NOUN_FIRST, features=("1", "5", "7", "9")),
}
