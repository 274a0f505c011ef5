"""The language of a document: the same answers as fastText's own program, votes, labels, and files that are none."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from pretrain.corpus.identify import DISPUTED, LOW_CONFIDENCE, Answer, Identifier, Model
from pretrain.corpus.labels import TABLE, code_of
from pretrain.languages import cc100
from xlmr_bench.errors import DataError, MissingData, UsageError

LINES = 40  # of each language, for the comparison with the program
ENGLISH = ["the cat sat on the mat", "we went home with the children", "this is what they said about the house"]
HINDI = ["मेरा नाम राज है", "हम घर जा रहे हैं", "यह बहुत अच्छा दिन है"]
# fastText quantises no fewer than 256 rows: with `-qout`, labels.
LETTERS = {f"x{i}": [chr(0x100 + i) * 3] for i in range(260)}
ROMANISED = ["mera naam raj hai", "hum ghar ja rahe hain", "yeh bahut accha din hai"]


@pytest.fixture(scope="module")
def program() -> str:
    found = shutil.which("fasttext")
    if found is None:
        pytest.skip("fastText's own program is not on PATH (on Debian: apt-get install fasttext)")
    return found


@pytest.fixture(scope="module")
def lid176(shared_data: Path) -> Path:
    return shared_data / "lid" / "lid.176.ftz"


def trained(program: str, path: Path, sentences: dict[str, list[str]], mode: str = "supervised") -> Path:
    """A small model that answers with these labels."""
    text = path.with_suffix(".txt")
    lines = [f"__label__{label} {line}" for label, found in sentences.items() for line in found for _ in range(20)]
    text.write_text("\n".join(lines) + "\n", encoding="utf-8")
    subprocess.run(
        [program, mode, "-input", text, "-output", path.with_suffix(""), "-dim", "8", "-bucket", "2000",
         "-minn", "2", "-maxn", "3", "-epoch", "20", "-lr", "0.5", "-thread", "1"],
        check=True, capture_output=True,
    )  # fmt: skip
    return path


def answering(label: str, probability: float, languages: str) -> Model:
    """A model that always gives the same answer."""

    def predict(text: str) -> tuple[Sequence[str], Sequence[float]]:
        return (label,), (probability,)

    return Model(predict, frozenset(languages.split()))


def test_answers_equal_those_of_fasttexts_own_program(program: str, lid176: Path, shared_data: Path) -> None:
    files = sorted((shared_data / "text" / "lingua_sentences").glob("*.txt"))
    lines = [line for f in files for line in f.read_text(encoding="utf-8").split("\n")[:LINES] if line.strip()]
    said = subprocess.run(
        [program, "predict-prob", lid176, "-", "1"],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        check=True,
    )
    expected = [line.split(" ") for line in said.stdout.split("\n")[:-1]]
    identifier = Identifier.load([lid176], threshold=0.0)
    answers = [identifier.identify(line) for line in lines]
    assert len(files) == 79
    assert len(expected) == len(lines) > 3000
    assert [a.language for a in answers] == [code_of(label) for label, _ in expected]
    assert [a.probability for a in answers] == pytest.approx([float(p) for _, p in expected], rel=2e-5)


def test_most_real_documents_get_their_language(lid176: Path, shared_data: Path) -> None:
    identifier = Identifier.load([lid176])
    for language in ("en", "de", "ru", "th", "ja", "ko"):
        lines = (shared_data / "text" / "lingua_sentences" / f"{language}.txt").read_text(encoding="utf-8").split("\n")
        answers = [identifier.identify("\n".join(lines[i : i + 8])) for i in range(0, 400, 8)]
        assert sum(answer.language == language for answer in answers) >= 49


def test_line_feeds_are_spaces(lid176: Path) -> None:
    identifier = Identifier.load([lid176])
    assert identifier.identify("Das ist\nein Haus") == identifier.identify("Das ist ein Haus")


def test_an_answer_below_the_threshold_is_none() -> None:
    sure = Identifier([answering("__label__de", 0.5, "de")], threshold=0.5)
    assert sure.identify("x") == Answer("de", 0.5)
    unsure = Identifier([answering("__label__de", 0.4999, "de")], threshold=0.5)
    assert unsure.identify("x") == Answer(None, 0.4999, LOW_CONFIDENCE)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        # (label, probability, languages that the model knows)
        (("de", 0.9, "de en"), ("deu_Latn", 0.7, "de en"), Answer("de", 0.7)),
        (("de", 0.9, "de en"), ("eng_Latn", 0.7, "de en"), Answer(None, 0.9, DISPUTED)),
        (("de", 0.9, "de en"), ("eng_Latn", 0.4, "de en"), Answer(None, 0.9, DISPUTED)),
        (("de", 0.4, "de en"), ("eng_Latn", 0.3, "de en"), Answer(None, 0.4, LOW_CONFIDENCE)),
        # A language that the other model does not know is not outvoted by it.
        (("en", 0.9, "de en hi"), ("hin_Latn", 0.7, "en hi hi_rom"), Answer("hi_rom", 0.7)),
        (("hi", 0.9, "de en hi"), ("hin_Latn", 0.7, "en hi hi_rom"), Answer("hi_rom", 0.7)),
        (("en", 0.9, "de en hi"), ("hin_Latn", 0.4, "en hi hi_rom"), Answer(None, 0.9, DISPUTED)),
        (("de", 0.9, "de en"), ("hin_Latn", 0.4, "en hi_rom"), Answer("de", 0.9)),
        (("de", 0.9, "de en"), ("hin_Latn", 0.7, "en hi_rom"), Answer(None, 0.9, DISPUTED)),
        # The scripts of Chinese are one language to a vote.
        (("zh", 0.9, "zh en"), ("zho_Hant", 0.7, "zh en"), Answer("zh", 0.7)),
    ],
)
def test_models_vote(
    first: tuple[str, float, str], second: tuple[str, float, str], expected: Answer
) -> None:  # fmt: skip
    for order in ((first, second), (second, first)):
        assert Identifier([answering(*model) for model in order], threshold=0.5).identify("x") == expected


def test_a_second_model_finds_romanised_hindi(program: str, tmp_path: Path) -> None:
    plain = trained(program, tmp_path / "plain.bin", {"en": ENGLISH, "hi": HINDI})
    more = trained(
        program, tmp_path / "more.bin", {"eng_Latn": ENGLISH, "hin_Deva": HINDI, "hin_Latn": ROMANISED}
    )  # fmt: skip
    alone, both = Identifier.load([plain]), Identifier.load([plain, more])
    assert alone.identify(ROMANISED[0]).language != "hi_rom"
    assert both.identify(ROMANISED[0]).language == "hi_rom"
    assert both.identify(ENGLISH[0]).language == "en"
    assert both.identify(HINDI[0]).language == "hi"


def test_nothing_is_printed(program: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Identifier.load([trained(program, tmp_path / "lid.bin", {"en": ENGLISH})]).identify("the house")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("__label__de", "de"),
        ("__label__deu_Latn", "de"),
        ("__label__hin_Latn", "hi_rom"),
        ("__label__hin_Deva", "hi"),
        ("hi-Latn", "hi_rom"),
        ("hin", "hi"),
        ("zho_Hans", "zh-Hans"),
        ("cmn_Hans", "zh-Hans"),
        ("cmn_Hani", "zh"),
        ("zh-TW", "zh-Hant"),
        ("als", "als"),  # Alemannic to lid.176
        ("als_Latn", "sq"),  # Tosk Albanian to ISO 639-3
        ("nob_Latn", "no"),
        ("fil", "tl"),
        ("ydd_Hebr", "yi"),
        ("srp_Latn", "sr"),
        ("rus_Latn", "rus_latn"),
        ("ace_Arab", "ace_arab"),
        ("my_zaw", "my_zaw"),
        ("C++", "und-c"),
        ("12", "und-12"),
        ("simplifiedchinese", "und-simplifiedchinese"),
        ("sr--Latn_", "sr-latn"),
        ("__label__", "und"),
    ],
)
def test_labels_become_our_codes(label: str, code: str) -> None:
    assert code_of(label) == code
    assert re.fullmatch(r"[a-z]{2,12}([-_][A-Za-z0-9]+)*", code)


def test_every_language_of_table_6_can_be_named() -> None:
    assert all(code_of(code) == code for code in cc100())
    rows = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").split("\n") if line and line[0] != "#"][1:]
    named = {
        code_of(f"{name}_{script}")
        for _, names, scripts in rows
        for name in names.split()
        for script in scripts.split()
    }
    assert named >= set(cc100()) - {"my_zaw"}
    assert len({row[0] for row in rows}) == len(rows)


def test_every_label_of_lid_176_keeps_its_name(lid176: Path) -> None:
    from pretrain.corpus.fasttext_file import labels_of

    labels = labels_of(lid176)
    assert len(labels) == 176
    assert [code_of(label) for label in labels] == [label.removeprefix("__label__") for label in labels]


def test_a_model_that_is_not_there_is_refused_with_the_download(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"no language identification model at .*fasttext\.cc"):
        Identifier.load([tmp_path / "lid.176.bin"])
    with pytest.raises(DataError, match="cannot read the language identification model"):
        Identifier.load([tmp_path])
    with pytest.raises(UsageError, match="no language identification model is named"):
        Identifier.load([])


@pytest.mark.parametrize("quantised", [[], ["-dsub", "2"], ["-dsub", "2", "-qnorm"], ["-dsub", "2", "-qout"]], ids=str)
def test_a_model_cut_short_anywhere_is_refused(program: str, tmp_path: Path, quantised: list[str]) -> None:
    """fastText itself hangs, crashes, or answers at random."""
    whole = trained(program, tmp_path / "lid.bin", LETTERS | {"en": ENGLISH, "hi": HINDI})
    if quantised:
        subprocess.run(
            [program, "quantize", "-input", tmp_path / "lid.txt", "-output", tmp_path / "lid", *quantised],
            check=True, capture_output=True,
        )  # fmt: skip
        whole = tmp_path / "lid.ftz"
    content = whole.read_bytes()
    assert Identifier.load([whole]).identify("the house").language == "en"
    cut = tmp_path / "cut.bin"
    for size in (0, 1, 7, 8, 50, 90, 200, len(content) // 2, len(content) - 1):
        cut.write_bytes(content[:size])
        with pytest.raises(DataError, match=r"cut\.bin") as refusal:
            Identifier.load([cut])
        assert "Download" in str(refusal.value)
    cut.write_bytes(content + b"\0")
    with pytest.raises(DataError, match="damaged or cut short"):
        Identifier.load([cut])


def test_a_file_of_something_else_is_refused(program: str, tmp_path: Path) -> None:
    other = tmp_path / "page.html"
    other.write_text("<html>404 not found</html>" * 100)
    with pytest.raises(DataError, match=re.escape("page.html is no fastText model")):
        Identifier.load([other])
    other.write_bytes(struct.pack("<ii", 793712314, 12) + b"\xff" * 500)
    with pytest.raises(DataError, match="damaged"):
        Identifier.load([other])
    with pytest.raises(DataError, match="word vectors and no labels"):
        Identifier.load([trained(program, tmp_path / "vectors.bin", {"en": ENGLISH}, mode="skipgram")])


@pytest.mark.parametrize("threshold", [-0.1, 1.5])
def test_a_threshold_that_is_no_probability_is_refused(threshold: float) -> None:
    with pytest.raises(UsageError, match="not between 0 and 1"):
        Identifier.load([Path("lid.176.bin")], threshold)
