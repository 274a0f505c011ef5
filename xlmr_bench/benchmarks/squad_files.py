"""Reading extractive question answering: SQuAD v1.1, MLQA, XQuAD and their translations, all in SQuAD's JSON.

Every answer's text is checked against the context at its start. Where it does not stand there (translated files have
such), training leaves the answer out, and a question without another one; dev and test keep its text, which is all
that a score needs, with -1 for its start. Either way `Split.deviation` counts them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data.find import data_set_name, find_file, missing_file
from ..errors import DataError, MissingData, UsageError, unknown_name
from ..examples import Question, Split
from .base import Where
from .mlqa_official import DIGESTS, XQUAD, XQUAD_LANGUAGES, Faults, check_size, measured, mlqa_size, squad_size

NOWHERE = -1
REMEDY = "Fetch the file again, or name a set of your own with --files."


def _below(folders: tuple[str, ...], *names: str) -> tuple[str, ...]:
    return tuple(folder + name for name in names for folder in folders)


_SQUAD = {role: _below(("", "squad/", "SQuAD/"), f"{role}-v1.1.json") for role in ("train", "dev")}
_SQUAD_TRANSLATED = {
    role: (
        *_below(
            ("mlqa-translate-train/", "mlqa/mlqa-translate-train/", ""),
            f"{{language}}_squad-translate-train-{role}-v1.1.json",
        ),
        *_below(
            (f"squad/translate-{role}/", f"SQuAD/translate-{role}/", f"translate-{role}/", ""),
            f"squad.translate.{role}.en-{{language}}.json",
        ),
    )
    for role in ("train", "dev")
}
_MLQA = {
    **{
        role: _below(
            (f"MLQA_V1/{role}/", f"mlqa/MLQA_V1/{role}/", f"{role}/", ""),
            f"{role}-context-{{language}}-question-{{question}}.json",
        )
        for role in ("dev", "test")
    },
    "translate-test": (
        *_below(
            ("mlqa-translate-test/", "mlqa/mlqa-translate-test/", ""),
            "translate-test-context-{language}-question-{question}.json",
        ),
        *_below(
            ("mlqa/translate-test/", "MLQA/translate-test/", "translate-test/", ""),
            "mlqa.translate.test.{language}-en.json",
        ),
    ),
}
_XQUAD = {
    "test": _below(("", "xquad/", "XQuAD/"), "xquad.{language}.json"),
    "translate-test": _below(
        ("xquad/translate-test/", "XQuAD/translate-test/", "translate-test/", ""),
        "xquad.translate.test.{language}-en.json",
    ),
}


@dataclass(frozen=True)
class _Wanted:
    """One file that is looked for: where it may lie, how many questions are published, and their digest."""

    name: str
    role: str
    language: str
    layouts: tuple[str, ...]
    size: int | None
    digest: str | None = None
    question_language: str | None = None


def read_squad(where: Where, role: str, language: str = "en") -> Split[Question]:
    """SQuAD v1.1 `train` or `dev`; in a language other than English, its machine translation. See `base.Reader`."""
    if role not in _SQUAD:
        raise unknown_name("role of SQuAD", role, _SQUAD)
    layouts = (_SQUAD if language == "en" else _SQUAD_TRANSLATED)[role]
    return _read(where, _Wanted("SQuAD", role, language, layouts, squad_size(role, language)))


def read_mlqa(where: Where, role: str, language: str, question_language: str | None = None) -> Split[Question]:
    """MLQA `dev` or `test` with contexts in `language`, questions in `question_language` (the same by default).

    `translate-test` is the test set translated into English; `train` is SQuAD, translated where not English.
    Answers are in the context's language, so that is the language of the split and of its scorer.
    """
    question = question_language or language
    if role == "train" and question == language:
        return read_squad(where, role, language)
    if role not in _MLQA:
        raise unknown_name("role of MLQA", role, ("train", *_MLQA))
    if question != language and role not in ("dev", "test"):
        raise UsageError(
            f"MLQA {role} has questions in the language of their contexts only, not {language}-{question}."
        )
    layouts = tuple(layout.replace("{question}", question) for layout in _MLQA[role])
    digest = DIGESTS.get((role, language)) if question == language else None
    size = mlqa_size(role, language, question)
    return _read(where, _Wanted("MLQA", role, language, layouts, size, digest, question))


def read_xquad(where: Where, role: str, language: str) -> Split[Question]:
    """XQuAD's `test` set or its `translate-test`; `train` and `dev` are SQuAD's."""
    if role in _SQUAD:
        return read_squad(where, role, language)
    if role not in _XQUAD:
        raise unknown_name("role of XQuAD", role, (*_SQUAD, *_XQUAD))
    size = XQUAD if language in XQUAD_LANGUAGES else None
    return _read(where, _Wanted("XQuAD", role, language, _XQUAD[role], size))


def _read(where: Where, wanted: _Wanted) -> Split[Question]:
    role, language = wanted.role, wanted.language
    pattern = _pattern(where, wanted)
    what = f"{wanted.name} {language!r} {role}"
    if where.hub is not None and pattern is None:
        raise MissingData(
            f"{what} is not read from a Hub repository. Give its folder (--data DIR) or --files {role}=FILE."
        )
    found = find_file(where.folders, wanted.layouts, pattern, language)
    if found is None:
        raise missing_file(what, where.folders, wanted.layouts, pattern, language, role)
    own = data_set_name(found)
    examples, faults = read_questions(found.path, training=role == "train")
    split = Split(role, language, examples, (found.path,), own or "files")
    count = len(examples) + faults.questions
    if own is not None:
        return measured(split, None, count, faults, None)
    # A file that the user named may be a part or another set: it is marked. An official name promises all of it.
    if role != "train" and pattern is None:
        check_size(split, wanted.size, count, REMEDY)
    return measured(split, wanted.size, count, faults, wanted.digest)


def _pattern(where: Where, wanted: _Wanted) -> str | None:
    """The user's own pattern for this file, with the question's language filled in."""
    pattern = dict(where.patterns).get(wanted.role)
    if pattern is None:
        return None
    question = wanted.question_language or wanted.language
    if wanted.language != "en" and "{language}" not in pattern:
        raise UsageError(
            f"--files {wanted.role}={pattern}: {{language}} must stand in it: these files differ by language."
        )
    if question != wanted.language and "{question}" not in pattern:
        raise UsageError(
            f"--files {wanted.role}={pattern}: {{question}} must stand in it too, where questions are not in the "
            "language of their contexts."
        )
    return pattern.replace("{question}", question)


# --- SQuAD's JSON ---


def read_questions(path: Path, *, training: bool) -> tuple[tuple[Question, ...], Faults]:
    """All questions of one file in its order, and the answers that do not stand where the file says.

    Raises DataError for anything that is not SQuAD v1.1: other versions, missing keys, an id twice, no answers.
    """
    examples: list[Question] = []
    seen: set[str] = set()
    bad = lost = 0
    first = ""
    for context, raw, place in _entries(path):
        identity = _get(path, raw, "id", str, place)
        place = f"question {identity!r}"
        if identity in seen:
            raise DataError(f"{path}: {place} stands there twice. Ids must be unique; {REMEDY[0].lower()}{REMEDY[1:]}")
        seen.add(identity)
        question = _get(path, raw, "question", str, place)
        kept: list[tuple[str, int]] = []
        for answer in _answers(path, raw, place):
            text = _get(path, answer, "text", str, place)
            start = _get(path, answer, "answer_start", int, place)
            there = text.strip() and start >= 0 and context.startswith(text, start)
            if not there:
                first = first or f"{identity}, {text!r:.60}, at {start}: {context[max(start, 0) :][: len(text)]!r:.60}"
                bad += 1
            if there or not training:
                kept.append((text, start if there else NOWHERE))
        if not kept:
            lost += 1
            continue
        texts, starts = zip(*kept, strict=True)
        examples.append(Question(identity, question, context, texts, starts))
    if not examples:
        raise DataError(f"{path} holds no {'usable ' if bad else ''}questions. {REMEDY}")
    return tuple(examples), Faults(bad, lost, training, first)


def _entries(path: Path) -> Iterator[tuple[str, Any, str]]:
    """Every question with its context and its place in words."""
    content = _load(path)
    version = str(content.get("version", "")) if isinstance(content, dict) else ""
    if re.fullmatch(r"v?2(\.\d+)*", version):
        raise DataError(f"{path} is SQuAD {version}; its unanswerable questions belong to another task. Use v1.1.")
    for a, article in enumerate(_get(path, content, "data", list, "the file"), 1):
        for p, paragraph in enumerate(_get(path, article, "paragraphs", list, f"article {a}"), 1):
            place = f"article {a}, paragraph {p}"
            context = _get(path, paragraph, "context", str, place)
            for q, raw in enumerate(_get(path, paragraph, "qas", list, place), 1):
                yield context, raw, f"{place}, question {q}"


def _answers(path: Path, raw: Any, place: str) -> list[Any]:
    if "is_impossible" in raw:
        raise DataError(f"{path}: {place} has 'is_impossible', as in SQuAD v2.0; only v1.1 is read. Use v1.1.")
    answers: list[Any] = _get(path, raw, "answers", list, place)
    if not answers:
        raise DataError(f"{path}: {place} has no answers. SQuAD v1.1 has at least one for every question. {REMEDY}")
    return answers


def _get(path: Path, holder: Any, key: str, kind: type, place: str) -> Any:
    """`holder[key]` of that type, or the error that says what is not there."""
    if not isinstance(holder, dict) or key not in holder:
        raise DataError(f"{path}: {place} has no {key!r}; this is not SQuAD v1.1's form. {REMEDY}")
    value = holder[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise DataError(f"{path}: {key!r} of {place} is {value!r:.40}, not of type {kind.__name__}. {REMEDY}")
    return value


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as e:
        raise DataError(f"cannot read {path}: {e.strerror or e}.") from e
    except UnicodeDecodeError as e:
        raise DataError(f"{path}: not UTF-8 (byte {e.start}). {REMEDY}") from None
    except json.JSONDecodeError as e:
        raise DataError(
            f"{path}, line {e.lineno}, column {e.colno}: not JSON ({e.msg}); cut or damaged. {REMEDY}"
        ) from None
