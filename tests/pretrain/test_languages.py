"""Table 6 as data, and what a configuration's language list means."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pretrain.languages import cc100, language_sets, resolve_languages
from xlmr_bench.errors import DataError, UsageError
from xlmr_bench.languages import XNLI_LANGUAGES


def test_the_table_has_the_papers_hundred_languages_and_sizes():
    table = cc100()

    assert len(table) == 100
    # The sums that the paper's figures give as printed, and with Swedish read as 77.8 GiB.
    assert sum(row.printed_size_gib for row in table.values()) == pytest.approx(2394.3)
    assert sum(row.size_gib for row in table.values()) == pytest.approx(2460.0)


def test_the_table_is_the_papers_row_by_row(shared_data: Path):
    text = (shared_data.parent / "paper" / "table6_cc100.yaml").read_text(encoding="utf-8")
    printed = re.findall(r"iso: '?([\w-]+)'?, language: (.+), tokens_m: ([\d.]+), size_gib: ([\d.]+)", text)

    ours = [(row.name, row.printed_tokens_m, row.printed_size_gib) for row in cc100().values()]

    assert [(name.replace(" (Zawgyi)", ""), tokens, size) for name, tokens, size in ours] == [
        (name, float(tokens), float(size)) for _, name, tokens, size in printed
    ]
    codes = {iso: code for code, (iso, *_) in zip(cc100(), printed, strict=True) if iso not in ("-", "my", "zh")}
    assert all(iso == code for iso, code in codes.items())


def test_only_swedish_and_ukrainian_are_corrected_and_say_why():
    corrected = {code: row for code, row in cc100().items() if row.correction}

    assert set(corrected) == {"sv", "uk"}
    assert (corrected["sv"].printed_size_gib, corrected["sv"].size_gib) == (12.1, 77.8)
    assert "Figure 1" in corrected["sv"].correction


def test_codes_are_those_of_the_public_release():
    assert {"bn_rom", "hi_rom", "ta_rom", "te_rom", "ur_rom", "my", "my_zaw", "zh-Hans", "zh-Hant"} <= set(cc100())
    assert "zh" not in cc100()


def test_sets_have_the_sizes_in_their_names_and_hold_the_smaller_ones():
    sets = language_sets()

    assert {name: len(codes) for name, codes in sets.items()} == {
        "xlm7": 7, "xlm15": 15, "xlm30": 30, "xlm60": 60, "xlm100": 100
    }  # fmt: skip
    assert sets["xlm7"] == ("en", "fr", "de", "ru", "zh", "sw", "ur")
    assert set(sets["xlm15"]) == set(XNLI_LANGUAGES)
    assert set(sets["xlm7"]) < set(sets["xlm15"]) < set(sets["xlm30"]) < set(sets["xlm60"])
    assert all(len(set(codes)) == len(codes) for codes in sets.values())


def test_sets_of_30_and_60_add_the_largest_languages():
    thirty, sixty = (set(language_sets()[name]) for name in ("xlm30", "xlm60"))

    assert {"id", "fa", "uk", "sv", "ja"} < thirty  # Swedish by its corrected size
    assert "it" in thirty and "nl" not in thirty and "nl" in sixty  # 30.2 and 29.3 GiB
    assert "mr" in sixty and "my_zaw" not in sixty


def test_sets_and_codes_are_mixed_and_each_language_comes_once():
    there = ("de", "en", "fr", "ru", "sw", "ur", "zh", "nl", "fi")

    assert resolve_languages(("nl", "xlm7", "en"), there) == ("de", "en", "fr", "nl", "ru", "sw", "ur", "zh")


def test_the_order_of_a_request_does_not_matter():
    there = ("sw", "de", "en")

    assert resolve_languages(("sw", "de"), there) == resolve_languages(("de", "sw"), there) == ("de", "sw")


def test_all_is_what_is_there_even_codes_of_nobody_else():
    assert resolve_languages(("all",), ("xx", "en")) == ("en", "xx")
    assert resolve_languages(("xx",), ("xx", "en")) == ("xx",)


@pytest.mark.parametrize(
    ("requested", "there", "expected"),
    [
        ("zh", ("zh-Hans", "zh-Hant", "en"), ("zh-Hans", "zh-Hant")),
        ("zh", ("zh-Hant", "en"), ("zh-Hant",)),
        ("zh", ("zh", "zh-Hans"), ("zh",)),
        ("zh-Hans", ("zh", "en"), ("zh",)),
    ],
)
def test_chinese_is_found_under_the_code_of_its_script_or_without(
    requested: str, there: tuple[str, ...], expected: tuple[str, ...]
):
    assert resolve_languages((requested,), there) == expected


def test_one_script_does_not_stand_for_the_other():
    with pytest.raises(DataError, match="zh-Hans"):
        resolve_languages(("zh-Hans",), ("zh-Hant", "zh"))


def test_a_language_without_shards_is_named_with_what_there_is():
    with pytest.raises(DataError, match=r"2 of 7 languages .*: sw, ur\. There are: de, en, fr, ru, zh\."):
        resolve_languages(("xlm7",), ("en", "fr", "de", "ru", "zh"))


def test_no_shards_at_all_are_no_languages():
    with pytest.raises(DataError, match="no languages there"):
        resolve_languages(("all",), ())


def test_a_name_that_means_nothing_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match=r"unknown language 'xlm10'\. Did you mean 'xlm100'"):
        resolve_languages(("xlm10",), ("en",))
