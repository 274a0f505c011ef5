"""SQuAD, MLQA and XQuAD: SQuAD into a language, test sets into English, in MLQA's and XTREME's files.

A context is translated sentence by sentence; no sentence is cut inside an answer. Answers are placed by `answers.py`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from ..benchmarks.base import Where
from ..benchmarks.squad_files import NOWHERE, read_mlqa, read_squad, read_xquad
from ..errors import DataError, MissingData
from ..examples import Question, Split
from .answers import place, takes_brackets, with_marks
from .job import Composed, Job, refuse_role
from .sentences import Span, joiner, sentence_spans

_TRAIN = "mlqa-translate-train/{language}_squad-translate-train-{role}-v1.1.json"
_TEST: dict[str, tuple[Callable[[Where, str, str], Split[Question]], str]] = {
    "mlqa": (read_mlqa, "mlqa-translate-test/translate-test-context-{language}-question-{language}.json"),
    "xquad": (read_xquad, "xquad/translate-test/xquad.translate.test.{language}-en.json"),
}


def question_jobs(
    benchmark: str, where: Where, role: str, languages: tuple[str, ...], out: Path, limit: int | None
) -> list[Job]:
    """One file a language. Training sets of MLQA and XQuAD are SQuAD's."""
    if benchmark == "squad":
        refuse_role("squad", role, ("train", "dev"), "SQuAD's test set is not public.")
    refuse_role(benchmark, role, ("train", "dev", "test"), "its splits are these.")
    if role != "test":
        origin = read_squad(where, role, "en")
        paths = {code: _TRAIN.format(language=code, role=role) for code in languages}
        return [_job("squad", role, out, paths[code], "en", code, origin, limit, {}) for code in languages]
    read, layout = _TEST[benchmark]
    references = _english_questions(read, where)
    return [
        _job(benchmark, role, out, layout.format(language=code), code, "en", read(where, role, code), limit, references)
        for code in languages
    ]


def _english_questions(read: Callable[[Where, str, str], Split[Question]], where: Where) -> dict[str, str]:
    """The English questions by id; empty where that test set is not at hand."""
    try:
        return {q.id: q.question for q in read(where, "test", "en").examples}
    except MissingData:
        return {}


def _job(
    benchmark: str, role: str, out: Path, path: str, source: str, target: str, origin: Split[Question],
    limit: int | None, references: Mapping[str, str],
) -> Job:  # fmt: skip
    questions = origin.examples[:limit]

    def compose(made: Mapping[str, str]) -> Composed:
        content, counts = _translated(questions, made, target, _titles(origin.files[0]), keep=role == "test")
        if not counts["examples"]:
            raise DataError(
                f"{path}: of {counts['answers']:,} translated answers none stands in its translated context; nothing "
                f"was written. Is this a model for {source} to {target}?"
            )
        pairs = tuple((made[q.question], references[q.id]) for q in questions if q.id in references)
        return Composed(json.dumps(content, ensure_ascii=False) + "\n", counts, pairs)

    return Job(benchmark, role, out, path, source, target, origin, limit, lambda: _texts(questions), compose)


def _by_context(questions: tuple[Question, ...]) -> Iterator[tuple[str, list[Question], list[Span]]]:
    """Each paragraph: its context, its questions and its sentences."""
    for context, group in groupby(questions, key=lambda q: q.context):
        asked = list(group)
        spans = sentence_spans(context, (span for q in asked for span in _answer_spans(q)))
        yield context, asked, spans


def _answer_spans(question: Question) -> Iterator[Span]:
    return (
        (start, start + len(text))
        for text, start in zip(question.answers, question.starts, strict=True)
        if start != NOWHERE
    )


def _texts(questions: tuple[Question, ...]) -> Iterator[str]:
    for context, asked, spans in _by_context(questions):
        yield from (context[a:b] for a, b in spans)
        for question in asked:
            yield question.question
            yield from question.answers
            for start, end in _answer_spans(question):
                marked = _marked(context, spans, start, end)
                if marked is not None:
                    yield marked


def _marked(context: str, spans: list[Span], start: int, end: int) -> str | None:
    a, b = spans[_sentence_at(spans, start)]
    return with_marks(context[a:b], max(start - a, 0), min(end, b) - a)


def _sentence_at(spans: list[Span], start: int) -> int:
    """The sentence that holds a place; answers may begin in the white space before one."""
    return next((i for i, (_, end) in enumerate(spans) if start < end), len(spans) - 1)


def _translated(
    questions: tuple[Question, ...], made: Mapping[str, str], target: str, titles: Mapping[str, str], keep: bool
) -> tuple[dict[str, Any], dict[str, int]]:
    """The file and its counts. With `keep`, answers that cannot be placed stay with their text, at -1."""
    counts: Counter[str] = Counter(examples=0, answers=0, answers_not_placed=0, examples_left_out=0)
    articles: list[dict[str, Any]] = []
    for context, asked, spans in _by_context(questions):
        new_context, starts = _new_context(context, spans, made, target)
        qas = []
        for question in asked:
            answers = _answers(question, context, spans, starts, made, counts, keep)
            if answers:
                qas.append({"id": question.id, "question": made[question.question], "answers": answers})
            counts["examples" if answers else "examples_left_out"] += 1
        title = titles.get(asked[0].id, "")
        if not articles or articles[-1]["title"] != title:
            articles.append({"title": title, "paragraphs": []})
        if qas:
            articles[-1]["paragraphs"].append({"context": new_context, "qas": qas})
    return {"version": "1.1", "data": [a for a in articles if a["paragraphs"]]}, dict(counts)


def _new_context(context: str, spans: list[Span], made: Mapping[str, str], target: str) -> tuple[str, list[int]]:
    """The translated context, and where each of its sentences begins; line breaks are kept."""
    text = ""
    starts: list[int] = []
    end = 0
    for a, b in spans:
        if starts:
            text += "\n" * context[end:a].count("\n") or joiner(target)
        starts.append(len(text))
        text += made[context[a:b]]
        end = b
    return text, starts


def _answers(
    question: Question, context: str, spans: list[Span], starts: list[int], made: Mapping[str, str],
    counts: Counter[str], keep: bool,
) -> list[dict[str, Any]]:  # fmt: skip
    """The answers of a question in the translated context."""
    found: list[dict[str, Any]] = []
    for text, start in zip(question.answers, question.starts, strict=True):
        counts["answers"] += 1
        placed = None
        if start != NOWHERE and spans:
            at = _sentence_at(spans, start)
            a, b = spans[at]
            marked = _marked(context, spans, start, start + len(text))
            placed = place(
                made[context[a:b]], None if marked is None else made[marked], made[text], text, (start - a) / (b - a),
                takes_brackets(context[a:b]),
            )  # fmt: skip
        if placed is not None:
            counts[f"answers_found_by_{placed.found_by}"] += 1
            found.append({"text": placed.text, "answer_start": starts[at] + placed.start})
            continue
        counts["answers_not_placed"] += 1
        if keep:
            found.append({"text": made[text] or text, "answer_start": NOWHERE})
    return found


def _titles(path: Path) -> dict[str, str]:
    """The title of each question's article."""
    content = json.loads(path.read_bytes().decode("utf-8-sig"))
    return {
        qa["id"]: str(article.get("title", ""))
        for article in content["data"]
        for paragraph in article["paragraphs"]
        for qa in paragraph["qas"]
    }
