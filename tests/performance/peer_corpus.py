"""The bare libraries of the corpus, and datatrove's own reader: `python -m performance.peer_corpus JOB`.

`libraries`: warcio's iteration with the content of each record; `str.translate`, a split and SHA-1; fastText's predict;
SentencePiece and KenLM on lines that are normalised already. `datatrove`: its `WarcReader`, which gives other pages.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import sys
import unicodedata
from pathlib import Path
from typing import Any

from .clock import Found, Job, phase, read_job, report


def bare(job: Job) -> Found:
    """Each library over all pages."""
    folder, found, scores = Path(job["folder"]), Found(), {}
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    with (folder / "documents.jsonl").open(encoding="utf-8") as lines:
        documents = sorted(map(json.loads, lines))
    size = sum(len(text.encode()) for _, text, _ in documents) / 1e6
    with phase(found, "read", size):
        contents = _warcio(folder / "wet.warc.wet.gz")
    scores["characters"] = sum(len(content.decode()) for content in contents)
    table = {i: _plain(chr(i)) for i in range(sys.maxunicode + 1)}
    with phase(found, "hash", size):
        hashes = [_hashes(text, table) for _, text, _ in documents]
    scores["different lines"] = len({h for of_page in hashes for h in of_page})
    if about["lid"]:
        import fasttext

        predict = fasttext.load_model(about["lid"]).predict
        with phase(found, "identify", size):
            labels = [predict(text.replace("\n", " "))[0][0] for _, text, _ in documents]
        scores |= {f"documents in {code}": labels.count(f"__label__{code}") for code in about["languages"]}
    if (folder / "models").is_dir():
        scores["mean perplexity"] = _perplexities(folder / "models", documents, found, size)
    return {**found, "scores": {name: [value, value] for name, value in scores.items()}}


def _warcio(path: Path) -> list[bytes]:
    from warcio.archiveiterator import ArchiveIterator

    with path.open("rb") as stream:
        return [r.content_stream().read() for r in ArchiveIterator(stream) if r.rec_type == "conversion"]


def _hashes(text: str, table: dict[int, str | None]) -> list[bytes]:
    lines = text.lower().translate(table).split("\n")
    return [hashlib.sha1(line.encode(), usedforsecurity=False).digest()[:8] for line in lines]


def _plain(character: str) -> str | None:
    category = unicodedata.category(character)
    if character == "\n":
        return character
    return None if category[0] in "PC" or character in "´∶～━►" else "0" if category == "Nd" else character


def _perplexities(folder: Path, documents: list[Any], found: Found, size: float) -> float:
    import kenlm
    from sentencepiece import SentencePieceProcessor

    config = kenlm.Config()
    config.load_method = kenlm.LoadMethod.LAZY
    loaded: tuple[str, Any, Any] = ("", None, None)
    perplexities = []
    with phase(found, "perplexity", size):
        for code, _, lines in documents:
            if code != loaded[0]:
                pieces = SentencePieceProcessor(model_file=str(folder / f"{code}.sp.model"))
                loaded = (code, pieces, kenlm.Model(str(folder / f"{code}.arpa.bin"), config))
            _, pieces, model = loaded
            total, count = 0.0, 0
            for line in lines:
                cut = pieces.encode(line, out_type=str)
                total += model.score(" ".join(cut))
                count += len(cut) + 1
            perplexities.append(10.0 ** (-total / count))
    return round(sum(perplexities) / len(perplexities), 6)


def datatrove(job: Job) -> Found:
    """datatrove's reader, as a pipeline starts with it."""
    from datatrove.pipeline.readers import WarcReader

    folder, found = Path(job["folder"]), Found()
    with (folder / "documents.jsonl").open(encoding="utf-8") as lines:
        size = sum(len(json.loads(line)[1].encode()) for line in lines) / 1e6
    reader = WarcReader(str(folder), glob_pattern="*.wet.gz")
    with phase(found, "read", size), contextlib.redirect_stderr(io.StringIO()):
        for _ in reader.run():
            pass
    return found


def main() -> None:
    """One side's work."""
    job = read_job()
    report(datatrove(job) if job["side"] == "datatrove" else bare(job))


if __name__ == "__main__":
    main()
