"""From a meaning to a sentence: words chosen and inflected, put in order, and where each role stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from .lexicon import lexicon
from .meaning import Meaning
from .rules import RULES, Fixed, Rule

ROLES = ("actor", "action", "object", "colour", "place", "time")
NEGATION = "negation"
_VOWELS = "aeiouéè"
_EUPHONY = {("en", "a"): "an", ("fr", "de"): "d'"}
_VERB_GENDERS = ("m", "f")


@dataclass(frozen=True)
class Piece:
    """A word or fixed phrase of a sentence with its role, "negation", or "" for a word of the grammar."""

    text: str
    role: str = ""


@dataclass(frozen=True)
class Sentence:
    """A text and the characters [start, end) at which each stated role stands.

    A role covers its phrase ("at the market"), the object its noun alone, the action its content verb alone.
    "negation" is among the roles where the language denies with a word of its own.
    """

    text: str
    spans: dict[str, tuple[int, int]]


def render(meaning: Meaning, language: str) -> Sentence:
    """The sentence that says `meaning`."""
    return join(pieces(meaning, language), language)


def join(parts: Sequence[Piece], language: str) -> Sentence:
    """Put pieces together: separators, elision, a capital at the start, a full stop at the end."""
    rule = RULES[language]
    text, spans = "", {}
    for i, part in enumerate(parts):
        word = part.text
        if not part.role and i + 1 < len(parts):
            word = _before(word, parts[i + 1].text, language)
        if i == 0:
            word = word[:1].upper() + word[1:]
        elif not text.endswith("'"):
            text += rule.separator
        if part.role:
            spans[part.role] = (len(text), len(text) + len(word))
        text += word
    return Sentence(text + rule.stop, spans)


@lru_cache(maxsize=200_000)
def pieces(meaning: Meaning, language: str) -> tuple[Piece, ...]:
    """The words of the sentence that says `meaning`, in order; unstated roles take no place."""
    rule = RULES[language]
    words = lexicon().words[language]
    out: list[Piece] = []
    for slot in rule.denied if meaning.negated else rule.affirmative:
        if isinstance(slot, Fixed):
            out.append(Piece(slot.text, NEGATION if slot.negates else ""))
        elif slot == "phrase":
            out.extend(_phrase(meaning, language, rule))
        elif slot == "action":
            feature = words[getattr(meaning, rule.agrees)].feature if rule.agrees else ""
            forms = words[meaning.action].forms
            out.append(Piece(_verb_form(forms, feature, rule, meaning.negated), "action"))
        elif (concept := getattr(meaning, slot)) is not None:
            out.append(Piece(words[concept].forms[0], slot))
    return tuple(out)


def _phrase(meaning: Meaning, language: str, rule: Rule) -> list[Piece]:
    """The object phrase: noun, colour in agreement with it, article."""
    words = lexicon().words[language]
    noun = words[meaning.object]
    out = []
    for slot in rule.phrase:
        if slot == "object":
            out.append(Piece(noun.forms[0], "object"))
        elif slot == "colour" and meaning.colour is not None:
            out.append(Piece(_agreeing(words[meaning.colour].forms, noun.feature, rule), "colour"))
        elif slot == "article" and rule.articles:
            denies = meaning.negated and bool(rule.denied_articles)
            articles = rule.denied_articles if denies else rule.articles
            article = articles.get(noun.feature) or articles["*"]
            out.append(Piece(article.format(noun.feature), NEGATION if denies and rule.article_negates else ""))
    return out


def _agreeing(forms: tuple[str, ...], feature: str, rule: Rule) -> str:
    """The form for a feature; a word with one form does not inflect."""
    return forms[0] if len(forms) == 1 else forms[rule.features.index(feature)]


def _verb_form(forms: tuple[str, ...], feature: str, rule: Rule, negated: bool) -> str:
    """Forms stand by the gender that the verb agrees with; where denial has forms of its own they follow."""
    genders = len(_VERB_GENDERS) if rule.agrees else 1
    at = _VERB_GENDERS.index(feature) if rule.agrees else 0
    return forms[at + genders] if negated and len(forms) == 2 * genders else forms[at]


def _before(word: str, following: str, language: str) -> str:
    """Euphony: English a/an, French de/d'."""
    if following[:1].lower() in _VOWELS and (language, word) in _EUPHONY:
        return _EUPHONY[language, word]
    return word
