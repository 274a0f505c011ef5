"""The miniature's files of every other benchmark: what the official readers find in them, and whether it is right."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from xlmr_bench.benchmarks.base import Where
from xlmr_bench.benchmarks.conll_files import read_conll
from xlmr_bench.benchmarks.glue_files import TASKS, read_glue, roles_of
from xlmr_bench.benchmarks.squad_files import read_mlqa, read_squad, read_xquad
from xlmr_bench.entities import entities
from xlmr_bench.examples import LabelledText, Question, Split, TaggedSentence
from xlmr_bench.miniature import miniature_folder
from xlmr_bench.miniature.asking import ASKED, as_typed, question
from xlmr_bench.miniature.grammar import render
from xlmr_bench.miniature.meaning import Meaning
from xlmr_bench.miniature.named import say, sentences, word_by_word
from xlmr_bench.miniature.names import named
from xlmr_bench.miniature.ner import to_iob1
from xlmr_bench.miniature.noise import SYNONYMS
from xlmr_bench.miniature.stories import asked_role, stories

NER = ("en", "de", "es", "nl")
MLQA = ("en", "es", "de", "ar", "hi", "vi", "zh")
XQUAD = ("en", "es", "de", "el", "ru", "tr", "ar", "vi", "th", "zh", "hi")
PARTS = {"train": "train", "dev": "testa", "test": "testb"}
FILES = {"en": "2003/eng", "de": "2003/deu", "es": "2002/esp", "nl": "2002/ned"}
APPLE = Meaning("anna", "buy", "apple", colour="red", place="market", time="monday")

# Raise the miniature's VERSION whenever one of these changes.
DIGESTS = {
    "2003/eng.train": "1b7d2510e02e4e9c",
    "2003/deu.testb": "dabcfb13c647b2b2",
    "2002/esp.testa": "da0ee9869426a2e2",
    "2002/ned.train": "9578039598bf4ca4",
    "translate-train/es.conll": "6a966df7e824747e",
    "squad/dev-v1.1.json": "3d0c8f5ed090f8fc",
    "mlqa-translate-train/hi_squad-translate-train-train-v1.1.json": "9dc9643369757775",
    "MLQA_V1/test/test-context-ar-question-zh.json": "2f69fb07b767feb5",
    "mlqa-translate-test/translate-test-context-de-question-de.json": "faeaea36006d4928",
    "xquad/xquad.th.json": "ad3de6d72593a516",
    "glue_data/CoLA/train.tsv": "7f64b017a841619c",
    "glue_data/MRPC/train.tsv": "e8ea5c75a1fd8f5d",
    "glue_data/MNLI/train.tsv": "25cd8faca6ee4237",
    "glue_data/QNLI/train.tsv": "145b5015ae364ebe",
    "glue_data/QQP/train.tsv": "c239c1d604974a98",
    "glue_data/RTE/train.tsv": "70af235a5f7af1f0",
    "glue_data/SST-2/train.tsv": "15bdda799e658391",
    "glue_data/STS-B/train.tsv": "ffaf8c3aae2c3cfc",
    "glue_data/WNLI/train.tsv": "eebe2006c1e0064b",
    "XNLI-1.0/xnli.test.tsv": "d6e95518d6373c70",
    "XNLI-MT-1.0/multinli/multinli.train.de.tsv": "3bfa993f49a143e7",
    "text/th.txt": "7902e64e95f10f73",
}


@pytest.fixture(scope="module")
def world() -> Path:
    return miniature_folder()


@cache
def tagged(role: str, language: str) -> Split[TaggedSentence]:
    return read_conll(Where(folders=(miniature_folder(),)), role, language)


@cache
def asked(role: str, context: str, question_language: str) -> dict[str, Question]:
    """MLQA's questions by id; every answer stands where the file says, or the reader would tell."""
    split = read_mlqa(Where(folders=(miniature_folder(),)), role, context, question_language)
    assert (split.source, split.official, split.deviation) == ("miniature", None, None)
    return {example.id: example for example in split.examples}


@cache
def glue(task: str, role: str) -> tuple[LabelledText, ...]:
    split = read_glue(task, Where(folders=(miniature_folder(),)), role)
    assert (split.source, split.official, split.deviation) == ("miniature", None, None)
    return split.examples


def named_in(split: Split[TaggedSentence]) -> list[tuple[str, str]]:
    """(type, text) of every entity."""
    return [(kind, " ".join(s.words[start:end])) for s in split.examples for kind, start, end in entities(list(s.tags))]


# --- CoNLL


@pytest.mark.parametrize("language", NER)
def test_conll_files_hold_the_sentences_that_were_drawn(language: str) -> None:
    for role, count in (("train", 600), ("dev", 150), ("test", 200)):
        split = tagged(role, language)
        assert (split.source, split.official, split.deviation) == ("miniature", None, None)
        drawn = [say(d, language) for d in sentences("miniature", language, PARTS[role], count)]
        read = [tuple(zip(s.words, s.tags, strict=True)) for s in split.examples]
        assert [pair for pair in zip(read, drawn, strict=True) if pair[0] != pair[1]] == []
        assert len({s.words for s in split.examples}) == count


@pytest.mark.parametrize(("language", "columns"), [("en", 4), ("de", 5), ("es", 2), ("nl", 3)])
def test_conll_files_have_the_official_columns_encodings_marks_and_schemes(
    world: Path, language: str, columns: int
) -> None:
    raw = (world / f"{FILES[language]}.train").read_bytes()
    lines = raw.decode("iso-8859-1").split("\n")
    assert {len(line.split(" ")) for line in lines if line} == {columns}
    if language in ("de", "es"):
        with pytest.raises(UnicodeDecodeError):
            raw.decode("utf-8")
        assert {"de": "für", "es": "está"}[language] in {line.split(" ")[0] for line in lines}
    marks = [i for i, line in enumerate(lines) if line.startswith("-DOCSTART-")]
    assert (len(marks) > 50) == (language != "es")
    # English and German marks stand alone; the Dutch is the first word of a sentence.
    assert all((lines[i + 1] == "") == (language != "nl") for i in marks)
    tags = [line.split(" ")[-1] if line else "O" for line in lines]
    begins = [(before, tag) for before, tag in zip(["O", *tags], tags, strict=False) if tag[0] == "B"]
    inside = [(before, tag) for before, tag in zip(["O", *tags], tags, strict=False) if tag[0] == "I"]
    if language in ("en", "de"):
        assert begins and all(before[1:] == tag[1:] for before, tag in begins)
    else:
        assert all(before[1:] == tag[1:] for before, tag in inside)


def test_iob1_begins_an_entity_only_where_it_follows_its_like() -> None:
    assert to_iob1(["B-PER", "I-PER", "O", "B-ORG", "B-ORG", "I-ORG", "B-LOC"]) == [
        "I-PER", "I-PER", "O", "I-ORG", "B-ORG", "I-ORG", "I-LOC",
    ]  # fmt: skip


@pytest.mark.parametrize("language", NER)
def test_all_types_of_entities_occur_in_one_word_and_several_and_some_sentences_have_none(language: str) -> None:
    for role, least in (("train", 100), ("dev", 20), ("test", 25)):
        found = named_in(tagged(role, language))
        assert min(Counter(kind for kind, _ in found)[k] for k in ("PER", "LOC", "ORG", "MISC")) >= least
        for kind in ("PER", "LOC", "ORG"):
            assert {" " in text for k, text in found if k == kind} == {True, False}
        without = sum(set(s.tags) == {"O"} for s in tagged(role, language).examples)
        assert 0.05 < without / len(tagged(role, language).examples) < 0.3


@pytest.mark.parametrize("language", NER)
def test_dev_and_test_have_names_that_training_lacks_and_names_that_it_has(language: str) -> None:
    def names(role: str) -> set[str]:
        split = tagged(role, language)
        return {w for s in split.examples for w, tag in zip(s.words, s.tags, strict=True) if tag != "O"}

    for role in ("dev", "test"):
        assert 0.1 < len(names(role) - names("train")) / len(names(role)) < 0.5
    words = {tuple(s.words) for role in PARTS for s in tagged(role, language).examples}
    assert len(words) > 0.97 * 950


@pytest.mark.parametrize("language", NER)
def test_the_same_name_is_another_entity_in_another_sentence(language: str) -> None:
    kinds: dict[str, set[str]] = {}
    for kind, text in named_in(tagged("train", language)):
        kinds.setdefault(text, set()).add(kind)
    assert sum(held >= {"PER", "ORG"} for held in kinds.values()) > 5
    assert sum(held >= {"LOC", "ORG"} for held in kinds.values()) > 5
    inside = {text.split(" ")[0] for kind, text in named_in(tagged("train", language)) if kind == "ORG" and " " in text}
    assert len(inside & {text for text, held in kinds.items() if "PER" in held}) > 5  # Berg and Berg Motors


@pytest.mark.parametrize("language", NER[1:])
def test_the_translated_training_set_has_the_english_entities_in_english_order(world: Path, language: str) -> None:
    split = read_conll(Where(folders=(world,)), "translate-train", language)
    english = tagged("train", "en")
    assert len(split.examples) == len(english.examples) == 600
    for ours, theirs in zip(split.examples, english.examples, strict=True):
        assert [e[0] for e in entities(list(ours.tags))] == [e[0] for e in entities(list(theirs.tags))]
        people = [[w for w, t in zip(s.words, s.tags, strict=True) if t.endswith("PER")] for s in (ours, theirs)]
        assert people[0] == people[1]
    text = (world / f"translate-train/{language}.conll").read_text(encoding="utf-8").splitlines()
    assert all(line.count("\t") == 1 for line in text if line)
    assert not {w.lower() for s in split.examples for w in s.words} & {"the", "from", "against", "bought", "doctor"}


def test_word_by_word_keeps_english_order_where_a_language_has_its_own() -> None:
    drawn = next(d for d in sentences("miniature", "en", "train", 600) if ("plays", "O") in say(d, "en"))

    def day_and_opponent(words: tuple[tuple[str, str], ...]) -> list[str]:
        return [word for word, _ in words if word in ("am", "gegen")]

    assert day_and_opponent(say(drawn, "de")) == ["am", "gegen"]
    assert day_and_opponent(word_by_word(drawn, "de")) == ["gegen", "am"]


def test_every_word_of_the_templates_has_a_part_of_speech_and_english_words_a_translation() -> None:
    known = named()
    for _, template in known.sentences:
        assert sorted(t for t in template["en"].split(" ") if t[0] == "{") == sorted(
            t for t in template["nl"].split(" ") if t[0] == "{"
        )
        for language in NER:
            words = [word for word in template[language].split(" ") if word[0] != "{" and word != "."]
            assert all(word.lower() in known.kinds[language] for word in words), template[language]
        words = [word for word in template["en"].split(" ") if word[0] != "{" and word != "."]
        assert all(word in known.dictionary[language] for word in words for language in NER[1:])


# --- questions


@pytest.mark.parametrize(
    ("language", "place", "actor", "thing", "colour"),
    [
        ("en", "where did Anna buy a red apple on Monday", "who bought a red apple at the market on Monday",
         "what did Anna buy at the market on Monday", "of what colour did Anna buy an apple at the market on Monday"),
        ("es", "dónde compró Anna una manzana roja el lunes", "quién compró una manzana roja en el mercado el lunes",
         "qué compró Anna en el mercado el lunes", "de qué color compró Anna una manzana en el mercado el lunes"),
        ("de", "wo kaufte Anna am Montag einen roten Apfel", "wer kaufte am Montag auf dem Markt einen roten Apfel",
         "was kaufte Anna am Montag auf dem Markt",
         "von welcher Farbe kaufte Anna am Montag auf dem Markt einen Apfel"),
        ("ru", "где в понедельник Anna купила красное яблоко", "кто в понедельник купил на рынке красное яблоко",
         "что в понедельник Anna купила на рынке", "какого цвета в понедельник Anna купила на рынке яблоко"),
        ("tr", "Anna pazartesi günü nerede kırmızı bir elma aldı", "kim pazartesi günü pazarda kırmızı bir elma aldı",
         "Anna pazartesi günü pazarda ne aldı", "Anna pazartesi günü pazarda ne renk bir elma aldı"),
        ("hi", "Anna ने सोमवार को किस जगह एक लाल सेब ख़रीदा", "किस ने सोमवार को बाज़ार में एक लाल सेब ख़रीदा",
         "Anna ने सोमवार को बाज़ार में क्या ख़रीदा", "Anna ने सोमवार को बाज़ार में एक किस रंग का सेब ख़रीदा"),
        ("zh", "Anna星期一在哪里买了一个红色的苹果", "谁星期一在市场买了一个红色的苹果",
         "Anna星期一在市场买了什么", "Anna星期一在市场买了一个什么颜色的苹果"),
        ("th", "Annaซื้อแอปเปิลสีแดงที่ไหนในวันจันทร์", "ใครซื้อแอปเปิลสีแดงที่ตลาดในวันจันทร์",
         "Annaซื้ออะไรที่ตลาดในวันจันทร์", "Annaซื้อแอปเปิลสีอะไรที่ตลาดในวันจันทร์"),
    ],
)  # fmt: skip
def test_questions_follow_each_language(language: str, place: str, actor: str, thing: str, colour: str) -> None:
    asked = {role: as_typed(question(APPLE, role, language), language) for role in ASKED}
    assert (asked["place"], asked["actor"], asked["object"], asked["colour"]) == (place, actor, thing, colour)


@pytest.mark.parametrize("language", XQUAD)
def test_a_question_never_tells_what_it_asks(language: str) -> None:
    for role, other in {"place": "park", "time": "sunday", "colour": "blue", "object": "car", "actor": "tom"}.items():
        changed = replace(APPLE, **{role: other})
        assert question(APPLE, role, language) == question(changed, role, language)


def test_exactly_one_sentence_answers_each_question() -> None:
    roles = Counter[str]()
    for purpose, count in (("squad train", 1_200), ("mlqa test", 132)):
        told = stories("miniature", purpose, count)
        assert sum(len(story.questions) for story in told) == count
        for story in told:
            assert len(set(story.questions)) == len(story.questions)
            for item in story.questions:
                known = {r: asked_role(item.known, r) for r in (*ASKED,) if r != item.role}
                fitting = [
                    i
                    for i, m in enumerate(story.told)
                    if m.action == item.known.action
                    and all(v is None or asked_role(m, r) in (None, v) for r, v in known.items())
                ]
                assert fitting == [item.sentence]
                roles[item.role] += 1
    assert all(0.08 < roles[role] / roles.total() < 0.35 for role in ASKED)


def test_the_kind_of_answer_alone_gives_a_third_of_the_answers_and_leaves_the_others_to_be_looked_up() -> None:
    questions = [(story, item) for story in stories("miniature", "squad train", 1_200) for item in story.questions]
    told = [[m for m in story.told if asked_role(m, item.role) is not None] for story, item in questions]
    by_kind = sum(
        sum(asked_role(m, item.role) == asked_role(item.known, item.role) for m in t) / len(t)
        for (_, item), t in zip(questions, told, strict=True)
    )
    assert 0.25 < by_kind / len(told) < 0.45


def test_documents_are_about_several_people_and_the_answer_may_stand_anywhere() -> None:
    told = stories("miniature", "squad train", 1_200)
    assert sum(len({m.actor for m in s.told}) > 1 for s in told) / len(told) > 0.9
    places = Counter(4 * item.sentence // len(story.told) for story in told for item in story.questions)
    assert all(0.15 < places[quarter] / 1_200 < 0.35 for quarter in range(4))


@pytest.mark.parametrize("language", MLQA)
def test_squad_and_its_translations_are_read_whole(world: Path, language: str) -> None:
    clean = {role: read_squad(Where(folders=(world,)), role, "en") for role in ("train", "dev")}
    for role, count in (("train", 1_200), ("dev", 120)):
        split = read_squad(Where(folders=(world,)), role, language)
        assert (split.source, split.deviation) == ("miniature", None)
        ids = [e.id for e in split.examples]
        assert len(clean[role].examples) == count
        if language != "en":
            assert set(ids) < {e.id for e in clean[role].examples}
            assert 0.9 < len(ids) / count < 1
    assert not {e.context for e in clean["train"].examples} & {e.context for e in clean["dev"].examples}


def test_dev_of_squad_accepts_an_answer_with_and_without_its_function_words(world: Path) -> None:
    dev = read_squad(Where(folders=(world,)), "dev", "en").examples
    answers = {e.answers for e in dev}
    assert {"on Sunday", "Sunday"} in map(set, answers)
    assert any(set(a) >= {"at the market", "the market", "market"} for a in answers)
    things = [a for e in dev if e.question.startswith("what ") for a in [e.answers]]
    assert any(len(a) == 3 and a[2] == f"a {a[1]}" and a[1].endswith(f" {a[0]}") for a in things)
    assert all(len(e.answers) == 1 for e in read_squad(Where(folders=(world,)), "train", "en").examples)


@pytest.mark.parametrize("language", MLQA[1:])
def test_translated_squad_has_slips_in_some_contexts_only(world: Path, language: str) -> None:
    clean = stories("miniature", "squad train", 1_200)
    sentences_of = {render(m, language).text for story in clean for m in story.told}
    lines = {e.context for e in read_squad(Where(folders=(world,)), "train", language).examples}
    if language in ("es", "de", "vi"):
        parts = [part.removesuffix(".") + "." for line in lines for part in line.split(". ")]
        assert 0.05 < sum(part not in sentences_of for part in parts) / len(parts) < 0.2
    assert len(lines) > 150


@pytest.mark.parametrize("role", ["dev", "test"])
def test_a_pair_of_languages_has_the_questions_that_both_have(role: str) -> None:
    own = {language: asked(role, language, language) for language in MLQA}
    assert len(own["en"]) == {"dev": 80, "test": 132}[role]
    for language in MLQA[1:]:
        assert own[language].keys() < own["en"].keys()
        assert 0.6 < len(own[language]) / len(own["en"]) < 0.9
    for context in MLQA:
        for other in MLQA:
            pair = asked(role, context, other)
            assert pair.keys() == own[context].keys() & own[other].keys()
            for identity, example in pair.items():
                mine = own[context][identity]
                assert (example.context, example.answers, example.starts) == (mine.context, mine.answers, mine.starts)
                assert example.question == own[other][identity].question


@pytest.mark.parametrize("language", MLQA[1:])
def test_tests_brought_into_english_have_the_same_questions_and_english_answers(language: str) -> None:
    english, brought = asked("test", "en", "en"), asked("translate-test", language, language)
    assert brought.keys() == asked("test", language, language).keys()
    assert all(example.context.isascii() and example.question.isascii() for example in brought.values())
    same = [example.answers == english[identity].answers for identity, example in brought.items()]
    assert 0.75 < sum(same) / len(same) <= 1
    differing = [a for i, e in brought.items() if e.answers != english[i].answers for a in e.answers]
    assert all(answer in SYNONYMS.values() for answer in differing)


@pytest.mark.parametrize("language", XQUAD[1:])
def test_xquad_brought_into_english_keeps_its_questions_and_its_answers_in_place(world: Path, language: str) -> None:
    where = Where((world,))
    own, english = (read_xquad(where, role, language).examples for role in ("test", "translate-test"))
    assert [e.id for e in own] == [e.id for e in english]
    for e in english:
        assert e.context.isascii()
        assert all(e.context.startswith(text, start) for text, start in zip(e.answers, e.starts, strict=True))


def test_xquad_is_parallel_and_part_of_squads_dev_set(world: Path) -> None:
    where = Where(folders=(world,))
    dev = {e.id: e for e in read_squad(where, "dev", "en").examples}
    english = read_xquad(where, "test", "en").examples
    assert 60 <= len(english) < len(dev)
    assert all((e.context, e.answers[0]) == (dev[e.id].context, dev[e.id].answers[0]) for e in english)
    for language in XQUAD:
        split = read_xquad(where, "test", language)
        assert (split.source, split.deviation) == ("miniature", None)
        assert [e.id for e in split.examples] == [e.id for e in english]


def test_some_contexts_need_several_windows(world: Path) -> None:
    import sentencepiece

    model = sentencepiece.SentencePieceProcessor(model_file=str(world / "sentencepiece.bpe.model"))
    where = Where(folders=(world,))
    for split in (read_squad(where, "train", "en"), read_mlqa(where, "test", "en"), read_xquad(where, "test", "ar")):
        lengths = [len(ids) for ids in model.encode(sorted({e.context for e in split.examples}))]
        assert sum(n <= 128 for n in lengths) > len(lengths) / 2
        assert sum(n > 128 for n in lengths) >= 1
        assert sum(n > 384 for n in lengths) >= 1


# --- GLUE


@pytest.mark.parametrize("task", TASKS)
def test_every_glue_task_is_read_with_labels_in_balance(task: str) -> None:
    for role in roles_of(task):
        examples = glue(task, role)
        assert 200 <= len(examples) <= 600 if role == "train" else 80 <= len(examples) <= 150
        labels = Counter(e.label if TASKS[task].labels else e.label[0] for e in examples)
        assert set(labels) == set(TASKS[task].labels or "012345")
        assert max(labels.values()) - min(labels.values()) <= 1
        assert len({e.row()[1:-1] for e in examples}) == len(examples)
    if task != "MNLI":
        assert not {e.row()[1:-1] for e in glue(task, "train")} & {e.row()[1:-1] for e in glue(task, "dev")}


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("MNLI/train", "index promptID pairID genre sentence1_binary_parse sentence2_binary_parse sentence1_parse "
         "sentence2_parse sentence1 sentence2 label1 gold_label"),
        ("MNLI/dev_matched", "index promptID pairID genre sentence1_binary_parse sentence2_binary_parse "
         "sentence1_parse sentence2_parse sentence1 sentence2 label1 label2 label3 label4 label5 gold_label"),
        ("QNLI/dev", "index question sentence label"),
        ("QQP/train", "id qid1 qid2 question1 question2 is_duplicate"),
        ("SST-2/train", "sentence label"),
        ("MRPC/dev", "Quality,#1 ID,#2 ID,#1 String,#2 String"),
        ("STS-B/dev", "index genre filename year old_index source1 source2 sentence1 sentence2 score"),
        ("RTE/train", "index sentence1 sentence2 label"),
        ("WNLI/train", "index sentence1 sentence2 label"),
    ],
)  # fmt: skip
def test_glue_files_have_the_official_columns(world: Path, path: str, header: str) -> None:
    first, *rows = (world / f"glue_data/{path}.tsv").read_text(encoding="utf-8").splitlines()
    assert first.split("\t") == header.split("," if "," in header else " ")
    assert {row.count("\t") for row in rows} == {first.count("\t")}


def test_cola_has_four_columns_and_no_header(world: Path) -> None:
    rows = [line.split("\t") for line in (world / "glue_data/CoLA/train.tsv").read_text(encoding="utf-8").splitlines()]
    assert {(len(row), row[1], row[2]) for row in rows} == {(4, "1", ""), (4, "0", "*")}


def test_opinions_turn_at_not_and_at_but() -> None:
    good = {"lovely", "warm", "bright", "funny", "clever", "tender", "fresh", "great", "fine", "charming"}
    bad = {"dull", "cold", "weak", "boring", "silly", "poor", "bad", "flat", "tired", "empty"}
    forms = Counter[str]()
    for example in (*glue("SST-2", "train"), *glue("SST-2", "dev")):
        words = example.first.split()
        told = [w for w in words if w in good | bad]
        form = "not" if "not" in words else "but" if "but" in words else "and"
        forms[form] += 1
        assert ((told[-1] in good) != (form == "not")) == (example.label == "1"), example
    assert min(forms.values()) > 80


def test_a_pronoun_means_the_person_of_its_gender() -> None:
    women = {"Anna", "Maria", "Lina", "Sara", "Julia", "Nadia"}
    for example in glue("WNLI", "train"):
        words = example.first.split()
        assert len({words[0] in women, words[2] in women}) == 2
        claimed = example.second.split()[0]
        assert claimed in (words[0], words[2])
        assert example.label == str(int((claimed in women) == ("she" in words)))


def test_spoilt_sentences_have_the_words_of_a_sentence_in_another_order() -> None:
    right = [e for e in glue("CoLA", "train") if e.label == "1"]
    assert all(e.first.split()[2] in ("a", "an") for e in right)
    wrong = [e.first.removesuffix(".").split() for e in glue("CoLA", "train") if e.label == "0"]
    in_place = [w for w in wrong if w[0][0].isupper() and w[0] in {e.first.split()[0] for e in right}]
    assert len(in_place) > len(wrong) / 2  # most are not to be told by their first word


def test_points_are_what_two_events_share() -> None:
    for example in glue("STS-B", "train"):
        whole = float(example.label)
        first, second = (set(t.removesuffix(".").split()) for t in (example.first, example.second or ""))
        if whole == 5.0:
            lost = {w for w in first - second if not any(w in key.split() for key in SYNONYMS)}
            assert not lost, example
        if whole < 1:
            assert len((first & second) - {"a", "the", "on", "in", "at", "an"}) <= 1, example
    assert len({e.label for e in glue("STS-B", "train")}) > 15


@pytest.mark.parametrize("task", ["MNLI", "QNLI", "QQP", "MRPC", "RTE", "WNLI"])
def test_no_word_alone_gives_a_pairs_label_away(task: str) -> None:
    """Only words that stand often are counted; a denial speaks in RTE's premises, as in XNLI's, for no label alone."""
    examples = [e for role in roles_of(task) for e in glue(task, role)]
    counts: Counter[tuple[str, str]] = Counter()
    for e in examples:
        counts.update((w, e.label) for w in {f"{n} {w}" for n, t in enumerate((e.first, e.second)) for w in t.split()})
    share = 1 / len(TASKS[task].labels)
    for word in {word for word, _ in counts}:
        total = sum(counts[word, label] for label in TASKS[task].labels)
        if total >= 30:
            assert max(counts[word, label] for label in TASKS[task].labels) / total < share + 1.6 / total**0.5, word


# --- all of them


def texts(world: Path) -> dict[str, set[str]]:
    """What a model reads of each kind of file; Chinese questions apart."""
    where = Where(folders=(world,))
    found: dict[str, set[str]] = {"glue": set(), "questions": set(), "words": set(), "Chinese": set()}
    for task in TASKS:
        for role in roles_of(task):
            found["glue"].update(t for e in glue(task, role) for t in (e.first, e.second or ""))
    for language in MLQA:
        for e in (*read_squad(where, "train", language).examples, *asked("test", language, language).values()):
            found["questions"].add(e.context)
            found["Chinese" if language == "zh" else "questions"].add(e.question)
    for language in XQUAD:
        for e in read_xquad(where, "test", language).examples:
            found["questions"].add(e.context)
            found["Chinese" if language == "zh" else "questions"].add(e.question)
    for language in NER:
        for role in PARTS:
            found["words"].update(w for s in tagged(role, language).examples for w in s.words)
    return found


def test_the_vocabulary_covers_all_but_chinese_question_words(world: Path) -> None:
    import sentencepiece

    model = sentencepiece.SentencePieceProcessor(model_file=str(world / "sentencepiece.bpe.model"))
    for kind, found in texts(world).items():
        unknown = [text for text in sorted(found) if model.unk_id() in model.encode(text)]
        if kind == "Chinese":
            assert all(model.encode(text).count(model.unk_id()) == 1 for text in found)
        else:
            assert unknown == [], kind


def test_the_manifest_counts_examples(world: Path) -> None:
    rows = {path: entry["rows"] for path, entry in json.loads((world / "manifest.json").read_text())["files"].items()}
    assert rows["2003/deu.testb"] == 200
    assert rows["translate-train/nl.conll"] == 600
    assert rows["squad/train-v1.1.json"] == 1_200
    assert rows["MLQA_V1/test/test-context-hi-question-zh.json"] == len(asked("test", "hi", "zh"))
    assert rows["glue_data/CoLA/dev.tsv"] == rows["glue_data/WNLI/dev.tsv"] == 100
    assert rows["glue_data/MNLI/dev_mismatched.tsv"] == 120
    assert len([path for path in rows if path.startswith("MLQA_V1/")]) == 98


def test_the_content_is_the_same_on_every_machine(world: Path) -> None:
    files = json.loads((world / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert {path: files[path]["sha256"][:16] for path in DIGESTS} == DIGESTS
