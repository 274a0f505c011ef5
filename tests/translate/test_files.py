"""The files that come out are those that the readers of the benchmarks look for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sacrebleu.metrics.chrf import CHRF
from translation_originals import MNLI, write_corpus, write_glue, write_test_sets

from xlmr_bench.benchmarks.base import Where
from xlmr_bench.benchmarks.conll_files import read_conll, read_sentences
from xlmr_bench.benchmarks.glue_files import read_glue
from xlmr_bench.benchmarks.squad_files import read_mlqa, read_xquad
from xlmr_bench.benchmarks.xnli_files import read_xnli
from xlmr_bench.errors import DataError
from xlmr_bench.files import sha256_of
from xlmr_bench.miniature import miniature_folder

Run = Callable[..., list[Path]]


def record(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.with_name(f"{file.name}.translation.json").read_text())
    return content


def test_xnli_train_is_read_with_the_labels_of_its_original(run: Run, tmp_path: Path) -> None:
    files = run("xnli", "train", "de,sw", miniature_folder(), limit=20)
    assert [f.relative_to(tmp_path).as_posix() for f in files] == [
        f"out/XNLI-MT-1.0/multinli/multinli.train.{code}.tsv" for code in ("de", "sw")
    ]
    english = read_xnli(Where((miniature_folder(),)), "train", "en").examples[:20]
    german, swahili = (read_xnli(Where((tmp_path / "out",)), "train", code).examples for code in ("de", "sw"))
    assert [e.label for e in german] == [e.label for e in swahili] == [e.label for e in english]
    assert len({e.premise for e in german}) > 1
    assert german != swahili
    assert {line.split("\t")[2] for line in files[0].read_text().splitlines()} == {
        "label", "entailment", "neutral", "contradictory",
    }  # fmt: skip


@pytest.mark.parametrize("role", ["dev", "test"])
def test_xnli_test_sets_go_into_english_and_are_scored_by_row(run: Run, tmp_path: Path, role: str) -> None:
    (file,) = run("xnli", role, "sw", miniature_folder())
    where = Where((tmp_path / "out", miniature_folder()))
    made, english = read_xnli(where, f"translate-{role}", "sw"), read_xnli(where, role, "en")
    assert [e.label for e in made.examples] == [e.label for e in english.examples]
    assert made.source.startswith("machine translation")
    scores = record(file)["quality"]
    hypotheses, references = [], []
    seen = set()
    for ours, theirs in zip(made.examples, english.examples, strict=True):
        if theirs.premise not in seen:
            hypotheses.append(ours.premise)
            references.append(theirs.premise)
        seen.add(theirs.premise)
        hypotheses.append(ours.hypothesis)
        references.append(theirs.hypothesis)
    assert scores["chrf"] == pytest.approx(CHRF().corpus_score(hypotheses, [references]).score / 100)
    assert 0 <= scores["bleu"] < 0.35 and scores["sentences"] == len(hypotheses)
    assert scores["chrf_signature"].startswith("nrefs:1|case:mixed|eff:yes|nc:6")


def test_squad_train_without_a_single_placed_answer_is_not_written(run: Run, squad: Path, tmp_path: Path) -> None:
    # The words of a random model are answers to nothing.
    with pytest.raises(DataError, match=r"of 6 translated answers none stands .* Is this a model for en to de"):
        run("squad", "train", "de", squad, max_new_tokens=3)
    assert not list((tmp_path / "out").rglob("*.json"))


@pytest.mark.parametrize("benchmark", ["mlqa", "xquad"])
def test_question_test_sets_keep_every_question_and_are_scored_by_id(run: Run, tmp_path: Path, benchmark: str) -> None:
    data = write_test_sets(tmp_path / "originals")
    (file,) = run(benchmark, "test", "de", data)
    read = {"mlqa": read_mlqa, "xquad": read_xquad}[benchmark]
    made = read(Where((tmp_path / "out",)), "translate-test", "de")
    assert [q.id for q in made.examples] == ["b", "a"]
    assert all(answer for q in made.examples for answer in q.answers)
    found = record(file)
    assert found["quality"]["sentences"] == 2
    assert found["counts"]["examples_left_out"] == 0
    assert (found["source_language"], found["target_language"]) == ("de", "en")


def test_glue_keeps_columns_ids_and_labels_and_clears_the_english_parses(run: Run, tmp_path: Path) -> None:
    data = write_glue(tmp_path / "originals")
    run("glue", "train", "de", data, tasks=("MNLI", "CoLA", "QQP"))
    where = Where((tmp_path / "out" / "de",))
    original = read_glue("MNLI", Where((data,)), "train")
    assert [e.label for e in read_glue("MNLI", where, "train").examples] == [e.label for e in original.examples]
    lines = [line.split("\t") for line in (tmp_path / "out/de/glue_data/MNLI/train.tsv").read_text().splitlines()]
    assert lines[0] == MNLI[0]
    assert [line[:4] for line in lines[1:]] == [line[:4] for line in MNLI[1:]]
    assert [line[4] for line in lines[1:]] == ["", ""]
    assert all(new[5] != old[5] for new, old in zip(lines[1:], MNLI[1:], strict=True))
    cola = (tmp_path / "out/de/glue_data/CoLA/train.tsv").read_text().splitlines()
    assert [line.split("\t")[:3] for line in cola] == [["gj04", "1", ""], ["gj05", "0", "*"]]
    assert len(read_glue("QQP", where, "train").examples) == 2  # its broken line is left out


def test_mrpc_made_from_the_corpus_has_the_official_columns(run: Run, tmp_path: Path) -> None:
    data = write_corpus(tmp_path / "originals")
    run("glue", "train", "de", data, tasks=("MRPC",))
    text = (tmp_path / "out/de/glue_data/MRPC/train.tsv").read_text()
    assert text.splitlines()[0] == "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String"
    assert [line.split("\t")[:3] for line in text.splitlines()[1:]] == [["1", "11", "12"], ["0", "31", "32"]]
    assert len(read_glue("MRPC", Where((tmp_path / "out" / "de",)), "train").examples) == 2


def test_mnli_dev_is_both_files(run: Run, tmp_path: Path) -> None:
    data = write_glue(tmp_path / "originals")
    assert [f.name for f in run("glue", "dev", "de", data, tasks=("MNLI",))] == [
        "dev_matched.tsv", "dev_mismatched.tsv",
    ]  # fmt: skip
    assert len(read_glue("MNLI", Where((tmp_path / "out" / "de",)), "dev-mismatched").examples) == 2


def test_ner_has_the_entities_of_the_original_one_token_a_line(run: Run, tmp_path: Path) -> None:
    data = tmp_path / "originals"
    data.mkdir()
    (data / "eng.train").write_text(
        "-DOCSTART- -X- O O\n\nEU NNP I-NP I-ORG\nrejects VBZ I-VP O\nGerman JJ I-NP I-MISC\n. . O O\n\n"
        "New NNP I-NP I-LOC\nYork NNP I-NP I-LOC\n1996 CD I-NP O\n\n"
    )
    (file,) = run("ner", "train", "de", data)
    made, _ = read_sentences(file)
    assert [[t for t in s.tags if t.startswith("B")] for s in made] == [["B-ORG", "B-MISC"], ["B-LOC"]]
    assert (made[0].words[-1], made[1].words[-1]) == (".", "1996")
    assert all(line.count("\t") == 1 for line in file.read_text().splitlines() if line)
    split = read_conll(Where((tmp_path / "out", data)), "translate-train", "de")
    assert len(split.examples) == record(file)["counts"]["examples"] == 2
    assert record(file)["counts"]["entities"] == 3


def test_the_record_tells_model_settings_originals_counts_and_speed(run: Run, m2m: Path, tmp_path: Path) -> None:
    (file,) = run("xnli", "train", "de", miniature_folder(), limit=12)
    found = record(file)
    original = read_xnli(Where((miniature_folder(),)), "train", "en")
    assert found["sha256"] == sha256_of(file)
    assert found["model"]["name"] == "m2m-tiny" and found["model"]["revision"] is None
    assert found["model"]["weights_sha256"] == sha256_of(m2m / "model.safetensors")
    assert found["identity"]["beams"] == 2 and found["identity"]["max_new_tokens"] == 8
    assert found["originals"]["split_digest"] == original.digest
    assert found["originals"]["files"] == [{"path": str(original.files[0]), "sha256": sha256_of(original.files[0])}]
    texts = [t for e in original.examples[:12] for t in (e.premise, e.hypothesis)]
    assert found["counts"]["texts"] == 24
    assert found["counts"]["distinct_texts"] == len(set(texts)) < 24
    assert found["counts"]["characters"] == sum(map(len, set(texts)))
    assert found["counts"]["examples"] == found["limit"] == 12
    assert found["texts_per_second"] == pytest.approx(len(set(texts)) / found["seconds"], rel=0.05)
    assert {"torch", "transformers", "sacrebleu"} <= found["packages"].keys()
    assert found["quality"] is None


def test_originals_are_left_as_they_are(run: Run, tmp_path: Path) -> None:
    data = write_test_sets(tmp_path / "originals")
    before = {p: p.read_bytes() for p in data.rglob("*") if p.is_file()}
    run("mlqa", "test", "de", data)
    assert {p: p.read_bytes() for p in data.rglob("*") if p.is_file()} == before


def test_a_file_changed_by_hand_is_refused_by_readers_and_made_again(run: Run, tmp_path: Path) -> None:
    (file,) = run("xnli", "train", "de", miniature_folder(), limit=12)
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    with pytest.raises(DataError, match="digest differs"):
        read_xnli(Where((tmp_path / "out",)), "train", "de")
    assert run("xnli", "train", "de", miniature_folder(), limit=12) == [file]
    assert file.read_bytes() == whole
