"""Reading question answering in every layout it comes in; whatever is wrong with a file is named or counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xlmr_bench.benchmarks.base import Where
from xlmr_bench.benchmarks.mlqa_official import MLQA, MLQA_LANGUAGES, MLQA_SHARED, mlqa_size, squad_size
from xlmr_bench.benchmarks.squad_files import read_mlqa, read_questions, read_squad, read_xquad
from xlmr_bench.errors import DataError, MissingData, UsageError
from xlmr_bench.examples import Question, Split
from xlmr_bench.files import sha256_of

CONTEXT = "Ein Café in 北京, gegründet 1936 und 1998."
Change = Callable[[dict[str, Any]], object]


def content(questions: int, text: str = "1936", start: int | None = None) -> dict[str, Any]:
    """Questions with one answer each, at most ten a paragraph and five paragraphs an article."""
    at = CONTEXT.index(text) if start is None else start
    qas = [
        {"id": f"q{i}", "question": f"Wann {i}?", "answers": [{"text": text, "answer_start": at}]}
        for i in range(questions)
    ]
    paragraphs = [{"context": CONTEXT, "qas": qas[i : i + 10]} for i in range(0, questions, 10)]
    articles = [{"title": f"t{i}", "paragraphs": paragraphs[i : i + 5]} for i in range(0, len(paragraphs), 5)]
    return {"version": "1.1", "data": articles}


def write(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def first(data: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = data["data"][0]["paragraphs"][0]["qas"][0]
    return found


def pattern(role: str, path: Path | str) -> Where:
    return Where(patterns=((role, str(path)),))


# --- what is read ---


def test_questions_are_read_in_order_with_all_their_answers(tmp_path: Path) -> None:
    data = content(12)
    first(data)["answers"] = [{"text": "北京", "answer_start": 12}, {"text": "Café in 北京", "answer_start": 4}]
    examples, faults = read_questions(write(tmp_path / "a.json", data), training=True)
    assert [e.id for e in examples] == [f"q{i}" for i in range(12)]
    assert examples[0] == Question("q0", "Wann 0?", CONTEXT, ("北京", "Café in 北京"), (12, 4))
    assert examples[11] == Question("q11", "Wann 11?", CONTEXT, ("1936",), (26,))
    assert faults.answers == faults.questions == 0


def test_a_byte_order_mark_and_other_keys_do_no_harm(tmp_path: Path) -> None:
    data = content(1)
    first(data)["plausible"] = None
    data["data"][0].pop("title")
    data.pop("version")
    path = tmp_path / "a.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(data, ensure_ascii=False).encode())
    assert len(read_questions(path, training=False)[0]) == 1


SQUAD_LAYOUTS = [
    ("train", "en", "train-v1.1.json"),
    ("train", "en", "squad/train-v1.1.json"),
    ("dev", "en", "SQuAD/dev-v1.1.json"),
    ("train", "de", "mlqa-translate-train/de_squad-translate-train-train-v1.1.json"),
    ("dev", "zh", "mlqa/mlqa-translate-train/zh_squad-translate-train-dev-v1.1.json"),
    ("train", "hi", "hi_squad-translate-train-train-v1.1.json"),
    ("train", "el", "squad/translate-train/squad.translate.train.en-el.json"),
    ("dev", "th", "SQuAD/translate-dev/squad.translate.dev.en-th.json"),
    ("train", "de", "squad.translate.train.en-de.json"),
]


@pytest.mark.parametrize(("role", "language", "path"), SQUAD_LAYOUTS)
def test_squad_and_its_translations_are_found_in_every_layout(
    tmp_path: Path, role: str, language: str, path: str
) -> None:
    size = (squad_size(role, language) or 3) if role == "dev" else 3
    write(tmp_path / path, content(size))
    split = read_squad(Where((tmp_path,)), role, language)
    assert (split.role, split.language, len(split.examples)) == (role, language, size)
    assert split.files == (tmp_path / path,)
    if role == "train":
        assert read_mlqa(Where((tmp_path,)), role, language) == split
    assert read_xquad(Where((tmp_path,)), role, language) == split


@pytest.mark.parametrize(
    "path", ["MLQA_V1/test/", "mlqa/MLQA_V1/test/", "test/", ""], ids=["official", "XTREME", "one folder", "flat"]
)
def test_a_pair_of_languages_is_found_in_every_layout(tmp_path: Path, path: str) -> None:
    file = write(tmp_path / f"{path}test-context-de-question-hi.json", content(1430))
    split = read_mlqa(Where((tmp_path,)), "test", "de", "hi")
    assert (split.language, split.files, split.official, split.deviation) == ("de", (file,), True, None)
    with pytest.raises(MissingData, match="test-context-hi-question-de"):
        read_mlqa(Where((tmp_path,)), "test", "hi", "de")


@pytest.mark.parametrize(
    "path",
    [
        "mlqa-translate-test/translate-test-context-es-question-es.json",
        "mlqa/mlqa-translate-test/translate-test-context-es-question-es.json",
        "translate-test-context-es-question-es.json",
        "mlqa/translate-test/mlqa.translate.test.es-en.json",
    ],
)
def test_the_translated_test_set_is_found_in_every_layout(tmp_path: Path, path: str) -> None:
    write(tmp_path / path, content(5253))
    split = read_mlqa(Where((tmp_path,)), "translate-test", "es")
    assert (split.role, len(split.examples), split.official) == ("translate-test", 5253, True)


@pytest.mark.parametrize("path", ["xquad.th.json", "xquad/xquad.th.json"])
def test_xquad_is_found_in_every_layout(tmp_path: Path, path: str) -> None:
    write(tmp_path / path, content(1190))
    split = read_xquad(Where((tmp_path,)), "test", "th")
    assert (len(split.examples), split.official, split.deviation) == (1190, True, None)


def test_translated_xquad_is_found_by_xtremes_name(tmp_path: Path) -> None:
    write(tmp_path / "xquad/translate-test/xquad.translate.test.ru-en.json", content(1190))
    assert read_xquad(Where((tmp_path,)), "translate-test", "ru").role == "translate-test"


# --- standing ---


@pytest.mark.parametrize("found", [511, 513])
def test_an_official_dev_or_test_file_of_another_size_stops(tmp_path: Path, found: int) -> None:
    path = write(tmp_path / "MLQA_V1/dev/dev-context-de-question-de.json", content(found))
    with pytest.raises(DataError, match=f"{path}: 'de' dev has {found} questions instead of 512"):
        read_mlqa(Where((tmp_path,)), "dev", "de")
    write(tmp_path / "xquad.de.json", content(found))
    with pytest.raises(DataError, match=f"has {found} questions instead of 1,190"):
        read_xquad(Where((tmp_path,)), "test", "de")
    write(tmp_path / "dev-v1.1.json", content(found))
    with pytest.raises(DataError, match=f"has {found} questions instead of 10,570"):
        read_squad(Where((tmp_path,)), "dev")


def test_a_dev_set_of_the_right_size_with_other_texts_is_not_official(tmp_path: Path) -> None:
    write(tmp_path / "MLQA_V1/dev/dev-context-de-question-de.json", content(512))
    split = read_mlqa(Where((tmp_path,)), "dev", "de")
    assert (split.official, split.deviation) == (False, "texts or answers are not the official ones")


def test_a_training_set_of_another_size_is_marked(tmp_path: Path) -> None:
    write(tmp_path / "train-v1.1.json", content(40))
    split = read_squad(Where((tmp_path,)), "train")
    assert (split.official, split.deviation) == (False, "40 of 87,599 examples")
    write(tmp_path / "de_squad-translate-train-train-v1.1.json", content(40))
    assert read_squad(Where((tmp_path,)), "train", "de").deviation == "40 of 80,069 examples"


def test_a_translation_that_nobody_published_has_no_standing(tmp_path: Path) -> None:
    write(tmp_path / "squad.translate.train.en-el.json", content(40))
    split = read_squad(Where((tmp_path,)), "train", "el")
    assert (split.official, split.deviation) == (None, None)


def test_a_file_the_user_names_is_read_whatever_its_size_and_marked(tmp_path: Path) -> None:
    for language in ("en", "de"):
        write(tmp_path / f"dev-context-{language}-question-{language}.json", content(30))
    where = pattern("test", tmp_path / "dev-context-{language}-question-{language}.json")
    split = read_mlqa(where, "test", "de")
    assert (split.official, split.deviation) == (False, "30 of 4,517 examples")
    assert read_mlqa(where, "test", "en").deviation == "30 of 11,590 examples"


def test_a_pattern_can_name_the_languages_of_context_and_question(tmp_path: Path) -> None:
    file = write(tmp_path / "dev-ar-vi.json", content(163))
    split = read_mlqa(pattern("dev", tmp_path / "dev-{language}-{question}.json"), "dev", "ar", "vi")
    assert (split.files, split.language, split.official) == ((file,), "ar", True)


def test_a_pattern_without_its_languages_is_refused_except_for_english(tmp_path: Path) -> None:
    path = write(tmp_path / "one.json", content(3))
    assert len(read_mlqa(pattern("train", path), "train", "en").examples) == 3
    assert len(read_mlqa(pattern("dev", path), "dev", "en").examples) == 3
    with pytest.raises(UsageError, match=r"\{language\} must stand in it"):
        read_mlqa(pattern("dev", path), "dev", "de")
    with pytest.raises(UsageError, match=r"\{question\} must stand in it too"):
        read_mlqa(pattern("dev", tmp_path / "{language}.json"), "dev", "de", "en")


def test_a_data_set_of_its_own_is_not_measured_against_the_official_one(tmp_path: Path) -> None:
    name = "MLQA_V1/dev/dev-context-de-question-de.json"
    path = write(tmp_path / name, content(7))
    files = {name: {"sha256": sha256_of(path)}}
    write(tmp_path / "manifest.json", {"name": "miniature", "files": files})
    split = read_mlqa(Where((tmp_path,)), "dev", "de")
    assert (split.source, split.official, split.deviation) == ("miniature", None, None)


def test_numbers_of_questions_hold_together() -> None:
    assert (squad_size("train", "en"), squad_size("dev", "en")) == (87_599, 10_570)
    assert squad_size("train", "zh") == 76_285
    assert squad_size("dev", "ru") is None
    for role in ("dev", "test"):
        assert set(MLQA[role]) == set(MLQA_LANGUAGES)
        assert len(MLQA_SHARED[role]) == 15
        for a in MLQA_LANGUAGES:
            for b in MLQA_LANGUAGES:
                size, reverse = mlqa_size(role, a, b), mlqa_size(role, b, a)
                assert size == reverse
                assert size is not None and size <= min(MLQA[role][a], MLQA[role][b])
        assert mlqa_size(role, "en", "de") == MLQA[role]["de"]
    assert mlqa_size("translate-test", "es", "es") == 5253


# --- answers that do not stand where they should ---


def misplaced(questions: int) -> dict[str, Any]:
    """q0 has a wrong and a right answer, q1 only a wrong one."""
    data = content(questions)
    qas = data["data"][0]["paragraphs"][0]["qas"]
    qas[0]["answers"] = [{"text": "1998", "answer_start": 26}, {"text": "1936", "answer_start": 26}]
    qas[1]["answers"] = [{"text": "1936 ", "answer_start": -1}]
    return data


def test_training_drops_misplaced_answers_and_questions_without_another_and_counts_them(tmp_path: Path) -> None:
    write(tmp_path / "train-v1.1.json", misplaced(5))
    split = read_squad(Where((tmp_path,)), "train")
    assert [(e.id, e.answers, e.starts) for e in split.examples[:2]] == [
        ("q0", ("1936",), (26,)),
        ("q2", ("1936",), (26,)),
    ]
    assert split.official is False
    assert split.deviation == (
        "5 of 87,599 examples; answers that do not stand at their start, dropped: 2; "
        "questions dropped with them: 1 (first: q0, '1998', at 26: '1936')"
    )


def test_a_complete_training_set_is_official_unless_answers_were_dropped(tmp_path: Path) -> None:
    path = tmp_path / "zh_squad-translate-train-train-v1.1.json"
    write(path, content(76_285))
    assert read_squad(Where((tmp_path,)), "train", "zh").official is True
    write(path, misplaced(76_285))
    split = read_squad(Where((tmp_path,)), "train", "zh")
    assert (len(split.examples), split.official) == (76_284, False)
    assert split.deviation is not None and split.deviation.startswith("answers that do not stand at their start")


def test_test_sets_keep_the_text_of_misplaced_answers_and_count_them(tmp_path: Path) -> None:
    write(tmp_path / "mlqa-translate-test/translate-test-context-de-question-de.json", misplaced(4517))
    split = read_mlqa(Where((tmp_path,)), "translate-test", "de")
    assert len(split.examples) == 4517
    assert [(e.answers, e.starts) for e in split.examples[:2]] == [(("1998", "1936"), (-1, 26)), (("1936 ",), (-1,))]
    assert (split.official, split.deviation) == (True, None)
    assert split.note == (
        "answers that do not stand at their start, kept by their text: 2 (first: q0, '1998', at 26: '1936')"
    )


@pytest.mark.parametrize("text", ["", "  "])
def test_blank_answers_count_as_misplaced(tmp_path: Path, text: str) -> None:
    data = content(2)
    first(data)["answers"][0] = {"text": text, "answer_start": 0}
    path = write(tmp_path / "a.json", data)
    assert [e.id for e in read_questions(path, training=True)[0]] == ["q1"]
    examples, faults = read_questions(path, training=False)
    assert (examples[0].answers, examples[0].starts, faults.answers) == ((text,), (-1,), 1)


def test_a_start_before_the_context_is_no_place_counted_from_its_end(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", content(2, "1998.", start=-5))
    examples, faults = read_questions(path, training=False)
    assert (examples[0].starts, faults.answers) == ((-1,), 2)


# --- what is refused ---


def without(key: str) -> Change:
    return lambda data: first(data).pop(key)


def second_id(data: dict[str, Any]) -> None:
    data["data"][0]["paragraphs"][0]["qas"][1]["id"] = "q0"


REFUSED: dict[str, tuple[Change, str]] = {
    "no data": (lambda d: d.pop("data"), "the file has no 'data'"),
    "no paragraphs": (lambda d: d["data"][0].pop("paragraphs"), "article 1 has no 'paragraphs'"),
    "no context": (lambda d: d["data"][0]["paragraphs"][1].pop("context"), "article 1, paragraph 2 has no 'context'"),
    "no questions": (lambda d: d["data"][0]["paragraphs"][0].pop("qas"), "article 1, paragraph 1 has no 'qas'"),
    "no id": (without("id"), "article 1, paragraph 1, question 1 has no 'id'"),
    "no question": (without("question"), "question 'q0' has no 'question'"),
    "no answers": (without("answers"), "question 'q0' has no 'answers'"),
    "no text": (lambda d: first(d)["answers"][0].pop("text"), "question 'q0' has no 'text'"),
    "no start": (lambda d: first(d)["answers"][0].pop("answer_start"), "question 'q0' has no 'answer_start'"),
    "start of another kind": (
        lambda d: first(d)["answers"][0].update(answer_start="26"),
        "'answer_start' of question 'q0' is '26', not of type int",
    ),
    "start that is true": (
        lambda d: first(d)["answers"][0].update(answer_start=True),
        "'answer_start' of question 'q0' is True, not of type int",
    ),
    "Hub's form of answers": (
        lambda d: first(d).update(answers={"text": ["1936"], "answer_start": [26]}),
        "'answers' of question 'q0' is",
    ),
    "empty answers": (lambda d: first(d)["answers"].clear(), "question 'q0' has no answers"),
    "an id twice": (second_id, "question 'q0' stands there twice"),
    "version 2": (lambda d: d.update(version="v2.0"), "is SQuAD v2.0; its unanswerable questions"),
    "unanswerable": (lambda d: first(d).update(is_impossible=False), "question 'q0' has 'is_impossible'"),
    "nothing": (lambda d: d["data"].clear(), "holds no questions"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("training", [False, True])
def test_a_file_that_is_not_squad_1_1_is_refused_by_file_and_place(tmp_path: Path, name: str, training: bool) -> None:
    change, message = REFUSED[name]
    data = content(15)
    change(data)
    path = write(tmp_path / "a.json", data)
    with pytest.raises(DataError) as caught:
        read_questions(path, training=training)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_a_cut_file_is_refused_with_the_place_of_the_cut(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", json.dumps(content(15), indent=1)[:400])
    with pytest.raises(DataError, match=r"a.json, line \d+, column \d+: not JSON"):
        read_questions(path, training=False)


def test_other_content_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not UTF-8"):
        (tmp_path / "a.json").write_bytes('{"data": "é"}'.encode("latin-1"))
        read_questions(tmp_path / "a.json", training=False)
    with pytest.raises(DataError, match="the file has no 'data'"):
        read_questions(write(tmp_path / "b.json", [1, 2]), training=False)
    with pytest.raises(DataError, match="cannot read"):
        read_questions(tmp_path, training=False)


def test_a_training_set_without_one_usable_answer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no usable questions"):
        read_questions(write(tmp_path / "a.json", content(3, start=2)), training=True)


def test_a_missing_file_is_named_with_every_place_looked_at(tmp_path: Path) -> None:
    with pytest.raises(MissingData) as caught:
        read_mlqa(Where((tmp_path,)), "dev", "hi")
    assert f"{tmp_path}/MLQA_V1/dev/dev-context-hi-question-hi.json" in str(caught.value)
    assert "MLQA 'hi' dev" in str(caught.value)


def test_the_hub_is_no_source_of_question_answering() -> None:
    with pytest.raises(MissingData, match="not read from a Hub repository"):
        read_mlqa(Where(hub="facebook/mlqa"), "dev", "hi")


def test_roles_and_pairs_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    where = Where((tmp_path,))
    readers: list[Callable[[Where, str, str], Split[Question]]] = [read_squad, read_mlqa, read_xquad]
    for reader in readers:
        with pytest.raises(UsageError, match="unknown role"):
            reader(where, "translate-dev", "de")
    with pytest.raises(UsageError, match="unknown role"):
        read_squad(where, "test")
    with pytest.raises(UsageError, match="in the language of their contexts only, not de-en"):
        read_mlqa(where, "translate-test", "de", "en")
    with pytest.raises(UsageError):
        read_mlqa(where, "train", "de", "en")
