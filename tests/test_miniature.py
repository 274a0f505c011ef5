"""The miniature world: its words, its sentences, its labels. Expected sentences were written by hand."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from xlmr_bench.errors import DataError
from xlmr_bench.miniature import LANGUAGES, parallel_words
from xlmr_bench.miniature.draw import number, shuffled, stream
from xlmr_bench.miniature.grammar import ROLES, Piece, join, pieces, render
from xlmr_bench.miniature.lexicon import LEXICON_FILE, lexicon, read_lexicon
from xlmr_bench.miniature.meaning import LABELS, Meaning, deny, judge
from xlmr_bench.miniature.nli import Prompt, draw_event, prompts
from xlmr_bench.miniature.noise import with_slip
from xlmr_bench.miniature.text import documents

APPLE = Meaning("anna", "buy", "apple", colour="red", place="market", time="monday")
NO_CHAIR = Meaning("omar", "steal", "chair", colour="blue", negated=True)


@pytest.fixture(scope="module")
def train() -> list[Prompt]:
    return prompts("test", {"train": 1_500})["train"]


# --- sentences


@pytest.mark.parametrize(
    ("language", "bought", "not_stolen"),
    [
        ("en", "Anna bought a red apple at the market on Monday.", "Omar did not steal a blue chair."),
        ("fr", "Anna a acheté une pomme rouge au marché lundi.", "Omar n'a pas volé de chaise bleue."),
        ("es", "Anna compró una manzana roja en el mercado el lunes.", "Omar no robó una silla azul."),
        ("de", "Anna kaufte am Montag auf dem Markt einen roten Apfel.", "Omar stahl keinen blauen Stuhl."),
        ("el", "Anna αγόρασε ένα κόκκινο μήλο στην αγορά τη Δευτέρα.", "Omar δεν έκλεψε μια μπλε καρέκλα."),
        ("bg", "Anna купи червена ябълка на пазара в понеделник.", "Omar не открадна син стол."),
        ("ru", "В понедельник Anna купила на рынке красное яблоко.", "Omar не украл синий стул."),
        ("tr", "Anna pazartesi günü pazarda kırmızı bir elma aldı.", "Omar mavi bir sandalye çalmadı."),
        ("ar", "اشترت Anna تفاحة حمراء في السوق يوم الاثنين.", "لم يسرق Omar كرسيا أزرق."),
        (
            "vi",
            "Anna đã mua một quả táo màu đỏ ở chợ vào thứ hai.",
            "Omar đã không lấy trộm một chiếc ghế màu xanh lam.",
        ),
        ("th", "Annaซื้อแอปเปิลสีแดงที่ตลาดในวันจันทร์", "Omarไม่ได้ขโมยเก้าอี้สีน้ำเงิน"),
        ("zh", "Anna星期一在市场买了一个红色的苹果。", "Omar没有偷一把蓝色的椅子。"),
        ("hi", "Anna ने सोमवार को बाज़ार में एक लाल सेब ख़रीदा।", "Omar ने एक नीली कुर्सी नहीं चुराई।"),
        ("sw", "Anna alinunua tufaha jekundu sokoni Jumatatu.", "Omar hakuiba kiti cha bluu."),
        ("ur", "Anna نے پیر کو بازار میں ایک لال سیب خریدا۔", "Omar نے ایک نیلی کرسی نہیں چرائی۔"),
        ("nl", "Anna kocht op maandag op de markt een rode appel.", "Omar stal geen blauwe stoel."),
    ],
)
def test_each_language_has_its_own_words_order_and_agreement(language: str, bought: str, not_stolen: str) -> None:
    assert render(APPLE, language).text == bought
    assert render(NO_CHAIR, language).text == not_stolen


def test_articles_and_elision_follow_the_next_word() -> None:
    assert render(Meaning("tom", "see", "apple"), "en").text == "Tom saw an apple."
    assert (
        render(Meaning("tom", "see", "bird", colour="green", negated=True), "en").text
        == "Tom did not see a green bird."
    )
    assert render(Meaning("tom", "see", "bird", negated=True), "fr").text == "Tom n'a pas vu d'oiseau."


def test_verbs_agree_with_the_actor_in_russian_and_arabic_and_with_the_object_in_hindi() -> None:
    him = replace(APPLE, actor="tom")
    assert "купил " in render(him, "ru").text
    assert render(him, "ar").text.startswith("اشترى Tom")
    assert render(deny(APPLE), "ar").text.startswith("لم تشتر Anna")
    assert render(replace(APPLE, object="car"), "hi").text.endswith("एक लाल कार ख़रीदी।")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_concept_can_be_said_in_every_language_and_stands_where_its_span_says(language: str) -> None:
    known, words = lexicon(), lexicon().words[language]
    rng = stream("spans", language)
    events = [draw_event(rng, object=noun) for noun in (*known.nouns, *known.concepts["hypernym"])]
    events += [draw_event(rng, **{c: v}) for c in ("action", "colour", "place", "time") for v in known.concepts[c]]
    events += [draw_event(rng, actor=name) for name in known.concepts["name"]]
    for event in events:
        for meaning in (event, deny(event), Meaning(event.actor, event.action, event.object, place=event.place)):
            sentence = render(meaning, language)
            found = {role: sentence.text[start:end] for role, (start, end) in sentence.spans.items()}
            assert set(found) - {"negation"} == {"actor", "action", "object", *meaning.stated}
            for role in found.keys() & set(ROLES):
                forms = words[getattr(meaning, role)].forms
                assert found[role] in {*forms, *(form[:1].upper() + form[1:] for form in forms)}
            assert meaning.negated or "negation" not in found


def test_names_are_the_same_latin_strings_in_every_language() -> None:
    sentences = {language: render(APPLE, language) for language in LANGUAGES}
    assert {s.text[slice(*s.spans["actor"])] for s in sentences.values()} == {"Anna"}


def test_concepts_that_exclude_each_other_never_share_a_word() -> None:
    known = lexicon()
    groups = [known.nouns, *(known.concepts[c] for c in ("name", "hypernym", "action", "colour", "place", "time"))]
    for language in LANGUAGES:
        for group in groups:
            forms = [form for concept in group for form in set(known.words[language][concept].forms)]
            assert len(set(forms)) == len(forms), (language, group)


# --- the lexicon


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("\tdog\tdog", "\tdog\tdog:", "line 14, 'en': 'dog:'"),
        ("animal\tcat", "pet\tcat", "line 15: category 'pet'"),
        ("animal\tcat", "animal\tdog", "line 15: concept 'dog' stands in the file twice"),
        ("\tgato:m", "", "line 15: 15 cells instead of 16"),
        ("en\tfr", "fr\ten", "line 1: the header"),
        ("hypernym\ttool", "hypernym\tgadget", "no hypernym line for tool"),
    ],
)
def test_a_damaged_lexicon_is_refused_with_its_line(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    text = LEXICON_FILE.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "lexicon.tsv").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError, match=complaint):
        read_lexicon(tmp_path / "lexicon.tsv")


def test_parallel_words_are_single_words_of_the_sentences() -> None:
    entries = parallel_words()
    assert len(entries) == 55
    apple = next(entry for entry in entries if entry["en"] == "apple")
    assert (apple["de"], apple["zh"], apple["hi"]) == ("Apfel", "苹果", "सेब")
    market = next(entry for entry in entries if entry["en"] == "market")
    assert (market["de"], market["tr"], market["th"]) == ("Markt", "pazarda", "ตลาด")
    for entry in entries:
        assert list(entry) == list(LANGUAGES)
        assert all(word and (" " not in word or language == "vi") for language, word in entry.items())


# --- labels

ANNA = Meaning("anna", "buy", "apple", colour="red", place="market")


@pytest.mark.parametrize(
    ("hypothesis", "label"),
    [
        (Meaning("anna", "buy", "apple", colour="red"), "entailment"),
        (Meaning("anna", "buy", "fruit", place="market"), "entailment"),
        (Meaning("anna", "buy", "apple", colour="blue"), "contradiction"),
        (Meaning("anna", "buy", "fruit", colour="red", place="park"), "contradiction"),
        (Meaning("anna", "buy", "apple", time="monday"), "neutral"),
        (Meaning("anna", "sell", "apple", colour="red"), "neutral"),
        (Meaning("anna", "buy", "lemon", colour="red"), "neutral"),
        (Meaning("tom", "buy", "apple", colour="red"), "neutral"),
        (Meaning("anna", "buy", "apple", negated=True), "contradiction"),
        (Meaning("anna", "buy", "apple", colour="blue", negated=True), "entailment"),
        (Meaning("anna", "buy", "apple", time="monday", negated=True), "neutral"),
    ],
)
def test_labels_follow_from_meaning(hypothesis: Meaning, label: str) -> None:
    assert judge(ANNA, hypothesis) == label


def test_a_noun_says_more_than_its_hypernym_and_two_hypernyms_are_two_things() -> None:
    fruit = replace(ANNA, object="fruit")
    assert judge(fruit, fruit) == "entailment"
    assert judge(fruit, ANNA) == "neutral"
    assert judge(fruit, replace(ANNA, object="animal", colour="blue")) == "neutral"


@pytest.mark.parametrize(
    ("hypothesis", "label"),
    [
        (Meaning("anna", "buy", "apple", colour="red", place="park"), "contradiction"),
        (Meaning("anna", "buy", "fruit", colour="red"), "contradiction"),
        (Meaning("anna", "buy", "apple", colour="red", negated=True), "entailment"),
        (Meaning("anna", "buy", "fruit"), "neutral"),
        (Meaning("anna", "buy", "fruit", colour="blue"), "neutral"),
        (Meaning("anna", "buy", "fruit", place="park", negated=True), "neutral"),
        (Meaning("anna", "wash", "car", colour="red", negated=True), "neutral"),
    ],
)
def test_a_denied_premise_denies_what_says_more_and_leaves_the_rest_open(hypothesis: Meaning, label: str) -> None:
    assert judge(Meaning("anna", "buy", "fruit", colour="red", negated=True), hypothesis) == label


def test_every_prompt_has_one_hypothesis_of_each_label_and_the_label_follows(train: list[Prompt]) -> None:
    for prompt in train:
        assert sorted(label for label, _ in prompt.hypotheses) == sorted(LABELS)
        for label, hypothesis in prompt.hypotheses:
            assert judge(prompt.premise, hypothesis) == label, prompt
        assert len({prompt.premise, *(hypothesis for _, hypothesis in prompt.hypotheses)}) == 4, prompt
    first = Counter(prompt.hypotheses[0][0] for prompt in train)
    assert min(first[label] for label in LABELS) > 0.8 * len(train) / 3


def test_the_label_is_not_to_be_guessed_from_the_form_of_the_hypothesis(train: list[Prompt]) -> None:
    pairs = [pair for prompt in train for pair in prompt.hypotheses]
    for feature in (
        lambda h: h.negated,
        lambda h: len(h.stated),
        lambda h: h.object in lexicon().concepts["hypernym"],
        lambda h: len(render(h, "en").text.split()) // 3,
    ):
        counts = Counter((feature(hypothesis), label) for label, hypothesis in pairs)
        for value in {value for value, _ in counts}:
            total = sum(counts[value, label] for label in LABELS)
            for label in LABELS:
                assert abs(counts[value, label] / total - 1 / 3) < 0.05 or total < 150, (value, label)


def test_no_word_of_a_hypothesis_gives_its_label_away(train: list[Prompt]) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    for prompt in train:
        for label, hypothesis in prompt.hypotheses:
            counts.update(
                (value, label) for value in (hypothesis.action, hypothesis.object, *hypothesis.stated.values())
            )
    for word in {word for word, _ in counts}:
        total = sum(counts[word, label] for label in LABELS)
        assert max(counts[word, label] for label in LABELS) / total < 1 / 3 + 1.3 / total**0.5, word


def test_another_event_shares_some_modifiers_with_the_premise_and_differs_in_others(train: list[Prompt]) -> None:
    same = Counter(
        value == prompt.premise.stated[role]
        for prompt in train
        for _, hypothesis in prompt.hypotheses
        if hypothesis.action != prompt.premise.action
        for role, value in hypothesis.stated.items()
        if role in prompt.premise.stated
    )
    assert 0.45 < same[True] / same.total() < 0.7


def test_premises_never_recur_across_splits() -> None:
    splits = prompts("test", {"dev": 100, "test": 200, "train": 1_500})
    premises = [prompt.premise for split in splits.values() for prompt in split]
    assert len(set(premises)) == len(premises) == 1_800


# --- noise and text


def test_a_slip_keeps_every_content_word_and_every_negation() -> None:
    parts = pieces(replace(APPLE, negated=True), "en")
    rng = stream("slips")
    outcomes = Counter(join(with_slip(rng, parts, rate=1.0), "en").text for _ in range(300))
    assert len(outcomes) > 6
    for text in outcomes:
        assert all(word in text for word in (" not buy ", "red", "apple", "at the market", "on Monday")), text
    assert all(text.startswith(("Anna did", "Anna not")) for text in outcomes)
    assert [with_slip(rng, parts, rate=0.0)] == [list(parts)]


def test_pieces_join_without_spaces_in_chinese_and_thai() -> None:
    assert join([Piece("Anna", "actor"), Piece("买", "action")], "zh").text == "Anna买。"
    assert " " not in render(APPLE, "th").text


@pytest.mark.parametrize(("language", "at_least"), [("en", 5_000), ("sw", 1_250)])
def test_documents_have_4_to_10_sentences_about_one_person_at_one_place_on_one_day(
    language: str, at_least: int
) -> None:
    told = documents("test", language)
    assert at_least <= sum(map(len, told)) < at_least + 10
    for document in told:
        assert 4 <= len(document) <= 10
        assert len({meaning.actor for meaning in document}) == 1
        for role in ("place", "time"):
            assert len({m.stated[role] for m in document if role in m.stated and not m.negated}) <= 1


def test_choices_rest_on_uniform_draws_alone_and_do_not_change() -> None:
    rng = stream("fixed", 1)
    assert shuffled(rng, range(8)) == [2, 6, 3, 4, 1, 5, 7, 0]
    assert [number(rng, 4, 10) for _ in range(6)] == [5, 6, 10, 9, 9, 9]
