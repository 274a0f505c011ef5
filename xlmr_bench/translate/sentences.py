"""Sentence boundaries in any of the benchmarks' languages, and texts cut to what a model can take. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

Span = tuple[int, int]

_CLOSING = "\"'”’»)\\]」』）】"
# Chinese marks need no space after them, those of Hindi and Urdu may lack it; a full stop needs one.
_END = re.compile(
    rf"[。！？｡][。！？｡{_CLOSING}]*|[।॥؟۔][।॥؟۔{_CLOSING}]*|[.!?…]+[{_CLOSING}]*(?=\s)|\n",
)
# After these a full stop mostly goes on; so it does after an initial.
_ABBREVIATIONS = (
    " Mr Mrs Ms Dr Prof St Jr Sr Gen Col Lt Sgt Capt Rev Hon Gov Sen Rep Pres No Nos vs etc approx ca c cf e.g i.e al "
    "Fig Vol pp p Inc Ltd Co Corp Bros Mt Ft Jan Feb Mar Apr Jun Jul Aug Sept Sep Oct Nov Dec Nr Hr Fr Sra Srta "
    "z.B d.h bzw usw Tel Bd Jh n.Chr v.Chr Núm Ud Uds EE.UU aC dC TP "
)
_THAI = re.compile("[\u0e00-\u0e7f]")
# Thai marks no sentences; phrases between spaces are joined up to about a sentence's length.
_THAI_LENGTH = 100
_CLAUSE = re.compile(r"[,;:，；：、،؛]\s*|\s+[-–—]\s+")


def sentence_spans(text: str, whole: Iterable[Span] = ()) -> list[Span]:
    """Start and end of each sentence without the white space around it; none is cut inside a span of `whole`."""
    whole = tuple(whole)
    spans: list[Span] = []
    start = 0
    for end in (*_ends(text), len(text)):
        if any(a < end < b for a, b in whole):
            continue
        inner = text[start:end]
        if inner.strip():
            spans.append((start + len(inner) - len(inner.lstrip()), start + len(inner.rstrip())))
        start = end
    return spans


def parts_that_fit(text: str, fits: Callable[[str], bool]) -> tuple[list[str], bool]:
    """A text in parts that fit, cut between sentences where possible, and whether a sentence had to be cut.

    Parts are as few as filling them one after the other gives. A sentence that is too long is halved at the clause
    mark, else the white space, nearest its middle.
    """
    pieces: list[Span] = []
    inside = False
    for span in sentence_spans(text):
        halves = list(_halved(text, span, fits))
        inside = inside or len(halves) > 1
        pieces += halves
    parts: list[Span] = []
    for start, end in pieces:
        if parts and fits(text[parts[-1][0] : end]):
            parts[-1] = (parts[-1][0], end)
        else:
            parts.append((start, end))
    return [text[a:b] for a, b in parts], inside


def joiner(language: str) -> str:
    """What stands between two sentences of a language."""
    return "" if language == "zh" else " "


def _ends(text: str) -> Iterator[int]:
    """The places where a sentence may end, in order."""
    places = {m.end() for m in _END.finditer(text) if not _goes_on(text, m)}
    if _THAI.search(text):
        places |= set(_thai_ends(text, sorted(places)))
    return iter(sorted(places))


def _goes_on(text: str, mark: re.Match[str]) -> bool:
    """Whether a full stop ends an abbreviation or an initial, or a lower-case letter follows it."""
    if mark[0][0] not in ".!?…":
        return False
    following = text[mark.end() :].lstrip()[:1]
    if following.islower():
        return True
    before = text[: mark.start()].split()[-1:] if mark[0] == "." else []
    word = before[0].lstrip("(\"'“«[") if before else ""
    # Initials, dotted abbreviations, and the ordinals of German and Turkish ("3. Oktober").
    return f" {word} " in _ABBREVIATIONS or bool(re.fullmatch(r"[A-ZÀ-ÞΑ-ΩА-Я]|(\w\.)+\w|\d{1,2}", word))


def _thai_ends(text: str, fixed: list[int]) -> Iterator[int]:
    """Spaces about every hundred characters; `fixed` are the ends that are known already."""
    start = last = 0
    for place in [m.end() for m in re.finditer(r"\s+", text)]:
        start = max([start, *(f for f in fixed if f <= place)])
        if place - start > _THAI_LENGTH and last > start:
            yield last
            start = last
        last = place


def _halved(text: str, span: Span, fits: Callable[[str], bool]) -> Iterator[Span]:
    start, end = span
    if end - start < 2 or fits(text[start:end]):
        yield span
        return
    middle = (end - start) // 2
    inner = text[start:end]
    for pattern in (_CLAUSE, re.compile(r"\s+")):
        # Only cuts in the middle half: one at the edge would leave the rest as long as before.
        places = [m.end() for m in pattern.finditer(inner) if middle // 2 <= m.end() <= middle + middle // 2 + 1]
        if places:
            middle = min(places, key=lambda p: abs(p - middle))
            break
    middle = min(max(middle, 1), end - start - 1)
    left = inner[:middle].rstrip()
    right = inner[middle:].lstrip()
    if left:
        yield from _halved(text, (start, start + len(left)), fits)
    if right:
        yield from _halved(text, (end - len(right), end), fits)
