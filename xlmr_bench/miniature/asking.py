"""Questions about one part of an event, in a simplified grammar: a question word and what is known of the event.

They are written as people type them into a search field, in lower case and without a mark. The question word stands
first, with the verb before the actor where the language asks so, or takes the place of what is asked. Known
liberties: the Hindi word for colours does not agree with its noun, and where the actor is asked the verb is masculine.
All question words but the Chinese are spelt with pieces of the vocabulary; those stay known by their place alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .grammar import NEGATION, Piece, join, pieces
from .lexicon import lexicon
from .meaning import Meaning, deny, telling
from .rules import RULES

ASKED = ("place", "time", "colour", "object", "actor")
# Their genders are those in which question words stand, where a verb agrees with them.
_ANYBODY, _ANYTHING = "tom", "apple"


@dataclass(frozen=True)
class Asking:
    """One language: its question words in the order of ASKED, whether they stand first, and what follows them then.

    `inverts`: after the question word the first two words change places (did Anna, kaufte Anna), if not the actor is
    asked. `supports`: the verb is that of a denial without its "not", as English has it.
    """

    words: tuple[str, str, str, str, str]
    first: bool = True
    inverts: bool = False
    supports: bool = False


ASKING: dict[str, Asking] = {
    "en": Asking(("where", "when", "of what colour", "what", "who"), inverts=True, supports=True),
    "es": Asking(("dónde", "cuándo", "de qué color", "qué", "quién"), inverts=True),
    "de": Asking(("wo", "wann", "von welcher Farbe", "was", "wer"), inverts=True),
    "el": Asking(("πού", "πότε", "με τι χρώμα", "τι", "ποιο άτομο"), inverts=True),
    "ru": Asking(("где", "когда", "какого цвета", "что", "кто")),
    "ar": Asking(("أين", "متى", "بأي لون", "أي شيء", "من")),
    "tr": Asking(("nerede", "ne zaman", "ne renk", "ne", "kim"), first=False),
    "vi": Asking(("ở đâu", "khi nào", "màu gì", "gì", "ai"), first=False),
    "th": Asking(("ที่ไหน", "เมื่อไร", "สีอะไร", "อะไร", "ใคร"), first=False),
    "zh": Asking(("在哪里", "什么时候", "什么颜色的", "什么", "谁"), first=False),
    "hi": Asking(("किस जगह", "कब", "किस रंग का", "क्या", "किस"), first=False),
}


def question(known: Meaning, asked: str, language: str) -> tuple[Piece, ...]:
    """The question for one role of an event of which the rest of `known` is told. Its own value is not looked at."""
    asking = ASKING[language]
    word = Piece(asking.words[ASKED.index(asked)], asked)
    parts = _with_gap(known, asked, language, asking.supports and asked != "actor")
    if not asking.first:
        return tuple(word if part.role == asked else part for part in parts)
    rest = [part for part in parts if part.role != asked]
    if asking.inverts and asked != "actor":
        rest[0], rest[1] = rest[1], rest[0]
    return word, *rest


def indirect_question(known: Meaning, asked: str) -> tuple[Piece, ...]:
    """The same in other English words: the statement's order after "tell me"."""
    word = Piece(ASKING["en"].words[ASKED.index(asked)], asked)
    rest = [part for part in _with_gap(known, asked, "en", supports=False) if part.role != asked]
    return Piece("tell me"), word, *rest


def as_typed(parts: tuple[Piece, ...] | list[Piece], language: str) -> str:
    """The text of a question: no capital at its start and no stop."""
    text = join(parts, language).text.removesuffix(RULES[language].stop)
    return parts[0].text[0] + text[1:]


def _with_gap(known: Meaning, asked: str, language: str, supports: bool) -> list[Piece]:
    """The event as a statement that says nothing of what is asked but has a piece where it would stand."""
    meaning = known
    if asked == "actor":
        meaning = replace(known, actor=_ANYBODY)
    elif asked == "object":
        meaning = replace(known, object=_ANYTHING, colour=None)
    else:
        meaning = telling(known, {**known.stated, asked: lexicon().concepts[asked][0]})
    parts = [part for part in pieces(deny(meaning) if supports else meaning, language) if part.role != NEGATION]
    if asked != "object":
        return parts
    articles = _articles(meaning.object, language)
    return [part for part in parts if part.role or part.text not in articles]


def _articles(noun: str, language: str) -> set[str]:
    feature = lexicon().words[language][noun].feature
    return {article.format(feature) for article in RULES[language].articles.values()}
