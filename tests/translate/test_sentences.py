"""Sentence boundaries and long texts, by sentences made for the purpose."""

from __future__ import annotations

import pytest

from xlmr_bench.translate.sentences import parts_that_fit, sentence_spans


def sentences(text: str) -> list[str]:
    return [text[a:b] for a, b in sentence_spans(text)]


@pytest.mark.parametrize(
    "parts",
    [
        ["She left.", "He stayed!", "Why?", '"Who knows?"', "Nobody."],
        ["Dr. Smith met J. R. Jones at 5 p.m. in the U.S. Capitol.", "They talked."],
        ["He paid 3.5 million, i.e. a lot.", "And left."],
        ["She works at Yahoo! in London.", "He does not."],
        ["Am 3. Oktober 1990 kam er.", "Es war 1990."],
        ["Он ушёл.", "Она осталась…", "Почему?"],
        ["यह पहला वाक्य है।", "यह दूसरा है।"],
        ["یہ پہلا جملہ ہے۔", "کیوں؟", "یہ دوسرا ہے۔"],
    ],
)
def test_sentences_end_where_a_reader_ends_them(parts: list[str]) -> None:
    assert sentences(" ".join(parts)) == parts


def test_chinese_needs_no_space_and_keeps_closing_quotes_with_their_sentence() -> None:
    assert sentences("他走了。她问：“为什么？”没有人知道。") == ["他走了。", "她问：“为什么？”", "没有人知道。"]


def test_line_breaks_end_sentences_and_white_space_belongs_to_none() -> None:
    assert sentences("  A title\nA text.  Another.\n") == ["A title", "A text.", "Another."]
    assert sentences(" \n ") == []


def test_thai_is_cut_at_spaces_about_every_hundred_characters() -> None:
    phrase = "ประเทศไทยเป็นประเทศที่อยู่ในทวีปเอเชีย"
    found = sentences(" ".join([phrase] * 9))
    assert len(found) > 3
    assert all(len(s) <= 120 for s in found)
    assert " ".join(found) == " ".join([phrase] * 9)


def test_no_sentence_is_cut_inside_a_span_that_must_stay_whole() -> None:
    text = "He wrote Yes. No. Maybe. It sold well."
    a = text.index("Yes")
    whole = (a, text.index("Maybe") + len("Maybe"))
    assert [text[i:j] for i, j in sentence_spans(text, [whole])] == ["He wrote Yes. No. Maybe.", "It sold well."]


def test_long_texts_are_cut_between_sentences_into_the_fewest_parts() -> None:
    text = "One two three. Four five. Six. Seven eight nine ten."
    parts, inside = parts_that_fit(text, lambda part: len(part.split()) <= 6)
    assert parts == ["One two three. Four five. Six.", "Seven eight nine ten."]
    assert not inside


def test_a_sentence_that_is_too_long_is_cut_at_a_clause_mark_and_that_is_told() -> None:
    text = "It rained all day long, and nobody went out at all."
    parts, inside = parts_that_fit(text, lambda part: len(part.split()) <= 6)
    assert parts == ["It rained all day long,", "and nobody went out at all."]
    assert inside


def test_nothing_is_lost_of_a_word_without_any_boundary() -> None:
    parts, inside = parts_that_fit("a" * 50, lambda part: len(part) <= 7)
    assert "".join(parts) == "a" * 50
    assert inside and all(len(p) <= 7 for p in parts)
