"""Variants that a model gives one name: romanised languages, and the two scripts of Chinese."""

from __future__ import annotations

from pathlib import Path

import pytest

from pretrain.corpus.scripts import LOOKED_AT, refined
from pretrain.languages import cc100

ROMANISED = {
    "hi": ("मेरा नाम राज है और मैं दिल्ली में रहता हूँ।", "Mera naam Raj hai aur main Dilli mein rehta hoon."),
    "bn": ("আমার নাম রাজ এবং আমি ঢাকায় থাকি।", "Amar nam Raj ebong ami Dhakay thaki."),
    "ta": ("என் பெயர் ராஜ், நான் சென்னையில் வசிக்கிறேன்.", "En peyar Raj, naan Chennaiyil vasikkiren."),
    "te": ("నా పేరు రాజ్, నేను హైదరాబాదులో ఉంటాను.", "Naa peru Raj, nenu Hyderabadlo untaanu."),
    "ur": ("میرا نام راج ہے اور میں لاہور میں رہتا ہوں۔", "Mera naam Raj hai aur main Lahore mein rehta hun."),
}
SIMPLIFIED = "这个国家的人们说汉语，学习历史与经济，还喜欢听音乐。"
TRADITIONAL = "這個國家的人們說漢語，學習歷史與經濟，還喜歡聽音樂。"


@pytest.mark.parametrize("language", sorted(ROMANISED))
def test_a_text_in_latin_letters_is_the_romanised_language(language: str) -> None:
    native, latin = ROMANISED[language]
    assert refined(language, native) == language
    assert refined(language, latin) == f"{language}_rom"
    assert f"{language}_rom" in cc100()


@pytest.mark.parametrize("language", sorted(ROMANISED))
def test_the_script_of_most_characters_decides(language: str) -> None:
    native, latin = ROMANISED[language]
    assert refined(language, f"{native} {native} {latin}") == language
    assert refined(language, f"{latin} {latin} {native}") == f"{language}_rom"


def test_accents_count_as_latin_letters_and_digits_and_signs_do_not_count() -> None:
    assert refined("hi", "mērā nāṃ rāj है 12345 !!! ...") == "hi_rom"
    assert refined("hi", "है 12345 !!! ... ()") == "hi"
    assert refined("hi", "") == "hi"


def test_chinese_is_told_apart_by_characters_of_one_script_only() -> None:
    assert refined("zh", SIMPLIFIED) == "zh-Hans"
    assert refined("zh", TRADITIONAL) == "zh-Hant"


@pytest.mark.parametrize("text", ["", "人山人海", "abc 123", "这個", "😀"])
def test_a_tie_is_simplified_chinese(text: str) -> None:
    assert refined("zh", text) == "zh-Hans"


def test_a_few_quotations_do_not_change_the_script() -> None:
    assert refined("zh", TRADITIONAL * 3 + SIMPLIFIED) == "zh-Hant"
    assert refined("zh", SIMPLIFIED * 3 + TRADITIONAL) == "zh-Hans"


def test_a_lone_surrogate_is_no_reason_to_stop() -> None:
    assert refined("zh", "\ud800" + TRADITIONAL) == "zh-Hant"


def test_only_the_beginning_is_looked_at() -> None:
    assert refined("zh", "。" * LOOKED_AT + TRADITIONAL) == "zh-Hans"
    assert refined("hi", "।" * LOOKED_AT + " latin" * 9000) == "hi"


@pytest.mark.parametrize("language", ["en", "my", "sr", "mr", "xx"])
def test_other_languages_stay_as_they_are(language: str) -> None:
    assert refined(language, TRADITIONAL) == language
    assert refined(language, "Latin letters") == language


def test_real_sentences_keep_their_script(shared_data: Path) -> None:
    for language in ("hi", "bn", "ta", "te", "zh"):
        text = (shared_data / "text" / "lingua_sentences" / f"{language}.txt").read_text(encoding="utf-8")
        documents = ["\n".join(text.split("\n")[i : i + 10]) for i in range(0, 700, 10)]
        expected = "zh-Hans" if language == "zh" else language
        assert {refined(language, document) for document in documents} == {expected}
