"""The miniature world: its words, its sentences, its labels, its files. Expected sentences were written by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from xlmr_bench.errors import DataError, XlmrBenchError
from xlmr_bench.files import sha256_of
from xlmr_bench.miniature import LANGUAGES, VERSION, miniature_folder, parallel_words, write_miniature
from xlmr_bench.miniature.draw import number, shuffled, stream
from xlmr_bench.miniature.grammar import ROLES, Piece, join, pieces, render
from xlmr_bench.miniature.lexicon import LEXICON_FILE, lexicon, read_lexicon
from xlmr_bench.miniature.meaning import LABELS, Meaning, deny, judge
from xlmr_bench.miniature.nli import Prompt, draw_event, prompts
from xlmr_bench.miniature.noise import with_slip
from xlmr_bench.miniature.text import documents

APPLE = Meaning("anna", "buy", "apple", colour="red", place="market", time="monday")
NO_CHAIR = Meaning("omar", "steal", "chair", colour="blue", negated=True)
XNLI = sorted(set(LANGUAGES) - {"nl"})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("miniature") / "world"
    write_miniature(folder)
    return folder


@pytest.fixture(scope="module")
def train() -> list[Prompt]:
    return prompts("test", {"train": 1_500})["train"]


def rows_of(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]


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
    assert min(first.values()) > 0.8 * len(train) / 3


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
        assert all(word in text for word in ("Anna", " not ", "buy", "red", "apple", "at the market", "on Monday")), (
            text
        )
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


# --- files


def test_official_files_have_19_columns_and_parallel_blocks_in_alphabetical_order(world: Path) -> None:
    for split, count in (("dev", 300), ("test", 600)):
        header, *rows = rows_of(world / f"XNLI-1.0/xnli.{split}.tsv")
        assert len(header) == 19 and {len(row) for row in rows} == {19}
        assert header[:2] == ["language", "gold_label"] and header[6:11] == [
            "sentence1",
            "sentence2",
            "promptID",
            "pairID",
            "genre",
        ]
        assert [row[0] for row in rows] == [language for language in XNLI for _ in range(count)]
        keys = [(row[1], row[8], row[9]) for row in rows]
        assert all(keys[i : i + count] == keys[:count] for i in range(0, len(keys), count))
        assert [key[2] for key in keys[:count]] == [str(i) for i in range(1, count + 1)]
        assert [key[1] for key in keys[:count]] == [str(1 + i // 3) for i in range(count)]
        assert all({key[0] for key in keys[i : i + 3]} == set(LABELS) for i in range(0, count, 3))


def test_training_files_are_aligned_and_share_no_premise_with_dev_or_test(world: Path) -> None:
    english = rows_of(world / "XNLI-MT-1.0/multinli/multinli.train.en.tsv")
    assert english[0] == ["premise", "hypo", "label"]
    assert Counter(row[2] for row in english[1:]) == {"entailment": 1_500, "neutral": 1_500, "contradictory": 1_500}
    for language in XNLI:
        rows = rows_of(world / f"XNLI-MT-1.0/multinli/multinli.train.{language}.tsv")
        assert [row[2] for row in rows] == [row[2] for row in english]
    held_out = {row[6] for split in ("dev", "test") for row in rows_of(world / f"XNLI-1.0/xnli.{split}.tsv")}
    assert not held_out & {row[0] for row in english}
    names = sorted(path.name for path in (world / "XNLI-MT-1.0/multinli").iterdir())
    assert names == [f"multinli.train.{language}.tsv" for language in XNLI]


def test_translated_training_text_differs_from_clean_text_in_some_sentences_only(world: Path) -> None:
    clean = {
        render(p.premise, "de").text for p in prompts("miniature", {"dev": 100, "test": 200, "train": 1_500})["train"]
    }
    premises = {row[0] for row in rows_of(world / "XNLI-MT-1.0/multinli/multinli.train.de.tsv")[1:]}
    assert 0.02 < len(premises - clean) / len(premises) < 0.2


@pytest.mark.parametrize("language", ["fr", "zh", "ur"])
def test_translations_into_english_are_close_to_the_originals_but_not_the_same(world: Path, language: str) -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    for split in ("dev", "test"):
        original = [row for row in rows_of(world / f"XNLI-1.0/xnli.{split}.tsv") if row[0] == "en"]
        header, *rows = rows_of(world / f"XNLI-MT-1.0/xnli/xnli.{split}.{language}.tsv")
        assert header == ["premise", "hypo", "label"]
        assert [row[2].replace("contradictory", "contradiction") for row in rows] == [row[1] for row in original]
        hypotheses = [text for row in rows for text in row[:2]]
        references = [[text for row in original for text in row[6:8]]]
        assert 50 < sacrebleu.corpus_bleu(hypotheses, references).score < 90
        assert 60 < sacrebleu.corpus_chrf(hypotheses, references).score < 97
    assert not (world / "XNLI-MT-1.0/xnli/xnli.dev.en.tsv").exists()


def test_text_files_have_a_sentence_a_line_and_blank_lines_between_documents(world: Path) -> None:
    for language in LANGUAGES:
        text = (world / f"text/{language}.txt").read_text(encoding="utf-8")
        blocks = text.removesuffix("\n").split("\n\n")
        assert all(4 <= len(block.split("\n")) <= 10 and "" not in block.split("\n") for block in blocks)
        assert sum(len(block.split("\n")) for block in blocks) >= (1_250 if language in ("sw", "ur", "th") else 5_000)


def test_the_vocabulary_covers_all_text_and_keeps_content_words_whole(world: Path) -> None:
    import sentencepiece

    model = sentencepiece.SentencePieceProcessor(model_file=str(world / "sentencepiece.bpe.model"))
    assert (model.unk_id(), model.bos_id(), model.eos_id(), model.pad_id()) == (0, 1, 2, -1)
    assert 1_200 < model.get_piece_size() <= 3_000
    for language in LANGUAGES:
        text = (world / f"text/{language}.txt").read_text(encoding="utf-8").split("\n")[:200]
        encoded = [ids for ids in model.encode(text) if ids]
        assert 0 not in {i for ids in encoded for i in ids}
        assert sum(map(len, encoded)) / len(encoded) < 14, language
    for word in (word for entry in parallel_words() for language, word in entry.items() if language != "vi"):
        assert len([piece for piece in model.encode(word, out_type=str) if piece != "▁"]) == 1, word


def test_the_manifest_lists_every_other_file_with_digest_and_rows(world: Path) -> None:
    manifest = json.loads((world / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["name"], manifest["version"]) == ("miniature", VERSION)
    present = {path.relative_to(world).as_posix() for path in world.rglob("*") if path.is_file()}
    assert set(manifest["files"]) == present - {"manifest.json"}
    for path, entry in manifest["files"].items():
        assert entry["sha256"] == sha256_of(world / path), path
    rows = {path: entry["rows"] for path, entry in manifest["files"].items()}
    assert rows["XNLI-1.0/xnli.test.tsv"] == 15 * 600
    assert rows["XNLI-MT-1.0/multinli/multinli.train.sw.tsv"] == 4_500
    lines = (world / "text/nl.txt").read_text(encoding="utf-8").splitlines()
    assert rows["text/nl.txt"] == sum(1 for line in lines if line)


BUILD = "from xlmr_bench.miniature import miniature_folder as m; print(m())"


def start_build(cache: Path, code: str = BUILD) -> subprocess.Popen[str]:
    """A fresh process with another hash seed each time: the order of sets and dicts must not matter."""
    env = {**os.environ, "XLMR_BENCH_CACHE": str(cache), "PYTHONHASHSEED": "random"}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code], env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@pytest.fixture(scope="module")
def built_twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, str]]]:
    """A cache that two processes filled at the same time, and what each wrote to stdout and stderr."""
    cache = tmp_path_factory.mktemp("cache")
    builders = [start_build(cache) for _ in range(2)]
    answers = [builder.communicate() for builder in builders]
    assert [builder.returncode for builder in builders] == [0, 0], answers
    return cache, answers


def test_processes_that_build_together_end_with_one_whole_folder(
    built_twice: tuple[Path, list[tuple[str, str]]],
) -> None:
    cache, answers = built_twice
    (built,) = cache.iterdir()
    assert [out for out, _ in answers] == [f"{built}\n"] * 2
    assert all(err.startswith("building the miniature world") and err.count("\n") == 1 for _, err in answers)


def test_the_world_is_the_same_in_every_byte_whoever_builds_it(
    world: Path, built_twice: tuple[Path, list[tuple[str, str]]]
) -> None:
    (built,) = built_twice[0].iterdir()
    paths = sorted(path.relative_to(world) for path in world.rglob("*") if path.is_file())
    assert paths == sorted(path.relative_to(built) for path in built.rglob("*") if path.is_file())
    assert [path for path in paths if (world / path).read_bytes() != (built / path).read_bytes()] == []


def test_a_built_world_is_used_as_it_is(
    built_twice: tuple[Path, list[tuple[str, str]]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XLMR_BENCH_CACHE", str(built_twice[0]))
    assert [miniature_folder()] == list(built_twice[0].iterdir())
    assert capsys.readouterr() == ("", "")


def test_a_folder_that_lost_its_manifest_is_reported_rather_than_used(
    built_twice: tuple[Path, list[tuple[str, str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (built,) = built_twice[0].iterdir()
    (tmp_path / built.name).mkdir()
    (tmp_path / built.name / "README.txt").write_text("what is left")
    monkeypatch.setenv("XLMR_BENCH_CACHE", str(tmp_path))
    with pytest.raises(XlmrBenchError, match="Delete it"):
        miniature_folder()


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, xlmr_bench.miniature; print({'numpy', 'torch', 'sentencepiece'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert answer.stdout.strip() == "set()"
