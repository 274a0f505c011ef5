"""Exact match and F1 of extracted answers, as the official scorers of MLQA and of SQuAD v1.1 count them.

MLQA's scorer lower-cases, deletes punctuation, replaces the articles of the context's language by spaces, splits
into words (Chinese into characters) and compares bags of words with the gold answer that fits best. SQuAD's knows
English articles and ASCII punctuation only; it is also XQuAD's in every language. Written from their behaviour.

The punctuation table is frozen: Python's grows with every version, and scores with it.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from .errors import unknown_name
from .metrics import Metric, Statistics

# The version of Python 3.11's unicodedata.
UNICODE = "14.0.0"
# Its characters of general category P (Pc, Pd, Pe, Pf, Pi, Po, Ps), as hexadecimal code points and ranges.
_CATEGORY_P = """
21-23 25-2a 2c-2f 3a-3b 3f-40 5b-5d 5f 7b 7d a1 a7 ab b6-b7 bb bf 37e 387 55a-55f 589-58a 5be 5c0 5c3 5c6
5f3-5f4 609-60a 60c-60d 61b 61d-61f 66a-66d 6d4 700-70d 7f7-7f9 830-83e 85e 964-965 970 9fd a76 af0 c77 c84 df4
e4f e5a-e5b f04-f12 f14 f3a-f3d f85 fd0-fd4 fd9-fda 104a-104f 10fb 1360-1368 1400 166e 169b-169c 16eb-16ed
1735-1736 17d4-17d6 17d8-17da 1800-180a 1944-1945 1a1e-1a1f 1aa0-1aa6 1aa8-1aad 1b5a-1b60 1b7d-1b7e 1bfc-1bff
1c3b-1c3f 1c7e-1c7f 1cc0-1cc7 1cd3 2010-2027 2030-2043 2045-2051 2053-205e 207d-207e 208d-208e 2308-230b
2329-232a 2768-2775 27c5-27c6 27e6-27ef 2983-2998 29d8-29db 29fc-29fd 2cf9-2cfc 2cfe-2cff 2d70 2e00-2e2e
2e30-2e4f 2e52-2e5d 3001-3003 3008-3011 3014-301f 3030 303d 30a0 30fb a4fe-a4ff a60d-a60f a673 a67e a6f2-a6f7
a874-a877 a8ce-a8cf a8f8-a8fa a8fc a92e-a92f a95f a9c1-a9cd a9de-a9df aa5c-aa5f aade-aadf aaf0-aaf1 abeb
fd3e-fd3f fe10-fe19 fe30-fe52 fe54-fe61 fe63 fe68 fe6a-fe6b ff01-ff03 ff05-ff0a ff0c-ff0f ff1a-ff1b ff1f-ff20
ff3b-ff3d ff3f ff5b ff5d ff5f-ff65 10100-10102 1039f 103d0 1056f 10857 1091f 1093f 10a50-10a58 10a7f 10af0-10af6
10b39-10b3f 10b99-10b9c 10ead 10f55-10f59 10f86-10f89 11047-1104d 110bb-110bc 110be-110c1 11140-11143
11174-11175 111c5-111c8 111cd 111db 111dd-111df 11238-1123d 112a9 1144b-1144f 1145a-1145b 1145d 114c6
115c1-115d7 11641-11643 11660-1166c 116b9 1173c-1173e 1183b 11944-11946 119e2 11a3f-11a46 11a9a-11a9c
11a9e-11aa2 11c41-11c45 11c70-11c71 11ef7-11ef8 11fff 12470-12474 12ff1-12ff2 16a6e-16a6f 16af5 16b37-16b3b
16b44 16e97-16e9a 16fe2 1bc9f 1da87-1da8b 1e95e-1e95f
"""


def _code_points(ranges: str) -> set[int]:
    bounds = ([int(end, 16) for end in item.split("-")] for item in ranges.split())
    return {code for bound in bounds for code in range(bound[0], bound[-1] + 1)}


# ASCII's punctuation counts whole: `$`, `+` and `|`, for example, are symbols to Unicode.
PUNCTUATION = frozenset(map(chr, _code_points(_CATEGORY_P))) | frozenset(string.punctuation)
_NO_PUNCTUATION = dict.fromkeys(map(ord, PUNCTUATION))
_NO_ASCII_PUNCTUATION = dict.fromkeys(map(ord, string.punctuation))


def _words(*articles: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(articles)})\b")


_ENGLISH = _words("a", "an", "the")
# The Arabic article is deleted wherever its two letters stand, inside words too: the official expression means a
# prefix, and finds them everywhere.
_ARTICLES: dict[str, re.Pattern[str] | None] = {
    "en": _ENGLISH,
    "es": _words("un", "una", "unos", "unas", "el", "la", "los", "las"),
    "de": _words("ein", "eine", "einen", "einem", "eines", "einer", "der", "die", "das", "den", "dem", "des"),
    "ar": re.compile("ال"),
    "hi": None,
    "vi": _words("của", "là", "cái", "chiếc", "những"),
    "zh": None,
}
LANGUAGES = tuple(_ARTICLES)
# The characters that stand for themselves in Chinese text; all else is split at white space.
_CHINESE = re.compile("([\u4e00-\u9fa5])")


def normalise(text: str, language: str) -> str:
    """The words of an answer that MLQA's scorer compares, joined by single spaces; `language` is the context's."""
    if language not in _ARTICLES:
        raise unknown_name("language of the MLQA scorer", language, LANGUAGES)
    text = text.lower().translate(_NO_PUNCTUATION)
    articles = _ARTICLES[language]
    if articles is not None:
        text = articles.sub(" ", text)
    if language == "zh":
        text = _CHINESE.sub(r" \1 ", text)
    return " ".join(text.split())


def normalise_squad(text: str) -> str:
    """The words of an answer that SQuAD v1.1's scorer compares, joined by single spaces."""
    return " ".join(_ENGLISH.sub(" ", text.lower().translate(_NO_ASCII_PUNCTUATION)).split())


def f1(gold: str, predicted: str) -> float:
    """Harmonic mean of precision and recall of words, both texts normalised; 0 where they share none.

    So an empty text scores 0 even against an empty one, though that is an exact match: one Spanish gold answer of
    MLQA is an article.
    """
    wanted, found = gold.split(), predicted.split()
    shared = sum((Counter(wanted) & Counter(found)).values())
    if not shared:
        return 0.0
    precision, recall = shared / len(found), shared / len(wanted)
    return 2 * precision * recall / (precision + recall)


def answer_statistics(gold: Sequence[tuple[str, ...]], predicted: Sequence[str], language: str) -> Statistics:
    """MLQA's (F1, exact match) of each question, each with the gold answer that suits it best: (N, 2), in 0..1."""
    return _statistics(gold, predicted, lambda text: normalise(text, language))


def squad_statistics(gold: Sequence[tuple[str, ...]], predicted: Sequence[str]) -> Statistics:
    """The same as SQuAD v1.1's scorer counts."""
    return _statistics(gold, predicted, normalise_squad)


def _statistics(gold: Sequence[tuple[str, ...]], predicted: Sequence[str], normal: Callable[[str], str]) -> Statistics:
    rows = np.zeros((len(gold), 2))
    for row, answers, text in zip(rows, gold, predicted, strict=True):
        found, wanted = normal(text), [normal(a) for a in answers]
        row[:] = max(f1(w, found) for w in wanted), found in wanted
    return rows


def _metric(name: str, column: int, signature: str) -> Metric:
    return Metric(name, f"{name}|{signature}", lambda sums, n: sums[..., column] / n)


_MLQA = f"scorer:mlqa|version:1|unicode:{UNICODE}|language:context"
_SQUAD = "scorer:squad-v1.1|version:1|punctuation:ascii|language:en"
QA_F1, QA_EM = _metric("f1", 0, _MLQA), _metric("exact_match", 1, _MLQA)
SQUAD_F1, SQUAD_EM = _metric("f1", 0, _SQUAD), _metric("exact_match", 1, _SQUAD)
