"""Answers: long contexts in windows of one question, targets where the whole answer is, text cut from the original."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from characters import Characters, texts

from xlmr_bench.encode import Encoded
from xlmr_bench.errors import UsageError
from xlmr_bench.examples import Question, Split
from xlmr_bench.miniature import parallel_words
from xlmr_bench.modeling.tokenizer import SentencePieceTokenizer, Tokenizer
from xlmr_bench.settings import ExtractionSettings
from xlmr_bench.tasks import Extraction
from xlmr_bench.tasks.coders import coder_of

TASK = Extraction(("squad_f1", "squad_em"))
CODER = coder_of(TASK)
SETTINGS = ExtractionSettings(1e-3, 8, 16, epochs=1, head="linear", doc_stride=4, max_question_length=3)


def asked(*rows: tuple[str, str, str]) -> Split[Question]:
    """Rows of (question, context, answer); the answer is the last one of these words in the context."""
    made = [
        Question(str(i), question, context, (answer,), (context.rfind(answer),))
        for i, (question, context, answer) in enumerate(rows, 1)
    ]
    return Split("dev", "en", tuple(made), (Path("dev.json"),))


def encode(
    data: Split[Question], tokenizer: Tokenizer | None = None, settings: ExtractionSettings = SETTINGS
) -> Encoded:
    return CODER.encode(TASK, data, tokenizer or Characters(), settings)


def oracle(encoded: Encoded) -> np.ndarray:
    """Outputs of a model that is sure of every target: the places of start and end, and `<s>` where there is none."""
    outputs = np.zeros((int(encoded.output_offsets[-1]), 2), dtype=np.float32)
    for row, (start, end) in zip(encoded.output_offsets, encoded.targets, strict=False):
        sure = 9.0 if start else 1.0
        outputs[row + start, 0] = outputs[row + end, 1] = sure
    return outputs


def answers(
    data: Split[Question], tokenizer: Tokenizer | None = None, settings: ExtractionSettings = SETTINGS
) -> list[str]:
    encoded = encode(data, tokenizer, settings)
    return CODER.decode(TASK, data, encoded, oracle(encoded), settings)[0]


def test_windows_of_a_long_context_belong_to_one_question() -> None:
    # 16 ids hold 4 special tokens, 2 of the question and 10 of the context; windows start 4 apart.
    data = asked(("Qq", "abcdefghijklmnopqr", "k"), ("Rr", "short", "s"))
    encoded = encode(data)
    assert texts(encoded) == ["<Qq||abcdefghij|", "<Qq||efghijklmn|", "<Qq||ijklmnopqr|", "<Rr||short|"]
    assert encoded.extra["window_offsets"].tolist() == [0, 3, 4]
    assert encoded.extra["spans"].tolist() == [[0, 10], [4, 14], [8, 18], [0, 5]]
    assert encoded.lengths.tolist() == [16, 16, 16, 11]


def test_the_head_reads_the_beginning_and_the_context_not_the_question() -> None:
    encoded = encode(asked(("Qq", "abcdefghijklmnopqr", "k"), ("R", "short", "s")))
    assert encoded.reads is not None
    for i, (a, b) in enumerate(pairwise(encoded.output_offsets)):
        tokens = encoded.tokens[encoded.offsets[i] : encoded.offsets[i + 1]]
        read = "".join(chr(t) for t in tokens[encoded.reads[a:b]])
        start, stop = encoded.extra["spans"][i]
        assert read == "\0" + ("abcdefghijklmnopqr" if i < 3 else "short")[start:stop]


def test_an_answer_is_a_target_where_all_of_it_is_in_the_window() -> None:
    # "fghijk" lies across the first window's end, and begins in the second but not in the third.
    encoded = encode(asked(("Qq", "abcdefghijklmnopqr", "fghijk"), ("Qq", "abcdefghijklmnopqr", "ijkl")))
    assert encoded.targets.tolist() == [[0, 0], [2, 7], [0, 0], [0, 0], [5, 8], [1, 4]]
    assert encoded.targets_of(np.arange(6)) == 12
    edge = encode(asked(("Qq", "abcdefghijklmnopqr", "abcdefghij"), ("Qq", "abcdefghijklmnopqr", "r")))
    assert edge.targets.tolist() == [[1, 10], [0, 0], [0, 0], [0, 0], [0, 0], [10, 10]]


def test_an_answer_that_fits_in_no_window_is_nowhere_a_target() -> None:
    encoded = encode(asked(("Qq", "abcdefghijklmnopqr", "abcdefghijklmno")))
    assert encoded.targets.tolist() == [[0, 0]] * 3


def test_the_first_answer_that_stands_in_the_context_is_learned() -> None:
    question = Question("1", "Q", "abcdef", ("gone", "cd", "e"), (-1, 2, 4))
    encoded = encode(Split("train", "en", (question,), (Path("train.json"),)))
    assert encoded.targets.tolist() == [[3, 4]]


def test_a_question_that_is_too_long_is_cut_and_counted() -> None:
    encoded = encode(asked(("Whose", "abc", "b"), ("Who", "abc", "b"), ("What", "abcdefghijklmnop", "b")))
    assert texts(encoded)[:2] == ["<Who||abc|", "<Who||abc|"]
    assert encoded.truncated == 2, "questions, not windows"
    assert len(encoded) > 3


def test_a_question_that_leaves_no_room_is_refused() -> None:
    data = asked(("Who", "abc", "b"))
    with pytest.raises(
        UsageError, match=r"max_question_length=12 leaves no room .* max_length=16 tokens with 4 special"
    ):
        encode(data, settings=replace(SETTINGS, max_question_length=12))
    assert len(encode(data, settings=replace(SETTINGS, max_question_length=11))) == 1


def test_an_empty_context_has_an_empty_answer() -> None:
    data = asked(("Who", "", ""), ("Who", "abc", "b"))
    encoded = encode(data)
    assert encoded.output_offsets.tolist() == [0, 1, 5]
    predicted, columns = CODER.decode(TASK, data, encoded, oracle(encoded), SETTINGS)
    assert predicted == ["", "b"]
    assert columns["score"] == [0.0, 18.0]


def test_the_best_answer_is_sought_over_all_windows_and_its_score_is_kept() -> None:
    data = asked(("Qq", "abcdefghijklmnopqr", "fghijk"))
    encoded = encode(data)
    outputs = np.zeros((33, 2), dtype=np.float32)
    outputs[0] = 50.0  # `<s>` stands for no answer here, and every question has one
    outputs[11 + 1 + 5, 0], outputs[11 + 1 + 6, 1] = 4.0, 3.0  # "j" to "k" in the second window
    outputs[22 + 1 + 8, 0], outputs[22 + 1 + 8, 1] = 3.0, 3.5  # "q" in the third
    predicted, columns = CODER.decode(TASK, data, encoded, outputs, SETTINGS)
    assert (predicted, columns) == (["jk"], {"score": [7.0]})
    short = replace(SETTINGS, max_answer_length=1)
    assert CODER.decode(TASK, data, encoded, outputs, short)[0] == ["q"]


def test_two_questions_on_one_context_share_its_pieces() -> None:
    tokenizer = Characters()
    context = "abcdefghijklmnopqr"
    data = asked(("Q", context, "b"), ("R", context, "q"), ("S", "other", "h"))
    encoded = encode(data, tokenizer)
    assert tokenizer.seen.count(context) == 1
    assert encoded.extra["context_of"].tolist() == [0, 0, 1]
    assert CODER.decode(TASK, data, encoded, oracle(encoded), SETTINGS)[0] == ["b", "q", "h"]


CONTEXTS = {
    "expanded": "The ﬁrst ㎏ of rice cost ½ dollar, in the ﬁeld.",
    "wide": "The city has １２ gates and the teacher walked in.",
    "spaced": "  The  teacher \u3000 walked\u200b in the city .\n\nThe end . ",
    "composed": "A cafe\u0301 in the city, the nin\u0303o walked.",
}


@pytest.mark.parametrize("text", CONTEXTS.values(), ids=CONTEXTS)
def test_answers_are_cut_from_the_context_as_it_was_given(tokenizer: SentencePieceTokenizer, text: str) -> None:
    """NFKC rewrites these characters; every stretch of pieces is asked for, and comes back as it was written."""
    pieces = tokenizer.encode_with_offsets(text)
    spans = {
        (a, b) for i, a in enumerate(pieces.starts) for b in pieces.ends[i : i + 12] if text[a:b].strip() == text[a:b]
    }
    wanted = sorted((a, b) for a, b in spans if a < b)
    questions = tuple(Question(f"{a}-{b}", "in the city", text, (text[a:b],), (a,)) for a, b in wanted)
    data = Split("dev", "en", questions, (Path("dev.json"),))
    settings = replace(SETTINGS, max_length=64, doc_stride=16, max_question_length=16)
    assert len(wanted) > 60
    assert answers(data, tokenizer, settings) == [q.answers[0] for q in questions]


def test_chinese_answers_come_back_without_blanks(tokenizer: SentencePieceTokenizer) -> None:
    words = list(dict.fromkeys(row["zh"] for row in parallel_words()))[:12]
    text = "".join(words) + "。"
    pieces = tokenizer.encode_with_offsets(text)
    data = asked(*((words[0], text, text[a:b]) for a, b in zip(pieces.starts, pieces.ends, strict=True) if a < b))
    assert len(data.examples) > 8
    assert answers(data, tokenizer, replace(SETTINGS, max_length=64)) == [e.answers[0] for e in data.examples]


LONG_TEXT = "the teacher walked in the city and Mary saw Paris . she is in a house with a doctor"


def test_a_sure_model_answers_every_question_whatever_the_windows(tokenizer: SentencePieceTokenizer) -> None:
    """Contexts of up to 200 pieces, windows of few: the answer is in a window, and nothing elsewhere beats it."""
    words = LONG_TEXT.split()
    rng = np.random.default_rng(5)
    rows = []
    for _ in range(40):
        context = " ".join(rng.choice(words, int(rng.integers(1, 90))))
        at = context.split(" ")
        first = int(rng.integers(len(at)))
        answer = " ".join(at[first : first + 2])
        start = len(" ".join(at[:first])) + (first > 0)
        rows.append(Question(str(len(rows)), "in the city", context, (answer,), (start,)))
    data = Split("dev", "en", tuple(rows), (Path("dev.json"),))
    for max_length, stride in ((64, 16), (80, 40), (128, 128)):
        settings = replace(SETTINGS, max_length=max_length, doc_stride=stride, max_question_length=16)
        assert answers(data, tokenizer, settings) == [q.answers[0] for q in rows], (max_length, stride)
    assert len(encode(data, tokenizer, replace(SETTINGS, max_length=64, doc_stride=16))) > 2 * len(rows)


def test_the_arrays_of_one_stride_or_length_do_not_serve_another(cache: Path) -> None:
    data = asked(("Who", "abcdefghijklmnopqr", "fghijk"))
    for change in ({}, {"doc_stride": 3}, {"max_length": 17}, {"max_question_length": 2}, {"n_best": 3}):
        encode(data, settings=replace(SETTINGS, **change))
    assert len(list(cache.iterdir())) == 4, "the number of answers that are looked at changes no array"


def test_answers_that_share_no_word_with_gold_are_a_collapse() -> None:
    data = asked(("Q", "The tall man saw Paris", "tall man"), ("Q", "北京是中国", "北京"))
    reason = "no answer on dev shares a word with a right one"
    assert CODER.collapsed(TASK, data, ["saw Paris", "中国"]) == reason
    assert CODER.collapsed(TASK, data, ["", ""]) == reason
    assert CODER.collapsed(TASK, data, ["The Tall", ""]) is None
    assert CODER.collapsed(TASK, data, ["", "北京"]) is None
