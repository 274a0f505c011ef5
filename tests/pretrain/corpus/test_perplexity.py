"""cc_net's perplexity: its normalisation, its formula, its models' names; unusual documents and models."""

from __future__ import annotations

import random
import re
import sys
import unicodedata
from pathlib import Path

import kenlm
import pytest
import sentencepiece
from kenlm_programs import kenlm_on_path

from pretrain.corpus.perplexity import LONGEST_PART, LanguageModels, normalised_for_lm
from pretrain.corpus.train_models import train_models
from xlmr_bench.errors import DataError, MissingData
from xlmr_bench.miniature import miniature_folder

LANGUAGES = ("en", "ru", "sw", "zh")


def lines_of(language: str) -> list[str]:
    text = (miniature_folder() / "text" / f"{language}.txt").read_text(encoding="utf-8")
    return [line for line in text.split("\n") if line][:1000]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models of four languages, each of every other line of the text."""
    folder = tmp_path_factory.mktemp("models")
    for language in LANGUAGES:
        (folder / "text").mkdir(exist_ok=True)
        (folder / "text" / f"{language}.txt").write_text("\n".join(lines_of(language)[::2]), encoding="utf-8")
    with kenlm_on_path():
        train_models(folder / "text", folder / "models", size=200, order=3)
    return folder / "models"


def bare(models: Path, language: str, lines: list[str]) -> float:
    """By SentencePiece and KenLM alone, for lines that are normalised."""
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(models / f"{language}.sp.model"))
    model = kenlm.Model(str(models / f"{language}.arpa.bin"))
    cut = [pieces.encode_as_pieces(line) for line in lines]
    log10 = sum(model.score(" ".join(line), bos=True, eos=True) for line in cut)
    return float(10 ** (-log10 / sum(len(line) + 1 for line in cut)))


@pytest.mark.parametrize(
    ("line", "normalised"),
    [
        ("  Être à Ångström  ", "etre a angstrom"),
        ("In 1999: ٣٤ and ３", "in 0000: 00 and 0"),
        ("„Nein“ – «oui» — ’s…", '"nein" - "oui"  -  \'s...'),
        ("你好，世界。（是）", "你好,世界.(是)"),
        ("tab\tcontrol\x07\x85feed\n", "tabcontrolfeed"),
        ("ΟΔΥΣΣΕΎΣ", "οδυσσευς"),
        ("İstanbul", "istanbul"),
        ("ガギグ हिन्दी", "カキク हिनदी"),
        ("", ""),
    ],
)
def test_lines_are_normalised_as_cc_nets(line: str, normalised: str) -> None:
    assert normalised_for_lm(line) == unicodedata.normalize("NFC", normalised_slowly(line)) == normalised


def normalised_slowly(line: str) -> str:
    """By the definition, a character at a time."""
    marks = dict(
        zip("，、。„”“«»」「《》´∶：？！（）；–～’━〈〉【】％►", ',,."""""""""\'::?!();-~\'-<>[]%-', strict=True)
    )
    longer = {"…": "...", "—": " - ", "．": ". "}
    text = unicodedata.normalize("NFD", line.strip().lower())
    text = "".join(c for c in text if unicodedata.category(c) not in ("Mn", "Cc"))
    return "".join(longer.get(c, marks.get(c, c)) for c in re.sub(r"\d", "0", text))


def test_every_character_is_normalised_by_the_definition() -> None:
    for point in range(sys.maxunicode + 1):
        character = chr(point)
        special = unicodedata.decomposition(character) or unicodedata.category(character)[0] in "MNPLC"
        if special and (point % 16 == 0 or unicodedata.category(character)[0] not in "LC"):
            line = f"a{character}b"
            # What has no accents to lose stays composed, and SentencePiece composes it as well.
            expected = unicodedata.normalize("NFKC", normalised_slowly(line))
            assert unicodedata.normalize("NFKC", normalised_for_lm(line)) == expected, hex(point)


def test_perplexity_is_that_of_the_formula(models: Path) -> None:
    languages = LanguageModels(models)
    for language in LANGUAGES:
        lines = lines_of(language)[1:20:2]
        expected = bare(models, language, [normalised_for_lm(line) for line in lines])
        assert languages.perplexity(language, "\n".join(lines)) == pytest.approx(expected, rel=1e-9)


def test_a_line_is_counted_by_its_pieces_and_its_end(models: Path) -> None:
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(models / "en.sp.model")).encode_as_pieces("monday")
    score = kenlm.Model(str(models / "en.arpa.bin")).score(" ".join(pieces))
    assert LanguageModels(models).perplexity("en", "Monday") == pytest.approx(10 ** (-score / (len(pieces) + 1)))


def test_characters_that_sentencepiece_does_not_know_are_shown_to_kenlm(models: Path) -> None:
    line = "hugo saw a ☃ and 漢字 on monday"
    assert LanguageModels(models).perplexity("en", line) == pytest.approx(bare(models, "en", [line]), rel=1e-9)


def test_a_whole_document_can_be_one_line_as_in_cc_nets_code(models: Path) -> None:
    lines = lines_of("en")[1:8:2]
    joined = normalised_for_lm("".join(lines))
    whole = LanguageModels(models, whole_documents=True).perplexity("en", "\n".join(lines))
    assert whole == pytest.approx(bare(models, "en", [joined]), rel=1e-9)
    assert whole != pytest.approx(LanguageModels(models).perplexity("en", "\n".join(lines)), rel=0.01)


def test_text_of_the_models_language_is_predicted_better(models: Path) -> None:
    languages = LanguageModels(models)
    documents = {language: "\n".join(lines_of(language)[1:40:2]) for language in LANGUAGES}
    for language in LANGUAGES:
        found = {other: languages.perplexity(language, document) for other, document in documents.items()}
        assert min(found, key=found.__getitem__) == language
        assert all(found[other] > 3 * found[language] for other in LANGUAGES if other != language)


def test_words_in_disorder_are_predicted_worse(models: Path) -> None:
    languages = LanguageModels(models)
    lines = lines_of("en")[1:100:2]
    draw = random.Random(1)
    mixed = [" ".join(draw.sample(words, len(words))) for words in map(str.split, lines)]
    assert languages.perplexity("en", "\n".join(mixed)) > 1.5 * languages.perplexity("en", "\n".join(lines))


def test_blank_lines_are_not_counted(models: Path) -> None:
    languages = LanguageModels(models)
    assert languages.perplexity("en", "\nhugo saw a mango\n \n\t\n\u0301\n") == languages.perplexity(
        "en", "hugo saw a mango"
    )


@pytest.mark.parametrize("text", ["", "\n\n", "\u0301\x07"])
def test_a_document_of_nothing_is_an_empty_line(models: Path, text: str) -> None:
    assert LanguageModels(models).perplexity("en", text) == pytest.approx(bare(models, "en", [""]))


def test_a_line_of_a_megabyte_is_scored_in_parts(models: Path) -> None:
    sentence = normalised_for_lm(lines_of("en")[0])
    languages = LanguageModels(models)
    line = f"{sentence} " * (1_000_000 // len(sentence))
    joined = languages.perplexity("en", line[: LONGEST_PART - 100])
    assert languages.perplexity("en", line) == pytest.approx(joined, rel=0.01)
    pieces = len(line) // LONGEST_PART + 1
    assert 0 < languages.perplexity("en", "x" * LONGEST_PART * pieces) < float("inf")


def test_parts_end_at_a_space(models: Path) -> None:
    word = "monday "
    line = word * (LONGEST_PART // len(word) + 2)
    cut = LONGEST_PART // len(word) * len(word)
    expected = bare(models, "en", [line[:cut], line[cut:]])
    assert LanguageModels(models).perplexity("en", line) == pytest.approx(expected, rel=1e-9)


def test_languages_alternate_in_any_order(models: Path) -> None:
    languages = LanguageModels(models)
    asked = ["en", "sw", "en", "zh", "sw"]
    found = [languages.perplexity(language, lines_of(language)[1]) for language in asked]
    assert found == [LanguageModels(models).perplexity(language, lines_of(language)[1]) for language in asked]


def copied(models: Path, to: Path) -> Path:
    to.mkdir()
    for path in models.glob("en.*"):
        (to / path.name).write_bytes(path.read_bytes())
    return to


@pytest.mark.parametrize(("half", "other"), [("sp.model", "arpa.bin"), ("arpa.bin", "sp.model")])
def test_half_a_pair_is_refused(models: Path, tmp_path: Path, half: str, other: str) -> None:
    folder = copied(models, tmp_path / "models")
    (folder / f"en.{half}").unlink()
    with pytest.raises(MissingData, match=f"holds en.{other} without en.{half}") as refusal:
        LanguageModels(folder)
    assert "corpus models" in str(refusal.value)


@pytest.mark.parametrize("half", ["sp.model", "arpa.bin"])
@pytest.mark.parametrize("keep", [0.0, 0.01, 0.5, 0.8])
def test_a_damaged_model_is_refused_by_name(models: Path, tmp_path: Path, half: str, keep: float) -> None:
    folder = copied(models, tmp_path / "models")
    path = folder / f"en.{half}"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(DataError, match=re.escape(f"{path} cannot be loaded")) as refusal:
        LanguageModels(folder).perplexity("en", "hugo saw a mango")
    assert "\n" not in str(refusal.value)


def test_a_folder_without_models_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="no folder of language models at"):
        LanguageModels(tmp_path / "none")
    with pytest.raises(MissingData, match="holds no language models"):
        LanguageModels(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot read the language models"):
        LanguageModels(tmp_path / "file")


def test_nothing_is_printed(models: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Not even where the model is text, of which KenLM complains."""
    folder = copied(models, tmp_path / "models")
    (folder / "en.arpa.bin").write_text(
        "\\data\\\nngram 1=3\nngram 2=1\n\n\\1-grams:\n-1\t<unk>\n0\t<s>\t0\n-1\t</s>\n\n"
        "\\2-grams:\n-1\t<s> </s>\n\n\\end\\\n"
    )
    assert LanguageModels(folder).perplexity("en", "hugo saw a mango") == pytest.approx(10)
    assert capfd.readouterr() == ("", "")
