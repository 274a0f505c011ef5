"""What the stages do beyond the plain case: groups, buckets, parts of text, dumps of English, a real WET file."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import run_program
from kenlm_programs import kenlm_programs
from made_dump import MadeDump
from wet_files import write_wet

from pretrain.corpus.folder import Corpus
from pretrain.corpus.regroup import Part, settle_parts
from xlmr_bench.files import write_json


def build(source: Path, out: Path, lid: Path, *words: object) -> Any:
    done = run_program("pretrain", "corpus", "build", source, out, "--lid", lid, "--workers", 2, *words)
    assert done.returncode == 0, done.stderr
    return json.loads((out / "report.json").read_text())


def corpus_in(out: Path, wet: int, **changed: Any) -> Corpus:
    values: dict[str, Any] = {
        "out": out, "wet": tuple(f"{i}.wet" for i in range(wet)), "group_files": 2, "lid": (), "threshold": 0.5,
        "models": None, "cutoffs": None, "english_dump": None, "keep": ("head", "all"),
    }  # fmt: skip
    return Corpus(**{**values, **changed})


def test_lines_repeat_within_a_group_only(dump: MadeDump, lid: Path, tmp_path: Path) -> None:
    found = build(dump.folder, tmp_path / "out", lid, "--group-files", 1)
    repeated = 0
    for path in dump.folder.iterdir():
        text = gzip.decompress(path.read_bytes()).decode()
        pages = [record.partition("\r\n\r\n")[2].removesuffix("\r\n\r\n") for record in text.split("WARC/1.0\r\n")[2:]]
        kept = [page.split("\n") for page in pages if len(page) >= 300]
        seen = Counter(plain(line) for lines in kept for line in lines)
        repeated += sum(seen[plain(line)] > 1 for lines in kept for line in lines)
    assert found["lines"]["repeated"] == repeated
    assert "only repeated lines" not in found["dropped"], "the two copies are in different files"


def plain(line: str) -> str:
    """Enough of a normal form for lines that have no two forms of one letter."""
    return re.sub(r"\W", "", re.sub(r"\d", "0", line.lower()))


def test_the_real_wet_file_comes_out_with_its_one_page(shared_data: Path, tmp_path: Path) -> None:
    wet = shared_data / "commoncrawl" / "whirlwind.warc.wet.gz"
    (tmp_path / "wet").mkdir()
    (tmp_path / "wet" / wet.name).symlink_to(wet)
    found = build(tmp_path / "wet", tmp_path / "out", shared_data / "lid" / "lid.176.ftz")
    assert found["pages"] == 1
    record = gzip.decompress(wet.read_bytes()).split(b"Content-Length: 4456")[1].partition(b"\r\n\r\n")[2][:4456]
    lines = record.decode().split("\n")
    seen = Counter(map(plain, lines))
    left = [line for line in lines if seen[plain(line)] == 1 and line.strip()]
    assert found["lines"] == {"read": len(lines), "repeated": sum(seen[plain(line)] > 1 for line in lines)}
    (path,) = (tmp_path / "out" / "text").glob("*/00000.txt.gz")
    assert gzip.decompress(path.read_bytes()).decode().rstrip("\n").split("\n") == [line.rstrip() for line in left]
    assert path.parent.name == "es", "Aragonese is Spanish to the small lid.176, as to CommonCrawl's own header"


def test_english_of_another_dump_is_dropped(sentences: dict[str, list[str]], lid: Path, tmp_path: Path) -> None:
    english = [(f"https://en.example/{i}", "\n".join(sentences["en"][i : i + 12])) for i in range(0, 120, 12)]
    german = [(f"https://de.example/{i}", "\n".join(sentences["de"][i : i + 12])) for i in range(0, 120, 12)]
    for number, name in enumerate(("CC-MAIN-2018-30", "CC-MAIN-2018-34")):
        folder = tmp_path / "wet" / "crawl-data" / name / "wet"
        own = slice(5 * number, 5 * number + 5)
        write_wet(folder / "a.warc.wet.gz", english[own] + german[own])
    found = build(tmp_path / "wet", tmp_path / "out", lid, "--english-dump", "CC-MAIN-2018-30")
    assert found["languages"]["en"]["documents"] == {"all": 5}
    assert found["languages"]["de"]["documents"] == {"all": 10}
    assert found["dropped"]["English of another dump"] == 5


def test_parts_are_bounded_and_in_order(tmp_path: Path) -> None:
    corpus = corpus_in(tmp_path, 5)
    for wet, size in enumerate((60, 50, 10, 200, 5)):
        languages = {"sw": {"text_bytes": size}, **({"en": {"text_bytes": 1}} if wet in (1, 4) else {})}
        write_json(corpus.counts(wet), {"languages": languages})
    (tmp_path / "text").mkdir()
    settle_parts(corpus, part_bytes=100)
    expected = [Part("en", 0, 1, 4), Part("sw", 0, 0, 0), Part("sw", 1, 1, 2), Part("sw", 2, 3, 3), Part("sw", 3, 4, 4)]
    assert [Part(*values) for values in json.loads(corpus.parts.read_text())] == expected


@pytest.fixture(scope="module")
def models(sentences: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small language models of English and German, of other sentences than most documents hold."""
    programs = kenlm_programs()
    if programs is None:
        pytest.skip("KenLM's lmplz is not here and cannot be built (cmake and Boost are needed)")
    folder = tmp_path_factory.mktemp("models")
    (folder / "text").mkdir()
    for code in ("de", "en"):
        (folder / "text" / f"{code}.txt").write_text("\n".join(sentences[code][:400]) + "\n", encoding="utf-8")
    words = ["corpus", "models", folder / "text", folder / "models", "--size", 400, "--order", 3, "--threads", 1]
    before = f"import os; os.environ['PATH'] = {str(programs)!r} + ':' + os.environ['PATH']"
    done = run_program("pretrain", *words, before=before)
    assert done.returncode == 0, done.stderr
    return folder / "models"


def test_computed_cutoffs_part_a_language_by_percentiles(
    dump: MadeDump, lid: Path, models: Path, tmp_path: Path
) -> None:
    found = build(dump.folder, tmp_path / "out", lid, "--models", models)
    for code in ("de", "en"):
        perplexities = perplexities_of(tmp_path / "out", code)
        cutoffs = json.loads((tmp_path / "out" / "cutoffs.json").read_text())[code]
        assert cutoffs == pytest.approx(np.percentile(perplexities, [30, 60]), rel=0.015)
        head, middle = (sum(p < cutoff for p in perplexities) for cutoff in cutoffs)
        counts = {"head": head, "middle": middle - head, "tail": len(perplexities) - middle}
        assert found["languages"][code]["documents"] == counts
    assert set(found["languages"]["fr"]["documents"]) == {"all"}, "a language without a model"
    texts = gzip.decompress((tmp_path / "out" / "text" / "en" / "00000.txt.gz").read_bytes()).decode()
    kept = found["languages"]["en"]["documents"]
    assert len(texts.split("\n\n")) == kept["head"] + kept["middle"], "the tail is not kept"


def test_published_cutoffs_are_used_as_they_are(dump: MadeDump, lid: Path, models: Path, tmp_path: Path) -> None:
    table = tmp_path / "cutoff.csv"
    rows = [f"{p},{10 * p},1" for p in range(101)]
    table.write_text("\n".join([",de,xx", *rows]) + "\n")
    found = build(dump.folder, tmp_path / "out", lid, "--models", models, "--cutoffs", table, "--keep", "tail,all")
    assert json.loads((tmp_path / "out" / "cutoffs.json").read_text()) == {"de": [300, 600]}
    perplexities = perplexities_of(tmp_path / "out", "de")
    assert found["languages"]["de"]["documents"] == dict(
        sorted(Counter("head" if p < 300 else "middle" if p < 600 else "tail" for p in perplexities).items())
    )
    assert found["languages"]["en"]["documents"].keys() == {"all"}, "a model without a published cut-off"


def perplexities_of(out: Path, language: str) -> list[float]:
    """Those of all documents of a language, in their order."""
    found: list[float] = []
    for path in sorted((out / "documents").glob("*.json")):
        place = json.loads(path.read_text())["languages"].get(language)
        if place is not None:
            data = path.with_suffix(".jsonl.gz").read_bytes()[place["offset"] : place["offset"] + place["bytes"]]
            found += [json.loads(line)["perplexity"] for line in gzip.decompress(data).splitlines()]
    return found
