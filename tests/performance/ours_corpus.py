"""Our side of the corpus: the stages' own calls, without tasks and files. `python -m performance.ours_corpus JOB`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from pretrain.corpus.identify import Identifier
from pretrain.corpus.lines import line_hashes
from pretrain.corpus.perplexity import LanguageModels
from pretrain.corpus.problems import Problems
from pretrain.corpus.wet import read_wet

from .clock import Found, Job, phase, read_job, report
from .profiles import grouped
from .work import OURS


def work(job: Job) -> Found:
    """Reading, hashing, identifying, scoring: each over all pages."""
    folder, found, scores = Path(job["folder"]), Found(), {}
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    with (folder / "documents.jsonl").open(encoding="utf-8") as lines:
        documents = [(code, text) for code, text, _ in sorted(map(json.loads, lines))]
    size = sum(len(text.encode()) for _, text in documents) / 1e6
    with phase(found, "read", size):
        scores["characters"] = sum(len(page.text) for page in read_wet(folder / "wet.warc.wet.gz", Problems()))
    if job["side"] == OURS and not job["all"]:
        return found
    line_hashes("warm")
    with phase(found, "hash", size):
        hashes = [line_hashes(text) for _, text in documents]
    scores["different lines"] = len(np.unique(np.concatenate(hashes)))
    if about["lid"]:
        identifier = Identifier.load([Path(about["lid"])], 0.0)
        with phase(found, "identify", size):
            named = [identifier.identify(text).language for _, text in documents]
        scores |= {f"documents in {code}": named.count(code) for code in about["languages"]}
    if (folder / "models").is_dir():
        models = LanguageModels(folder / "models")
        with phase(found, "perplexity", size):
            perplexities = [models.perplexity(code, text) for code, text in documents]
        scores["mean perplexity"] = round(sum(perplexities) / len(perplexities), 6)
    return {**found, "scores": {name: [value, value] for name, value in scores.items()}}


def main() -> None:
    """Measure, or tell where the time goes."""
    job = read_job()
    if job["mode"] == "profile":
        groups = {
            "reading": ("corpus/wet.py:read_wet",), "hashing": ("corpus/lines.py:line_hashes",),
            "fastText": ("corpus/identify.py:identify",), "perplexity": ("corpus/perplexity.py:perplexity",),
        }  # fmt: skip
        report({"profile": {"all": grouped(lambda: work(job) and None, groups)}})
    else:
        report(work(job))


if __name__ == "__main__":
    main()
