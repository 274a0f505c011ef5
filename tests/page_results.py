"""A folder of results with everything that a page must show."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tabled import run_record, write_run

from xlmr_bench.languages import CONLL_LANGUAGES, XNLI_LANGUAGES

SCRIPT = '<script>alert("x")<b>'
ARABIC = "نموذج عربي (٢)"
BREAKOUT = "</script><script>document.title='broken'</script>"


@dataclass(frozen=True)
class Built:
    """The folders of records and page, the page's two files, and the records that were written."""

    runs: Path
    out: Path
    html: Path
    readme: Path
    records: tuple[Path, ...]


def xnli_values(level: float) -> dict[str, float]:
    """Scores that fall from language to language."""
    return {code: round(level - 0.012 * place, 4) for place, code in enumerate(XNLI_LANGUAGES)}


def write_results(runs: Path) -> tuple[Path, ...]:
    """Three models on XNLI (one of a hostile name, one of an Arabic), a collapsed and a limited seed; MLQA; NER."""
    made = [
        run_record("xnli", "transfer", xnli_values(level), seed=seed, name=name)
        for name, levels in (
            ("xlm-roberta-base", (0.858, 0.861, 0.853)),
            (SCRIPT, (0.801, 0.809)),
            (ARABIC, (0.744,)),
        )
        for seed, level in enumerate(levels, 1)
    ]
    lost = run_record("xnli", "transfer", xnli_values(0.35), seed=4, name="xlm-roberta-base", notes=[BREAKOUT])
    made += [{**lost, "status": "collapsed"}]
    made += [run_record("xnli", "transfer", xnli_values(0.7), seed=9, name="hurried", limited=50)]
    pairs = {code: (level, level - 0.18) for code, level in zip(("en", "es", "de"), (0.79, 0.70, 0.62), strict=True)}
    made += [run_record("mlqa", "transfer", pairs, name=ARABIC, selection="english", official=None)]
    entities = {code: (value, value, value) for code, value in zip(CONLL_LANGUAGES, (0.9, 0.8, 0.79, 0.7), strict=True)}
    made += [run_record("ner", "transfer", entities, seed=seed, name="xlmr.base") for seed in (1, 2)]
    return tuple(write_run(runs, record) for record in made)
