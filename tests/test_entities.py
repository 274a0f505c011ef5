"""Entity F1: conlleval's numbers to the last digit, seqeval's in its default mode; long sentences lose no word."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from xlmr_bench.entities import (
    ENTITY_F1,
    entities,
    entity_statistics,
    merge_parts,
    precision_recall_f1,
    split_long,
    type_statistics,
)
from xlmr_bench.errors import DataError
from xlmr_bench.metrics import paired_difference, score

TYPES = ("LOC", "MISC", "ORG", "PER")
TAGS = ("O", *(f"{p}-{t}" for p in "BI" for t in TYPES))
Sets = tuple[list[list[str]], list[list[str]]]


def random_set(rng: random.Random, sentences: int = 4) -> Sets:
    """Gold, and predictions that agree with it in about two of three words."""
    gold = [rng.choices(TAGS, weights=(4, *[1] * 8), k=rng.randint(1, 9)) for _ in range(sentences)]
    return gold, [[t if rng.random() < 0.65 else rng.choice(TAGS) for t in row] for row in gold]


# --- against the official scorers ---


def test_the_scores_are_conllevals_on_every_recorded_case(shared_data: Path) -> None:
    cases = json.loads((shared_data / "golden" / "conlleval.json").read_text(encoding="utf-8"))
    assert len(cases) == 150
    for case in cases:
        statistics = entity_statistics(case["gold"], case["predicted"], TYPES)
        printed = np.round(100 * precision_recall_f1(statistics.sum(axis=0)), 2)
        assert printed.tolist() == [case["precision"], case["recall"], case["f1"]]
        for kind, columns in type_statistics(statistics, TYPES).items():
            expected = case["per_type"].get(kind)
            found = np.round(100 * precision_recall_f1(columns.sum(axis=0)), 2).tolist()
            assert found == ([0, 0, 0] if expected is None else [expected[k] for k in ("precision", "recall", "f1")])
            # conlleval lists the types that occur, and no others.
            assert (expected is not None) == bool(columns[:, 1:].any())


def test_entities_and_scores_are_seqevals_on_5000_random_sets() -> None:
    scorer = pytest.importorskip("seqeval.metrics.sequence_labeling", reason="seqeval is the peer of this test")
    rng = random.Random(7)
    for case in range(5000):
        gold, predicted = random_set(rng)
        for tags in (*gold, *predicted):
            assert entities(tags) == [(kind, a, b + 1) for kind, a, b in scorer.get_entities(tags)]
        theirs: set[tuple[str, int, int]] = set(scorer.get_entities(gold))
        given: set[tuple[str, int, int]] = set(scorer.get_entities(predicted))
        sums = entity_statistics(gold, predicted).sum(axis=0)
        assert sums.tolist() == [len(theirs & given), len(given), len(theirs)]
        if case < 200:
            whole = scorer.precision_recall_fscore_support(gold, predicted, average="micro", zero_division=0)[:3]
            assert precision_recall_f1(sums) == pytest.approx(whole, abs=1e-12)


# --- entities ---


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("O I-PER I-PER O", [("PER", 1, 3)]),
        ("I-PER B-PER I-PER", [("PER", 0, 1), ("PER", 1, 3)]),
        ("B-PER I-LOC I-LOC", [("PER", 0, 1), ("LOC", 1, 3)]),
        ("B-ORG", [("ORG", 0, 1)]),
        ("O O", []),
        ("", []),
        ("B-a-b I-a-b", [("a-b", 0, 2)]),
    ],
)
def test_an_entity_ends_where_its_type_does_and_begins_without_a_b(
    tags: str, found: list[tuple[str, int, int]]
) -> None:
    assert entities(tags.split()) == found


@pytest.mark.parametrize("tag", ["PER", "B-", "B", "S-PER", "", "o"])
def test_tags_of_no_scheme_are_refused(tag: str) -> None:
    with pytest.raises(DataError, match="is neither 'O' nor 'B-' or 'I-' with a type"):
        entities(["O", tag])


# --- statistics and scores ---


def test_statistics_are_counts_a_sentence_of_all_types_and_of_each() -> None:
    gold = [["B-PER", "O", "B-LOC"], ["O"]]
    predicted = [["B-PER", "O", "B-ORG"], ["B-LOC"]]
    expected = [[1, 2, 2, 0, 0, 1, 1, 1, 1], [0, 1, 0, 0, 1, 0, 0, 0, 0]]
    assert entity_statistics(gold, predicted, ("LOC", "PER")).tolist() == expected
    assert entity_statistics(gold, predicted).tolist() == [row[:3] for row in expected]
    assert score(ENTITY_F1, entity_statistics(gold, predicted, ("LOC", "PER"))).value == pytest.approx(2 / 5)


def test_what_is_undefined_counts_as_zero_without_a_warning() -> None:
    for gold, predicted in (("O", "O"), ("B-PER", "O"), ("O", "B-PER")):
        statistics = entity_statistics([[gold]], [[predicted]])
        assert precision_recall_f1(statistics.sum(axis=0)).tolist() == [0, 0, 0]
        assert score(ENTITY_F1, statistics).value == 0


def test_intervals_and_differences_are_resamplings_of_sentences() -> None:
    rng = random.Random(3)
    gold, predicted = random_set(rng, 300)
    statistics = entity_statistics(gold, predicted, TYPES)
    result = score(ENTITY_F1, statistics)
    assert result.ci95[0] < result.value < result.ci95[1]
    assert 0.02 < result.ci95[1] - result.ci95[0] < 0.2
    perfect = entity_statistics(gold, gold, TYPES)
    assert score(ENTITY_F1, perfect).value == 1
    difference, (low, high), p = paired_difference(ENTITY_F1, perfect, statistics)
    assert difference == pytest.approx(1 - result.value) and low > 0 and high < 1 and p < 0.01


def test_the_signature_names_scorer_and_settings() -> None:
    assert ENTITY_F1.name == "f1"
    assert {"chunks:conlleval", "average:micro", "version:1"} <= set(ENTITY_F1.signature.split("|"))


def test_unequal_lengths_name_the_sentence() -> None:
    with pytest.raises(DataError, match="sentence 2: 1 predicted tags for 2 words"):
        entity_statistics([["O"], ["O", "O"]], [["O"], ["O"]])
    with pytest.raises(DataError, match="1 sentences are predicted, 2 are gold"):
        entity_statistics([["O"], ["O"]], [["O"]])


# --- long sentences ---


def sizes(pieces: list[int], parts: list[slice], room: int) -> list[int]:
    return [sum(min(max(p, 1), room) for p in pieces[part]) for part in parts]


def best_cut(pieces: list[int], room: int) -> tuple[int, int]:
    """Fewest parts, and the smallest largest part among cuts into so many, by trying every cut."""
    found = []
    for mask in range(1 << (len(pieces) - 1)):
        ends = [i + 1 for i in range(len(pieces) - 1) if mask >> i & 1]
        parts = [slice(a, b) for a, b in pairwise([0, *ends, len(pieces)])]
        largest = max(sizes(pieces, parts, room))
        if largest <= room:
            found.append((len(parts), largest))
    return min(found)


def test_a_sentence_that_fits_stays_whole() -> None:
    assert split_long([1, 2, 3], 6) == [slice(0, 3)]
    assert split_long([], 6) == []


def test_a_long_sentence_is_cut_between_words_into_equal_parts() -> None:
    assert split_long([1] * 9, 8) == [slice(0, 5), slice(5, 9)]
    assert split_long([3, 3, 3, 3], 7) == [slice(0, 2), slice(2, 4)]


def test_a_word_longer_than_the_room_stands_alone_and_a_word_without_pieces_takes_one() -> None:
    assert split_long([2, 50, 2], 4) == [slice(0, 1), slice(1, 2), slice(2, 3)]
    assert split_long([0, 0, 0], 2) == [slice(0, 2), slice(2, 3)]


def test_every_word_is_in_exactly_one_part_that_fits_and_no_cut_is_better() -> None:
    rng = random.Random(5)
    for _ in range(400):
        room = rng.randint(1, 9)
        pieces = [rng.choice((0, 1, 1, 2, 3, 12)) for _ in range(rng.randint(1, 9))]
        parts = split_long(pieces, room)
        assert [i for part in parts for i in range(len(pieces))[part]] == list(range(len(pieces)))
        assert (len(parts), max(sizes(pieces, parts, room))) == best_cut(pieces, room)


def test_split_sentences_predict_every_word_at_any_length() -> None:
    rng = random.Random(11)
    for _ in range(200):
        pieces = [rng.randint(0, 30) for _ in range(rng.randint(1, 400))]
        room = rng.randint(1, 126)
        parts = split_long(pieces, room)
        assert max(sizes(pieces, parts, room)) <= room
        tags = rng.choices(TAGS, k=len(pieces))
        assert merge_parts(len(pieces), parts, [tags[part] for part in parts]) == (tags, 0)


def test_words_that_were_cut_are_o_and_counted() -> None:
    parts = [slice(0, 2), slice(2, 5)]
    assert merge_parts(6, parts, [["B-PER"], ["O", "B-LOC", "I-LOC"]]) == (
        ["B-PER", "O", "O", "B-LOC", "I-LOC", "O"], 2,
    )  # fmt: skip


def test_more_tags_than_words_are_refused() -> None:
    with pytest.raises(DataError, match="words 3 to 4: 3 tags for 2 words"):
        merge_parts(4, [slice(0, 2), slice(2, 4)], [["O", "O"], ["O", "O", "O"]])


def test_no_room_is_an_error() -> None:
    with pytest.raises(ValueError, match="room for 0 pieces"):
        split_long([1], 0)
