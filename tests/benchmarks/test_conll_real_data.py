"""CoNLL as it is published, where it may be read: counts of the papers, digests, and what ends an official standing."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from xlmr_bench.benchmarks.base import Where
from xlmr_bench.benchmarks.conll_files import read_conll
from xlmr_bench.benchmarks.conll_official import CODES, PUBLISHED, entity_counts
from xlmr_bench.errors import DataError
from xlmr_bench.examples import Split, TaggedSentence

# Tjong Kim Sang and De Meulder (2003), Tables 1 and 2: articles, sentences with a mark for each, tokens,
# and LOC, MISC, ORG, PER.
PAPER_2003 = {
    ("en", "train"): (946, 14_987, 203_621, (7140, 3438, 6321, 6600)),
    ("en", "dev"): (216, 3_466, 51_362, (1837, 922, 1341, 1842)),
    ("en", "test"): (231, 3_684, 46_435, (1668, 702, 1661, 1617)),
    ("de", "train"): (553, 12_705, 206_931, (4363, 2288, 2427, 2773)),
    ("de", "dev"): (201, 3_068, 51_444, (1181, 1010, 1241, 1401)),
    ("de", "test"): (155, 3_160, 51_943, (1035, 670, 773, 1195)),
}
# Tjong Kim Sang (2002), section 2: lines of the files, -DOCSTART- and the lines between sentences with them.
PAPER_2002 = {
    ("es", "train"): (0, 273_037),
    ("es", "dev"): (0, 54_837),
    ("es", "test"): (0, 53_049),
    ("nl", "train"): (287, 218_737),
    ("nl", "dev"): (74, 40_656),
    ("nl", "test"): (119, 74_189),
}
Damage = Callable[[list[bytes]], list[bytes]]


@pytest.fixture(scope="module")
def conll(shared_data: Path) -> Path:
    folder = shared_data / "conll"
    if not folder.is_dir():
        pytest.skip(f"CoNLL is not at {folder}")
    return folder


def read(folder: Path, role: str, language: str) -> Split[TaggedSentence]:
    return read_conll(Where((folder,)), role, language)


def words(split: Split[TaggedSentence]) -> int:
    return sum(len(s.words) for s in split.examples)


@pytest.mark.parametrize(("language", "role"), PAPER_2003)
def test_sentences_tokens_and_entities_of_2003_are_those_of_the_paper(conll: Path, language: str, role: str) -> None:
    articles, sentences, tokens, found = PAPER_2003[language, role]
    split = read(conll, role, language)
    assert (len(split.examples) + articles, words(split), entity_counts(split.examples)) == (sentences, tokens, found)


@pytest.mark.parametrize(("language", "role"), PAPER_2002)
def test_lines_of_2002_are_those_of_the_paper(conll: Path, language: str, role: str) -> None:
    articles, lines = PAPER_2002[language, role]
    split = read(conll, role, language)
    # The Spanish files end with one blank line more than the paper counts.
    assert words(split) + articles + len(split.examples) == lines + (language == "es")


@pytest.mark.parametrize("role", ["train", "dev", "test"])
@pytest.mark.parametrize("language", CODES)
def test_every_file_is_recognised_whatever_its_columns_and_encoding(conll: Path, language: str, role: str) -> None:
    split = read(conll, role, language)
    published = PUBLISHED[role, language]
    assert (split.official, split.deviation) == (True, None)
    assert (len(split.examples), words(split), entity_counts(split.examples)) == (
        published.sentences, published.words, published.entities,
    )  # fmt: skip
    assert not any(w == "-DOCSTART-" for s in split.examples for w in s.words)


def test_the_source_tells_encoding_and_annotation(conll: Path) -> None:
    assert read(conll, "test", "de").note == "annotation of 2003"
    assert read(conll, "train", "de").note == "UTF-8 for ISO-8859-1; annotation of 2003"
    assert read(conll, "test", "es").note == "UTF-8 for ISO-8859-1"
    assert read(conll, "test", "en").note is None


def test_known_sentences_are_read_as_published(conll: Path) -> None:
    english, dutch = read(conll, "train", "en").examples[0], read(conll, "test", "nl").examples[0]
    assert english.words[:3] == ("EU", "rejects", "German")
    assert english.tags[:3] == ("B-ORG", "O", "B-MISC")
    assert (dutch.words[:4], dutch.tags[3]) == (("Dat", "is", "in", "Italië"), "B-LOC")


def test_an_official_file_in_latin_and_packed_is_the_same_data(conll: Path, tmp_path: Path) -> None:
    recoded = (conll / "2002" / "esp.testb").read_text(encoding="utf-8").encode("iso-8859-1")
    (tmp_path / "esp.testb.gz").write_bytes(gzip.compress(recoded))
    split = read(tmp_path, "test", "es")
    assert (split.official, split.source) == (True, "files")
    assert split.digest == read(conll, "test", "es").digest


def changed(conll: Path, tmp_path: Path, source: str, change: Damage) -> Path:
    """A folder with a copy of a file after a change to its blocks (sentences and marks)."""
    blocks = (conll / source).read_bytes().rstrip(b"\n").split(b"\n\n")
    (tmp_path / Path(source).name).write_bytes(b"\n\n".join(change(blocks)) + b"\n\n")
    return tmp_path


def exchange(blocks: list[bytes]) -> list[bytes]:
    return [blocks[0], blocks[2], blocks[1], *blocks[3:]]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda b: b[:-1], "'en' test has 3,452 sentences instead of 3,453"),
        (lambda b: [*b, b[-1]], "'en' test has 3,454 sentences instead of 3,453"),
        (exchange, "holds the official sentences in another order"),
    ],
)
def test_a_short_long_or_reordered_test_set_stops(conll: Path, tmp_path: Path, change: Damage, refusal: str) -> None:
    with pytest.raises(DataError, match=refusal):
        read(changed(conll, tmp_path, "2003/eng.testb", change), "test", "en")


def test_a_short_or_reordered_training_set_is_named(conll: Path, tmp_path: Path) -> None:
    split = read(changed(conll, tmp_path, "2003/eng.train", lambda b: b[:-1]), "train", "en")
    assert (split.official, split.deviation) == (False, "14,040 of 14,041 sentences")
    split = read(changed(conll, tmp_path, "2003/eng.train", exchange), "train", "en")
    assert (split.official, split.deviation) == (False, "the sentences are in another order")


def test_one_changed_word_ends_the_official_standing(conll: Path, tmp_path: Path) -> None:
    folder = changed(conll, tmp_path, "2003/eng.testb", lambda b: [x.replace(b"SOCCER NN", b"FOOTBALL NN") for x in b])
    split = read(folder, "test", "en")
    assert split.deviation == "texts are not the official ones (as many words and entities)"


def test_a_german_file_with_other_entities_is_told_to_be_of_another_annotation(conll: Path, tmp_path: Path) -> None:
    folder = changed(
        conll,
        tmp_path,
        "2003/deu.testb",
        lambda b: [x.replace(b" I-MISC", b" O").replace(b" B-MISC", b" O") for x in b],
    )
    split = read(folder, "test", "de")
    assert split.official is False
    assert split.deviation == "the words are the official ones, the tags are not (MISC 0 for 670)"
    assert split.note == "not the annotation of 2003, probably its revision of 2006"
