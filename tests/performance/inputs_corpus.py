"""Text, shards of it, and models to pretrain: what tokenisation, pretraining and resuming work on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pretrain.sharding import shard_text
from pretrain.shards import TokenStream, open_shards
from xlmr_bench.files import write_json
from xlmr_bench.miniature import miniature_folder
from xlmr_bench.modeling.config import BOS_ID, EOS_ID, SIZES
from xlmr_bench.modeling.hf_tokenizer import write_hf_tokenizer

from .clock import Job
from .inputs import made, shared, write_model
from .vocabularies import vocabulary

_PRETRAINING_BYTES = 1_500_000
_SHARDED_BYTES = 2_000_000
_LANGUAGES = ("de", "en", "es", "vi", "zh")  # those of which there is most text
_NAME = "sentencepiece.bpe.model"


def text(job: Job) -> Path:
    """`text/` of so many bytes, `tokenizer/` as SentencePiece and `transformers` load it."""
    spec = {"bytes": job["bytes"], "vocabulary": job["vocabulary"], "real": shared() is not None}
    return made("text", spec, lambda folder: _text(job, folder))


def _text(job: Job, folder: Path) -> None:
    tokenizer, how = vocabulary(job["vocabulary"], shared())
    said = write_text(folder / "text", job["bytes"])
    target = folder / "tokenizer"
    target.mkdir()
    (target / _NAME).write_bytes(tokenizer.read_bytes())
    write_hf_tokenizer(target, tokenizer, 512)
    write_json(target / "config.json", {"model_type": "xlm-roberta"})
    write_json(folder / "about.json", {"data": said, "vocabulary": how})


def write_text(folder: Path, size: int) -> str:
    """About `size` bytes in one file a language, whole lines, as the sources share them; in words what it is."""
    data = shared()
    source = data / "text" / "wiki_paragraphs" if data else miniature_folder() / "text"
    files = sorted(source.glob("*.txt"))
    total = sum(path.stat().st_size for path in files)
    folder.mkdir()
    for path in files:
        content = path.read_bytes()
        wanted = int(size * len(content) / total)
        whole = content * (-(-wanted // len(content)))
        (folder / path.name).write_bytes(whole[: whole.rfind(b"\n", 0, wanted) + 1])
    kind = "Wikipedia paragraphs" if data else "the miniature's text"
    repeated = "" if total >= size else f", repeated {size / total:.1f} times"
    return f"{kind} in {len(files)} languages, {size / 1e6:.3g} MB{repeated}"


def shards(job: Job) -> Path:
    """The same text in shards of about `files` files."""
    spec = {"files": job["files"], "vocabulary": job["vocabulary"], "real": shared() is not None}
    return made(f"shards-{job['files']}", spec, lambda folder: _shards(job, folder))


def _shards(job: Job, folder: Path) -> None:
    tokenizer, how = vocabulary(job["vocabulary"], shared())
    said = write_text(folder / "text", _SHARDED_BYTES)
    shard_text(folder / "text", folder / "shards", tokenizer, item_bytes=_SHARDED_BYTES // job["files"])
    write_json(folder / "about.json", {"data": said, "vocabulary": how})


def pretraining(job: Job) -> Path:
    """A model with an MLM head, shards of text in its vocabulary, and the same text as rows of one block each."""
    spec = {k: job[k] for k in ("size", "vocabulary", "block_tokens", "blocks")}
    return made(f"mlm-{job['vocabulary']}", {**spec, "real": shared() is not None}, lambda f: _pretraining(job, f))


def _pretraining(job: Job, folder: Path) -> None:
    tokenizer, how = vocabulary(job["vocabulary"], shared())
    said = write_text(folder / "text", _PRETRAINING_BYTES)
    present = {path.stem for path in (folder / "text").glob("*.txt")}
    chosen = [code for code in _LANGUAGES if code in present]
    shard_text(folder / "text", folder / "shards", tokenizer, languages=",".join(chosen))
    manifest = open_shards(folder / "shards")
    inside = job["block_tokens"] - 2
    streams = [TokenStream(manifest, code) for code in chosen]
    rows = [s.read(i, i + inside) for s in streams for i in range(0, len(s) - inside, inside)]
    order = np.random.default_rng(0).permutation(len(rows))[: job["blocks"]]
    blocks = np.empty((len(order), job["block_tokens"]), dtype=np.int64)
    blocks[:, 0], blocks[:, -1] = BOS_ID, EOS_ID
    for place, i in enumerate(order):
        blocks[place, 1:-1] = rows[i]
    np.save(folder / "blocks.npy", blocks)
    write_model(folder / "model", job["size"], tokenizer, "mlm", ())
    config = SIZES[job["size"]]
    shape = f"{config.num_hidden_layers} x {config.hidden_size}"
    about = {"data": f"{said}, of it {', '.join(chosen)}", "vocabulary": how, "shape": shape, "languages": chosen}
    write_json(folder / "about.json", about)
