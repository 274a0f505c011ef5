"""Documents and questions as the files of SQuAD v1.1, MLQA, its translations, and XQuAD.

An answer is what the sentence says of the role, found by its span: it stands where `answer_start` says, in characters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from random import Random
from typing import Any

from .asking import ASKING, as_typed, question
from .draw import chance, stream
from .grammar import Piece, Sentence, join, pieces
from .made import MadeFile, compact_json
from .noise import into_english, with_slip
from .rules import RULES
from .stories import Asked, Story, stories

SQUAD = {"train": 1_200, "dev": 120}
# English has all of them, as in MLQA; each other language has its own part.
MLQA = {"dev": 80, "test": 132}
MLQA_LANGUAGES = ("en", "es", "de", "ar", "hi", "vi", "zh")
MLQA_SHARE = 0.75
# XQuAD is the first documents of SQuAD's dev set in every language that has a question grammar.
XQUAD_LANGUAGES, XQUAD_DOCUMENTS = tuple(ASKING), 20
# A translator's answer that is not found in the translated context takes its question with it.
LOST_RATE = 0.04

# Turns the words of a sentence into those a translator writes.
Noise = Callable[[Sequence[Piece]], Sequence[Piece]]
Keep = Callable[[str], bool]


def squad_files(name: str) -> Iterator[MadeFile]:
    """All question-answering files."""
    squad = {split: stories(name, f"squad {split}", count) for split, count in SQUAD.items()}
    for split, told in squad.items():
        yield _file(f"squad/{split}-v1.1.json", _data(told, f"squad {split}", "en", several=split == "dev"))
        for language in MLQA_LANGUAGES[1:]:
            yield _translated(name, told, split, language)
    for split, count in MLQA.items():
        yield from _mlqa(name, stories(name, f"mlqa {split}", count), split)
    told = squad["dev"][:XQUAD_DOCUMENTS]
    for language in XQUAD_LANGUAGES:
        yield _file(f"xquad/xquad.{language}.json", _data(told, "squad dev", language))
        if language != "en":
            noise = partial(into_english, stream(name, "xquad into English", language))
            path = f"xquad/translate-test/xquad.translate.test.{language}-en.json"
            yield _file(path, _data(told, "squad dev", "en", noise=noise))


def _mlqa(name: str, told: list[Story], split: str) -> Iterator[MadeFile]:
    """Every pair of languages with the questions that both have, and for test the translations into English."""
    ids = [_id(f"mlqa {split}", d, q) for d, story in enumerate(told) for q in range(len(story.questions))]
    has: dict[str, Collection[str]] = {"en": set(ids)}
    for language in MLQA_LANGUAGES[1:]:
        rng = stream(name, "mlqa share", split, language)
        has[language] = {i for i in ids if chance(rng, MLQA_SHARE)}
    for context in MLQA_LANGUAGES:
        for asked in MLQA_LANGUAGES:
            both = set(has[context]) & set(has[asked])
            data = _data(told, f"mlqa {split}", context, asked, keep=both.__contains__)
            yield _file(f"MLQA_V1/{split}/{split}-context-{context}-question-{asked}.json", data)
    for language in MLQA_LANGUAGES[1:] if split == "test" else ():
        noise = partial(into_english, stream(name, "mlqa into English", language))
        data = _data(told, f"mlqa {split}", "en", noise=noise, keep=has[language].__contains__)
        yield _file(f"mlqa-translate-test/translate-test-context-{language}-question-{language}.json", data)


def _translated(name: str, told: list[Story], split: str, language: str) -> MadeFile:
    """SQuAD as a machine translates it."""
    rng = stream(name, "squad translated", split, language)
    data = _data(told, f"squad {split}", language, noise=partial(with_slip, rng), keep=partial(_found, rng))
    return _file(f"mlqa-translate-train/{language}_squad-translate-train-{split}-v1.1.json", data)


def _found(rng: Random, identity: str) -> bool:
    return not chance(rng, LOST_RATE)


def _file(path: str, data: list[dict[str, Any]]) -> MadeFile:
    rows = sum(len(paragraph["qas"]) for article in data for paragraph in article["paragraphs"])
    return compact_json(path, {"version": "1.1", "data": data}, rows)


def _data(
    told: list[Story],
    purpose: str,
    language: str,
    asked: str | None = None,
    *,
    noise: Noise = list,
    keep: Keep = bool,
    several: bool = False,
) -> list[dict[str, Any]]:
    """The articles, one a document, with those questions whose ids `keep` accepts, in language `asked`.

    `several` gives English answers in all the wordings that people would choose.
    """
    out = []
    for d, story in enumerate(told):
        context, sentences = _context(story, language, noise)
        qas = []
        for q, item in enumerate(story.questions):
            identity = _id(purpose, d, q)
            if keep(identity):
                text = as_typed(list(noise(question(item.known, item.role, asked or language))), asked or language)
                qas.append({"id": identity, "question": text, "answers": _answers(context, sentences, item, several)})
        if qas:
            out.append({"title": f"{purpose} {d + 1}", "paragraphs": [{"context": context, "qas": qas}]})
    return out


def _id(purpose: str, document: int, number: int) -> str:
    """Hexadecimal, as official ids are, and the same in every language."""
    return hashlib.sha1(f"{purpose}/{document}/{number}".encode(), usedforsecurity=False).hexdigest()[:24]


def _context(story: Story, language: str, noise: Noise) -> tuple[str, list[tuple[int, Sentence]]]:
    """The document and its sentences with their first characters in it."""
    between = "" if RULES[language].stop and not RULES[language].separator else " "
    text, sentences = "", []
    for meaning in story.told:
        text += between if text else ""
        sentence = join(list(noise(pieces(meaning, language))), language)
        sentences.append((len(text), sentence))
        text += sentence.text
    return text, sentences


def _answers(
    context: str, sentences: list[tuple[int, Sentence]], asked: Asked, several: bool
) -> list[dict[str, str | int]]:
    """The answer, and where `several` also its wordings with fewer or more function words, each where it stands."""
    offset, sentence = sentences[asked.sentence]
    start, end = (offset + at for at in sentence.spans[asked.role])
    spans = [(start, end)]
    if several and asked.role in ("place", "time"):  # at the market, the market, market; on Monday, Monday
        spans += [(start + i + 1, end) for i, letter in enumerate(context[start:end]) if letter == " "]
    if several and asked.role == "object":  # apple, red apple, a red apple
        before = context[offset:start].split(" ")
        verb = context[offset:].split(" ").index(sentence.text[slice(*sentence.spans["action"])])
        for word in reversed(before[verb + 1 : -1]):
            spans.append((spans[-1][0] - len(word) - 1, end))
    return [{"text": context[a:b], "answer_start": a} for a, b in spans]
