"""Reading CoNLL files: every layout, encoding and tag scheme gives the same sentences; every defect names its line."""

from __future__ import annotations

import bz2
import gzip
import random
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from samples import write_manifest

from xlmr_bench.benchmarks.base import Where
from xlmr_bench.benchmarks.conll_files import TAGS, layouts, read_conll, read_sentences, to_iob2
from xlmr_bench.benchmarks.conll_official import CODES, PUBLISHED
from xlmr_bench.entities import entities
from xlmr_bench.errors import DataError, MissingData, UsageError
from xlmr_bench.examples import Split, TaggedSentence

WORDS = (("Zürich", "grüßt", "Ana", "Ana"), ("Ja",))
IOB2 = (("B-LOC", "O", "B-PER", "B-PER"), ("O",))
IOB1 = (("I-LOC", "O", "I-PER", "B-PER"), ("O",))
Pairs = list[tuple[str, str]]


def text(
    tags: tuple[tuple[str, ...], ...] = IOB2, middle: str = "", blank: str = " ", end: str = "\n", doc: str = ""
) -> str:
    """The two sentences as a file: other columns between word and tag, and marks before each sentence."""
    return "".join(
        doc + "".join(f"{w}{blank}{middle}{t}{end}" for w, t in zip(words, row, strict=True)) + end
        for words, row in zip(WORDS, tags, strict=True)
    )


def sentences(folder: Path, content: str | bytes, name: str = "eng.train") -> tuple[TaggedSentence, ...]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_sentences(path)[0]


EXPECTED = tuple(TaggedSentence(str(i), w, t) for i, (w, t) in enumerate(zip(WORDS, IOB2, strict=True), 1))


# --- one content, many files ---

VARIANTS = {
    "two columns": text(),
    "three columns": text(middle="NC "),
    "four columns": text(middle="NN I-NP "),
    "five columns": text(middle="<unknown> NN I-NC "),
    "IOB1": text(IOB1),
    "both schemes": text((IOB1[0][:1] + IOB2[0][1:], IOB2[1])),
    "tabs": text(blank="\t"),
    "an empty column between tabs": text(middle="\t", blank="\t"),
    "doubled blanks": text(blank="   "),
    "CRLF": text(end="\r\n"),
    "trailing blanks": text(end=" \t\n"),
    "no blank line at the end": text().rstrip("\n"),
    "blank lines everywhere": "\n \n" + text(doc="\n\n") + "\n\n",
    "a mark as a sentence": text(doc="-DOCSTART- -X- O\n\n"),
    "a mark as the first word of a sentence": text(doc="-DOCSTART- O\n"),
    "a mark alone on its line": text(doc="-DOCSTART-\n"),
    "marks without blank lines": text(doc="-DOCSTART- O\n").replace("\n\n-DOC", "\n-DOC"),
    "a byte order mark": "\ufeff" + text(),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_layout_gives_the_same_sentences(tmp_path: Path, variant: str) -> None:
    assert sentences(tmp_path, VARIANTS[variant]) == EXPECTED


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_packed_files_are_read_by_their_ending(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    ending = {bytes: "", gzip.compress: ".gz", bz2.compress: ".bz2"}[pack]
    assert sentences(tmp_path, pack(text().encode()), f"esp.train{ending}") == EXPECTED


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1"])
def test_both_encodings_give_the_same_sentences_and_are_told_apart(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "deu.train"
    path.write_bytes(text().encode(encoding))
    assert read_sentences(path) == (EXPECTED, encoding.upper())


def test_ascii_is_either_encoding(tmp_path: Path) -> None:
    path = tmp_path / "eng.train"
    path.write_bytes(b"Ana I-PER\n")
    assert read_sentences(path)[1] == "ASCII"


def test_words_keep_separators_that_only_unicode_knows(tmp_path: Path) -> None:
    """A no-break space, a next-line and a line separator are characters of words here, not ends of anything."""
    for odd in ("10\u00a0000", "a\u0085b", "a\u2028b", "a\u001cb"):
        assert sentences(tmp_path, f"{odd} O\nx O\n")[0].words == (odd, "x")
    assert sentences(tmp_path, "a\u0085é O\nx O\n".encode("iso-8859-1"))[0].words == ("a\u0085é", "x")


def test_a_word_translated_into_two_stays_one_between_tabs(tmp_path: Path) -> None:
    assert sentences(tmp_path, "New York\tB-LOC\nx\tO\n")[0].words == ("New York", "x")


# --- tag schemes ---


@pytest.mark.parametrize(
    ("raw", "iob2"),
    [
        ("I-PER I-PER O I-PER", "B-PER I-PER O B-PER"),
        ("I-PER B-PER I-PER", "B-PER B-PER I-PER"),
        ("I-PER I-LOC I-LOC", "B-PER B-LOC I-LOC"),
        ("B-PER I-LOC", "B-PER B-LOC"),
        ("B-PER I-PER B-PER", "B-PER I-PER B-PER"),
        ("O O", "O O"),
    ],
)
def test_an_inside_tag_that_follows_nothing_begins_an_entity(raw: str, iob2: str) -> None:
    assert to_iob2(raw.split()) == tuple(iob2.split())


def test_conversion_keeps_the_entities_of_any_sequence_and_is_its_own_result() -> None:
    rng = random.Random(1)
    for _ in range(3000):
        raw = rng.choices(TAGS, k=rng.randint(1, 9))
        made = to_iob2(raw)
        assert entities(made) == entities(raw)
        assert sum(t[0] == "B" for t in made) == len(entities(raw))
        assert to_iob2(made) == made


def test_a_type_does_not_run_on_into_the_next_sentence(tmp_path: Path) -> None:
    assert [s.tags for s in sentences(tmp_path, "a I-PER\n\nb I-PER\n")] == [("B-PER",), ("B-PER",)]


def test_the_labels_are_two_for_each_type_and_none() -> None:
    assert len(set(TAGS)) == 9 and TAGS[0] == "O"


# --- refusals ---


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a X O\nb O\n", "line 2: 2 columns instead of 3"),
        ("a O\nb X O\n", "line 2: 3 columns instead of 2"),
        ("a\tO\nb O\n", "line 2: 1 columns instead of 2"),
        ("-DOCSTART- O\n\na\n", "line 3: one column"),
        ("a O\n O\n", "line 2: no word"),
        ("a\tO\n\tO\n", "line 2: no word"),
        ("a O\n\nb B-\n", "line 3: tag 'B-' has no type (one of LOC, MISC, ORG, PER)"),
        ("a I\n", "line 1: tag 'I' has no type"),
        ("a B-GPE\n", "line 1: unknown tag 'B-GPE'"),
        ("a S-PER\n", "line 1: unknown tag 'S-PER'"),
        ("a O\u00a0\n", "line 1: unknown tag 'O\\xa0'"),
        ("B-PER a\n", "line 1: unknown tag 'a'"),
        ("", "holds no sentences"),
        ("-DOCSTART- O\n\n \n", "holds no sentences"),
    ],
)
def test_a_defect_is_refused_with_its_line_and_a_remedy(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        sentences(tmp_path, content)
    assert words in str(caught.value) and "eng.train" in str(caught.value)
    assert any(verb in str(caught.value) for verb in ("Repair", "repair", "Convert"))


def test_a_damaged_utf8_file_is_not_taken_for_latin(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 2: not UTF-8, but line 1 is"):
        sentences(tmp_path, "é O\n".encode() + b"\xe9 O\n")


@pytest.mark.parametrize(("name", "content"), [("a.gz", b"no"), ("a.gz", gzip.compress(b"x O\n")[:-9]), ("a.bz2", b"")])
def test_a_broken_archive_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    with pytest.raises(DataError, match=r"cannot read .*a\.|holds no sentences"):
        sentences(tmp_path, content, name)


# --- where files are ---


def train(folder: Path, language: str = "en", role: str = "train", **patterns: str) -> Split[TaggedSentence]:
    return read_conll(Where((folder,), None, tuple(patterns.items())), role, language)


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("en", "eng.train"),
        ("de", "2003/deu.train"),
        ("es", "conll2002/esp.train.gz"),
        ("nl", "ner/data/ned.train"),
        ("en", "conll2003/en/train.txt"),
        ("de", "de/train.tsv"),
        ("es", "NER/es.train"),
        ("nl", "train-nl.tsv"),
    ],
)
def test_files_are_found_under_their_usual_names(tmp_path: Path, language: str, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text().encode()) if name.endswith("gz") else text().encode())
    split = train(tmp_path, language)
    assert (split.examples, split.files, split.role, split.language) == (EXPECTED, (path,), "train", language)


def test_dev_and_test_have_their_official_names_and_no_name_stands_for_two_splits() -> None:
    assert {"esp.testa", "esp.testb", "eng.testa"} & {
        name for role in ("dev", "test") for code in CODES for name in layouts(role, code)
    } == {"esp.testa", "esp.testb", "eng.testa"}
    names = [
        n.format(language=code) for role, code in product(("train", "dev", "test"), CODES) for n in layouts(role, code)
    ]
    assert len(names) == len(set(names))


def test_a_missing_file_names_some_places_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MissingData) as caught:
        train(tmp_path, "nl")
    assert str(tmp_path / "ned.train") in str(caught.value) and "--data DIR" in str(caught.value)
    assert len(str(caught.value).splitlines()) < 15


def test_a_pattern_names_the_file_and_needs_the_language(tmp_path: Path) -> None:
    (tmp_path / "own.de").write_text(text(), encoding="utf-8")
    assert train(tmp_path, "de", train=f"{tmp_path}/own.{{language}}").examples == EXPECTED
    with pytest.raises(UsageError, match="must stand there"):
        train(tmp_path, "de", train=f"{tmp_path}/own.de")
    assert train(tmp_path, "en", train=f"{tmp_path}/own.de").examples == EXPECTED


def test_the_hub_and_other_languages_are_refused() -> None:
    with pytest.raises(MissingData, match=r"not read from the Hub.*--data DIR"):
        read_conll(Where(hub="somebody/conll"), "train", "en")
    with pytest.raises(UsageError, match=r"'ned'.*Known: en, de, es, nl"):
        read_conll(Where(), "train", "ned")


# --- standing ---


def test_a_small_training_set_is_named_and_a_small_test_set_stops(tmp_path: Path) -> None:
    for name in ("eng.train", "eng.testa", "eng.testb"):
        (tmp_path / name).write_text("Ana I-PER\n", encoding="utf-8")
    split = train(tmp_path)
    assert (split.official, split.deviation, split.source) == (False, "1 of 14,041 sentences", "files")
    for role, size in (("dev", "3,250"), ("test", "3,453")):
        with pytest.raises(DataError, match=f"'en' {role} has 1 sentences instead of {size}"):
            train(tmp_path, role=role)


def test_the_encoding_of_unofficial_data_is_told_where_it_is_not_the_official_one(tmp_path: Path) -> None:
    (tmp_path / "deu.train").write_bytes(text().encode())
    assert train(tmp_path, "de").deviation == "2 of 12,152 sentences"
    assert train(tmp_path, "de").note == "UTF-8 for ISO-8859-1"
    (tmp_path / "deu.train").write_bytes(text().encode("iso-8859-1"))
    assert train(tmp_path, "de").note is None


def test_invented_sentences_of_the_official_number_are_not_called_official(tmp_path: Path) -> None:
    (tmp_path / "esp.testb").write_text("Ana I-PER\n\n" * PUBLISHED["test", "es"].sentences, encoding="utf-8")
    split = train(tmp_path, "es", "test")
    assert split.official is False
    assert split.deviation == (
        "texts are not the official ones "
        "(words 1,517 for 51,533, LOC 0 for 1,084, MISC 0 for 340, ORG 0 for 1,400, PER 1,517 for 735)"
    )


def test_a_data_set_with_a_manifest_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "test-en.tsv").write_text(text(), encoding="utf-8")
    write_manifest(tmp_path)
    split = train(tmp_path, role="test")
    assert (split.official, split.deviation, len(split.examples)) == (None, None, 2)
    assert split.source != "files"


@pytest.mark.parametrize("name", ["translate-train/de.conll", "de/train.txt", "translate-train/en-de-translated.tsv"])
def test_translated_training_sets_are_found_and_never_official(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True) if "/" in name else None
    (tmp_path / name).write_text(text(middle="x "), encoding="utf-8")
    split = train(tmp_path, "de", "translate-train")
    assert (split.examples, split.official, split.role) == (EXPECTED, False, "translate-train")
    assert (split.deviation or "").startswith("a translation, of which none is official, 2 of 14,041 sentences")


def test_a_translation_may_be_into_any_language(tmp_path: Path) -> None:
    (tmp_path / "fr.conll").write_text(text(), encoding="utf-8")
    split = train(tmp_path, "fr", "translate-train", **{"translate-train": f"{tmp_path}/{{language}}.conll"})
    assert split.language == "fr" and split.examples == EXPECTED
