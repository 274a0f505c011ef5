"""Checkpoint folders of XLM-R models, in Hugging Face's layout (ours too) or fairseq's: open, load, save, convert."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DataError, UsageError, unknown_name
from ..files import digest_of, sha256_of, write_json
from .config import EncoderConfig
from .hf_tokenizer import write_hf_tokenizer
from .names import ARCHITECTURES, LINEAR_SEQUENCE, check_hf, check_shapes, from_hf, head_in, shapes, to_hf
from .provenance import new_folder, verified_provenance
from .tokenizer import load_sentencepiece
from .weights import SAFETENSORS, find_weights, read_json, weight_shapes, weight_tensors

if TYPE_CHECKING:
    from torch import Tensor

CONFIG, TOKENIZER, FAIRSEQ_MODEL = "config.json", "sentencepiece.bpe.model", "model.pt"


@dataclass(frozen=True)
class Checkpoint:
    """A folder that was opened and found consistent; its weights are not in memory.

    `spec` is what the user typed, `labels` the classes of a fine-tuned head in the order of its logits (empty
    where the folder names none). Digests are hex SHA-256; that of several weight files is a digest of digests.
    """

    spec: str
    name: str
    layout: str
    folder: Path
    config: EncoderConfig
    architecture: str
    labels: tuple[str, ...]
    weights_files: tuple[Path, ...]
    tokenizer_file: Path
    weights_digest: str
    tokenizer_digest: str
    provenance: dict[str, Any]


def open_checkpoint(folder: Path) -> Checkpoint:
    """Check a folder without loading its weights; raises UsageError or DataError saying what does not fit.

    Checked are the digests of `provenance.json`, the weights' names, shapes and file size against the
    configuration, and the size of the vocabulary against the tokenizer.
    """
    if folder.is_file():
        raise UsageError(f"{folder} is a file. Give the folder of the checkpoint.")
    if not folder.is_dir():
        raise UsageError(
            f"no checkpoint folder {folder}. A model of the Hugging Face Hub is written hf:NAME; "
            "`python -m xlmr_bench init` makes a small one."
        )
    fairseq = (folder / FAIRSEQ_MODEL).is_file() and not (folder / CONFIG).is_file()
    if not fairseq and not (folder / CONFIG).is_file():
        raise DataError(f"{folder}: neither {CONFIG} nor {FAIRSEQ_MODEL}; this is not a checkpoint folder.")
    tokenizer = folder / TOKENIZER
    if not tokenizer.is_file():
        raise DataError(f"{folder}: {TOKENIZER} is missing. Copy it from the model that this one was made from.")
    provenance = verified_provenance(folder)
    opened = _open_fairseq(folder, provenance) if fairseq else _open_hf(folder, provenance)
    vocabulary = load_sentencepiece(tokenizer).vocab_size
    if opened.config.vocab_size != vocabulary:
        raise DataError(
            f"{folder}: vocab_size is {opened.config.vocab_size:,}, but {TOKENIZER} gives {vocabulary:,} ids "
            "(its pieces + 2). The weights and the tokenizer are not of one model."
        )
    return opened


def load_state(checkpoint: Checkpoint, *, head: str | None) -> dict[str, Tensor]:
    """The weights in our names, fp32, complete: the body, and the head `sequence`, `token`, `span` or `mlm`.

    A sequence head without `head.dense.weight` is the one of a single linear layer.
    """
    if head not in ARCHITECTURES:
        raise unknown_name("head", str(head), [h for h in ARCHITECTURES if h])
    where = str(checkpoint.folder)
    if checkpoint.layout == "fairseq":
        from .fairseq import fairseq_state, read_fairseq

        return fairseq_state(read_fairseq(checkpoint.folder), head, where)
    return from_hf(weight_tensors(checkpoint.weights_files), checkpoint.config, head, where)


def save_checkpoint(
    folder: Path,
    config: EncoderConfig,
    state: Mapping[str, Tensor],
    tokenizer_file: Path,
    *,
    kind: str | None,
    labels: Sequence[str] | None,
    provenance: Mapping[str, Any],
) -> None:
    """Write a folder that Hugging Face loads; `kind` is the head in `state`, None for the body alone.

    The folder appears whole or not at all. Raises UsageError where it exists with something in it.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    if kind not in ARCHITECTURES:
        raise unknown_name("head", str(kind), [h for h in ARCHITECTURES if h])
    dense = "head.dense.weight" in state
    classes = len(state["head.out.bias"]) if "head.out.bias" in state else 0
    own = {name: tuple(t.shape) for name, t in state.items()}
    check_shapes(own, shapes(config, kind, classes=classes, dense=dense), f"the model to save in {folder}")
    if labels is not None and len(labels) != classes:
        raise DataError(f"{len(labels)} labels ({', '.join(labels)}) for a head of {classes} classes")
    if (vocabulary := load_sentencepiece(tokenizer_file).vocab_size) != config.vocab_size:
        raise DataError(f"{tokenizer_file} gives {vocabulary:,} ids, the model to save has {config.vocab_size:,}")
    architecture = LINEAR_SEQUENCE if kind == "sequence" and not dense else ARCHITECTURES[kind]
    extra: dict[str, Any] = {"architectures": [architecture], "tie_word_embeddings": True}
    if kind in ("sequence", "token"):
        names = list(labels) if labels is not None else [f"LABEL_{i}" for i in range(classes)]
        extra["id2label"] = {str(i): name for i, name in enumerate(names)}
        extra["label2id"] = {name: i for i, name in enumerate(names)}
    with new_folder(folder, provenance) as part:
        try:
            save_file(to_hf(state, kind), part / SAFETENSORS, metadata={"format": "pt"})
        except SafetensorError as e:  # what a full disk becomes
            raise OSError(str(e)) from e
        write_json(part / CONFIG, config.to_hf(**extra))
        (part / TOKENIZER).write_bytes(tokenizer_file.read_bytes())
        write_hf_tokenizer(part, tokenizer_file, config.max_tokens)


def convert(source: Path, to: str, target: Path) -> None:
    """Write the body and the MLM head of `source` in the other layout: `to` is `hf` or `fairseq`."""
    layouts = {"hf": "huggingface", "fairseq": "fairseq"}
    if to not in layouts:
        raise unknown_name("layout", to, layouts)
    checkpoint = open_checkpoint(source)
    if checkpoint.layout == layouts[to]:
        raise UsageError(f"{source} is in the {checkpoint.layout} layout already.")
    masked_lm = checkpoint.architecture == ARCHITECTURES["mlm"]
    if to == "fairseq" and not masked_lm:
        raise UsageError(
            f"{source} is a {checkpoint.architecture}; fairseq's layout holds a body with its MLM head, nothing else. "
            "Convert the pretrained model."
        )
    state = load_state(checkpoint, head="mlm" if masked_lm else None)
    origin = {"folder": checkpoint.name, "layout": checkpoint.layout, "weights_sha256": checkpoint.weights_digest}
    provenance = {"converted_from": {**origin, "provenance": checkpoint.provenance}}
    if to == "hf":
        kind = "mlm" if masked_lm else None
        tokenizer = checkpoint.tokenizer_file
        save_checkpoint(target, checkpoint.config, state, tokenizer, kind=kind, labels=None, provenance=provenance)
        return
    from .fairseq import write_fairseq

    with new_folder(target, provenance) as part:
        write_fairseq(part, checkpoint.config, state, checkpoint.tokenizer_file)


def _open_hf(folder: Path, provenance: dict[str, Any]) -> Checkpoint:
    values = read_json(folder / CONFIG)
    files = find_weights(folder)
    found = weight_shapes(files)
    head = head_in(found)
    try:
        config = EncoderConfig.from_hf(values, str(folder / CONFIG))
        architecture = str((values.get("architectures") or [ARCHITECTURES[head]])[0])
        by_id = (values.get("id2label") or {}) if head in ("sequence", "token") else {}
        labels = tuple(str(by_id[key]) for key in sorted(by_id, key=int))
    except (TypeError, ValueError, AttributeError, LookupError, ZeroDivisionError) as e:
        raise DataError(f"{folder / CONFIG}: a value of the wrong kind ({e}). Fetch the file again.") from e
    check_hf(found, config, head, str(files[0]))
    if head == "sequence" and "classifier.dense.weight" not in found and architecture != LINEAR_SEQUENCE:
        raise DataError(f"{files[0]}: classifier.dense.weight is missing, which {architecture} has. Fetch it again.")
    return _checkpoint(folder, "huggingface", config, architecture, labels, files, provenance)


def _open_fairseq(folder: Path, provenance: dict[str, Any]) -> Checkpoint:
    from .fairseq import read_fairseq

    model = read_fairseq(folder)
    if model.assumed:
        heads = model.assumed["num_attention_heads"]
        print(f"{folder}: model.pt does not tell the attention heads; assuming {heads}, of 64 each.", file=sys.stderr)
        provenance = {**provenance, "assumed": model.assumed}
    files = (folder / FAIRSEQ_MODEL,)
    return _checkpoint(folder, "fairseq", model.config, ARCHITECTURES[model.head], (), files, provenance)


def _checkpoint(
    folder: Path,
    layout: str,
    config: EncoderConfig,
    architecture: str,
    labels: tuple[str, ...],
    files: tuple[Path, ...],
    provenance: dict[str, Any],
) -> Checkpoint:
    """The value for an opened folder; digests that `provenance.json` vouches for are not computed again."""
    known = provenance.get("files", {})
    digests = [known.get(path.name) or sha256_of(path) for path in files]
    tokenizer = folder / TOKENIZER
    return Checkpoint(
        spec=str(folder),
        name=Path(os.path.abspath(folder)).name,
        layout=layout,
        folder=folder,
        config=config,
        architecture=architecture,
        labels=labels,
        weights_files=files,
        tokenizer_file=tokenizer,
        weights_digest=digests[0] if len(digests) == 1 else digest_of(digests),
        tokenizer_digest=known.get(tokenizer.name) or sha256_of(tokenizer),
        provenance=provenance,
    )
