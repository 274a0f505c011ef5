"""Pages as the web has them, more or less: a WET file, the documents in it, and models for their languages."""

from __future__ import annotations

import json
import os
import random
import re
from pathlib import Path

from kenlm_programs import kenlm_programs
from wet_files import write_wet

from pretrain.corpus.perplexity import normalised_for_lm
from pretrain.corpus.train_models import train_models
from xlmr_bench.files import write_json
from xlmr_bench.miniature import miniature_folder

from .clock import Job
from .inputs import made, shared

_LANGUAGES = ("ar", "de", "en", "ru", "sw", "zh")
_SENTENCE = re.compile(r"(?<=[.!?。！？؟])\s*")
_MENU_LINES = 40  # of a page, all of which other pages have too


def web(job: Job) -> Path:
    """`wet.warc.wet.gz` of about `bytes` of text, `documents.jsonl` (with the lines that a model scores), `models/`."""
    spec = {"bytes": job["bytes"], "models": job["models"], "real": shared() is not None}
    return made("web", spec, lambda folder: _web(job, folder))


def _web(job: Job, folder: Path) -> None:
    data = shared()
    source = data / "text" / "wiki_paragraphs" if data else miniature_folder() / "text"
    languages = [code for code in _LANGUAGES if (source / f"{code}.txt").exists()]
    documents = _documents(source, languages, job["bytes"])
    write_wet(folder / "wet.warc.wet.gz", [(f"https://{i}.example/", text) for i, (_, text) in enumerate(documents)])
    with (folder / "documents.jsonl").open("w", encoding="utf-8") as out:
        for code, text in documents:
            lines = [normalised_for_lm(line) for line in text.split("\n")]
            out.write(json.dumps([code, text, [line for line in lines if line.strip()]], ensure_ascii=False) + "\n")
    if job["models"] and (programs := kenlm_programs()):
        os.environ["PATH"] = f"{programs}:{os.environ['PATH']}"
        train_models(source, folder / "models", languages=",".join(languages), size=job["models"], order=5, threads=1)
    lid = data / "lid" / "lid.176.ftz" if data else None
    called = "Wikipedia paragraphs" if data else "the miniature's text"
    said = f"{len(documents):,} pages made of {called} in {', '.join(languages)}, {job['bytes'] / 1e6:.0f} MB"
    write_json(folder / "about.json", {"data": said, "lid": str(lid) if lid else "", "languages": languages})


def _documents(source: Path, languages: list[str], size: int) -> list[tuple[str, str]]:
    """(language, text): menu lines that come again and again, and sentences that do not."""
    drawn = random.Random(0)
    sentences = {code: _sentences(source / f"{code}.txt") for code in languages}
    menus = {
        code: [" ".join(drawn.choice(found).split()[:3])[:24].strip() for _ in range(400)]
        for code, found in sentences.items()
    }
    documents, total = [], 0
    while total < size:
        code = drawn.choice(languages)
        body = [f"{s} {drawn.getrandbits(32):x}" for s in drawn.choices(sentences[code], k=drawn.randint(5, 30))]
        text = "\n".join([*drawn.choices(menus[code], k=_MENU_LINES), *body])
        documents.append((code, text))
        total += len(text.encode())
    return documents


def _sentences(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").split("\n")
    return [s.strip() for line in lines for s in _SENTENCE.split(line) if len(s) > 15]
