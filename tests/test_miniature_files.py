"""The miniature world's files: formats, alignment, manifest, and how the folder comes about."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from xlmr_bench.errors import XlmrBenchError
from xlmr_bench.files import sha256_of
from xlmr_bench.miniature import LANGUAGES, VERSION, miniature_folder, parallel_words, write_miniature
from xlmr_bench.miniature.grammar import render
from xlmr_bench.miniature.meaning import LABELS
from xlmr_bench.miniature.nli import prompts

XNLI = sorted(set(LANGUAGES) - {"nl"})
# What one process wrote to stdout and stderr.
Answer = tuple[str, str]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("miniature") / "world"
    write_miniature(folder)
    return folder


def rows_of(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]


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
def built_twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Answer]]:
    """A cache that two processes filled at the same time, and what each wrote to stdout and stderr."""
    cache = tmp_path_factory.mktemp("cache")
    builders = [start_build(cache) for _ in range(2)]
    answers = [builder.communicate() for builder in builders]
    assert [builder.returncode for builder in builders] == [0, 0], answers
    return cache, answers


def test_processes_that_build_together_end_with_one_whole_folder(
    built_twice: tuple[Path, list[Answer]],
) -> None:
    cache, answers = built_twice
    (built,) = cache.iterdir()
    assert [out for out, _ in answers] == [f"{built}\n"] * 2
    assert all(err.startswith("building the miniature world") and err.count("\n") == 1 for _, err in answers)


def test_the_world_is_the_same_in_every_byte_whoever_builds_it(
    world: Path, built_twice: tuple[Path, list[Answer]]
) -> None:
    (built,) = built_twice[0].iterdir()
    paths = sorted(path.relative_to(world) for path in world.rglob("*") if path.is_file())
    assert paths == sorted(path.relative_to(built) for path in built.rglob("*") if path.is_file())
    assert [path for path in paths if (world / path).read_bytes() != (built / path).read_bytes()] == []


def test_a_built_world_is_used_as_it_is(
    built_twice: tuple[Path, list[Answer]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XLMR_BENCH_CACHE", str(built_twice[0]))
    assert [miniature_folder()] == list(built_twice[0].iterdir())
    assert capsys.readouterr() == ("", "")


def test_a_folder_that_lost_its_manifest_is_reported_rather_than_used(
    built_twice: tuple[Path, list[Answer]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
