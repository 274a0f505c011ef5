"""Checkpoint folders of fairseq: `model.pt`, `dict.txt`, `sentencepiece.bpe.model`, as XLM-R was released.

Source: https://github.com/facebookresearch/fairseq/tree/main/examples/xlmr and fairseq/models/roberta.
"""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DataError
from .config import FIRST_POSITION, EncoderConfig
from .hf_tokenizer import read_pieces
from .names import Names, Shape, check_shapes, join, pair, refuse_untied, shapes, split, their_shapes
from .pickled import attributes, load_pickled

if TYPE_CHECKING:
    from torch import Tensor

MODEL, DICTIONARY, SENTENCEPIECE = "model.pt", "dict.txt", "sentencepiece.bpe.model"
LAYER_NORM_EPS = 1e-5  # fixed in fairseq: torch's default
_HEAD_SIZE = 64  # of every XLM-R that was released
_DROPOUTS = {"hidden_dropout_prob": "dropout", "attention_probs_dropout_prob": "attention_dropout"}
# Without these entries fairseq takes a file for one of 2017 and fails to upgrade it.
_NO_TRAINING = {
    "optimizer_history": [
        {"criterion_name": "MaskedLmLoss", "optimizer_name": "FairseqAdam", "lr_scheduler_state": {}, "num_updates": 0}
    ],
    "last_optimizer_state": None,
    "extra_state": {"train_iterator": {"epoch": 1}},
}
# Not weights of the body: version markers, a buffer, fine-tuned classifiers, fairseq 0.12's second copies of layers.
_IGNORED = re.compile(
    r".*\.version|.*\._float_tensor|(.+\.)?classification_heads\..+|(decoder|encoder)\.lm_head\..+"
    r"|encoder\.sentence_encoder\.layers\.\d+\.(in_proj|out_proj|fc1|fc2)_(weight|bias)"
)


@dataclass(frozen=True)
class FairseqModel:
    """The content of a `model.pt`: configuration, names and tensors; `assumed` says what the file left open."""

    config: EncoderConfig
    tensors: dict[str, Tensor]
    prefix: str
    assumed: dict[str, Any]

    @property
    def head(self) -> str | None:
        """`mlm` where the file has the output layer."""
        return "mlm" if any(name.startswith(f"{self.prefix}lm_head.") for name in self.tensors) else None


def read_fairseq(folder: Path) -> FairseqModel:
    """Read and check `model.pt` and `dict.txt`; raises DataError naming what does not fit."""
    path = folder / MODEL
    content = load_pickled(path)
    tensors = _tensors(content, path)
    prefix = next((p for p in ("decoder.", "encoder.") if f"{p}sentence_encoder.embed_tokens.weight" in tensors), None)
    if prefix is None:
        raise DataError(f"{path}: no sentence_encoder.embed_tokens.weight; this is not a RoBERTa or XLM-R model.")
    found = {name: tuple(t.shape) for name, t in tensors.items()}
    config, assumed = _config(_settings(content), found, f"{prefix}sentence_encoder.", path)
    model = FairseqModel(config, tensors, prefix, assumed)
    check_shapes(
        found, their_shapes(_names(model, model.head), _shapes(model, model.head)), str(path), ignored=_IGNORED
    )
    check_dictionary(folder, config.vocab_size)
    return model


def fairseq_state(model: FairseqModel, head: str | None, where: str) -> dict[str, Tensor]:
    """Our state dict, fp32; `head` is None or `mlm`."""
    if head is not None and head != model.head:
        raise DataError(f"{where}: no {head} head here; the fairseq layout holds the body and the MLM head.")
    if head == "mlm":
        embeddings = f"{model.prefix}sentence_encoder.embed_tokens.weight"
        refuse_untied(model.tensors, {f"{model.prefix}lm_head.weight": embeddings}, where)
    return join(model.tensors, _names(model, head), where)


def write_fairseq(part: Path, config: EncoderConfig, state: Mapping[str, Tensor], tokenizer_file: Path) -> None:
    """Write the three files into `part`; `state` is the body and the MLM head in our names."""
    import torch

    if config.layer_norm_eps != LAYER_NORM_EPS:
        raise DataError(
            f"layer_norm_eps is {config.layer_norm_eps:g}, fairseq has {LAYER_NORM_EPS:g} built in: its outputs would "
            "differ. Keep the Hugging Face layout for this model."
        )
    pieces = read_pieces(tokenizer_file)
    names = _table("decoder.", config.num_hidden_layers, "mlm", stacked=False, norm="emb_layer_norm")
    own = {name: tuple(t.shape) for name, t in state.items()}
    check_shapes(own, shapes(config, "mlm", classes=0, dense=True), "the model to write")
    tensors = split(state, names)
    tensors["decoder.lm_head.weight"] = tensors["decoder.sentence_encoder.embed_tokens.weight"]
    try:
        torch.save({"args": _args(config), "model": tensors, **_NO_TRAINING}, part / MODEL)
    except RuntimeError as e:  # what a full disk becomes
        raise OSError(str(e)) from e
    lines = "".join(f"{piece} 1\n" for piece, _ in pieces[4:-1])
    (part / DICTIONARY).write_text(lines, encoding="utf-8", newline="\n")
    (part / SENTENCEPIECE).write_bytes(tokenizer_file.read_bytes())


def check_dictionary(folder: Path, rows: int) -> None:
    """Refuse a `dict.txt` that numbers pieces otherwise than the SentencePiece model does, or other than `rows` ids.

    fairseq's ids are `<s>`, `<pad>`, `</s>`, `<unk>`, the lines of the dictionary and `<mask>`.
    """
    path = folder / DICTIONARY
    pieces = [piece for piece, _ in read_pieces(folder / SENTENCEPIECE)][4:-1]
    try:
        # Not splitlines(): U+0085 is a piece of XLM-R's vocabulary.
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except (OSError, UnicodeError) as e:
        raise DataError(f"{path}: cannot read the dictionary ({e}). Fetch it again.") from e
    for number, (line, piece) in enumerate(zip(lines, pieces, strict=False), start=1):
        entry, _, count = line.rpartition(" ")
        if entry != piece or not count.isdigit():
            raise DataError(
                f"{path}, line {number}: {line!r}, where the SentencePiece model has piece {piece!r}. "
                "The two files do not belong together; fetch both again."
            )
    if len(lines) != len(pieces) or rows != len(pieces) + 5:
        raise DataError(
            f"{path}: {len(lines):,} lines, the SentencePiece model needs {len(pieces):,}; with 5 special tokens that "
            f"is {len(pieces) + 5:,} ids, and {MODEL} has {rows:,} embeddings. Fetch the files of one model."
        )


def _tensors(content: Mapping[str, Any], path: Path) -> dict[str, Tensor]:
    import torch

    model = content.get("model")
    if not isinstance(model, dict):
        raise DataError(f"{path}: no `model` entry; this is not a fairseq checkpoint.")
    return {str(name): value for name, value in model.items() if isinstance(value, torch.Tensor)}


def _settings(content: Mapping[str, Any]) -> dict[str, Any]:
    """The model's hyper-parameters: `args` until fairseq 0.10, `cfg.model` since."""
    return attributes(content.get("args")) or attributes(attributes(content.get("cfg")).get("model"))


def _config(
    args: Mapping[str, Any], found: Mapping[str, Shape], body: str, path: Path
) -> tuple[EncoderConfig, dict[str, Any]]:
    """The configuration by the tensors' shapes, agreeing with `args` where they speak."""
    layers = {m[1] for m in (re.match(re.escape(body) + r"layers\.(\d+)\.", name) for name in found) if m}
    try:
        vocabulary, hidden = found[f"{body}embed_tokens.weight"]
        rows, _ = found[f"{body}embed_positions.weight"]
        inner, _ = found[f"{body}layers.0.fc1.weight"]
    except (KeyError, ValueError) as e:
        raise DataError(f"{path}: {e} is missing or not a matrix; this is not an XLM-R model.") from e
    by_shape = {
        "encoder_layers": len(layers),
        "encoder_embed_dim": hidden,
        "encoder_ffn_embed_dim": inner,
        "max_positions": rows - FIRST_POSITION,
        "activation_fn": "gelu",
    }
    for key, value in by_shape.items():
        if args.get(key, value) != value:
            raise DataError(f"{path}: its settings have {key} {args[key]}, its tensors {value}. Fetch the file again.")
    heads, assumed = args.get("encoder_attention_heads"), {}
    if heads is None and hidden % _HEAD_SIZE == 0:
        heads = hidden // _HEAD_SIZE
        assumed = {"num_attention_heads": heads}
    if not isinstance(heads, int) or heads < 1:
        raise DataError(f"{path}: its settings have encoder_attention_heads {heads}, and no tensor tells the number.")
    config = EncoderConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=len(layers),
        num_attention_heads=heads,
        intermediate_size=inner,
        max_position_embeddings=rows,
        layer_norm_eps=LAYER_NORM_EPS,
        **{ours: args[theirs] for ours, theirs in _DROPOUTS.items() if isinstance(args.get(theirs), float | int)},
    )
    return config, assumed


def _names(model: FairseqModel, head: str | None) -> Names:
    """Our names to those of a file that was read: they differ by fairseq's version."""
    body = f"{model.prefix}sentence_encoder."
    stacked = f"{body}layers.0.self_attn.in_proj_weight" in model.tensors
    newer = f"{body}layernorm_embedding.weight" in model.tensors
    norm = "layernorm_embedding" if newer else "emb_layer_norm"
    return _table(model.prefix, model.config.num_hidden_layers, head, stacked=stacked, norm=norm)


def _table(prefix: str, layers: int, head: str | None, *, stacked: bool, norm: str) -> Names:
    """`stacked`: query, key and value are one `in_proj` (2019); `norm`: what the embeddings' LayerNorm is called."""
    body = f"{prefix}sentence_encoder."
    names: Names = {
        "encoder.word_embeddings.weight": (f"{body}embed_tokens.weight",),
        "encoder.position_embeddings.weight": (f"{body}embed_positions.weight",),
        **pair("encoder.embedding_norm", f"{body}{norm}"),
    }
    for i in range(layers):
        ours, theirs = f"encoder.layers.{i}", f"{body}layers.{i}"
        if stacked:
            names |= {f"{ours}.qkv.{leaf}": (f"{theirs}.self_attn.in_proj_{leaf}",) for leaf in ("weight", "bias")}
        else:
            names |= pair(f"{ours}.qkv", *(f"{theirs}.self_attn.{part}_proj" for part in "qkv"))
        names |= pair(f"{ours}.attention_out", f"{theirs}.self_attn.out_proj")
        names |= pair(f"{ours}.attention_norm", f"{theirs}.self_attn_layer_norm")
        names |= pair(f"{ours}.ffn_in", f"{theirs}.fc1") | pair(f"{ours}.ffn_out", f"{theirs}.fc2")
        names |= pair(f"{ours}.ffn_norm", f"{theirs}.final_layer_norm")
    if head == "mlm":
        names |= pair("head.dense", f"{prefix}lm_head.dense") | pair("head.norm", f"{prefix}lm_head.layer_norm")
        names["head.bias"] = (f"{prefix}lm_head.bias",)
    return names


def _shapes(model: FairseqModel, head: str | None) -> dict[str, Shape]:
    return shapes(model.config, head, classes=0, dense=True)


def _args(config: EncoderConfig) -> Namespace:
    """The settings from which fairseq rebuilds the model; the task needs no data to load it."""
    return Namespace(
        arch="roberta_base",  # only a source of defaults: every size is given
        task="multilingual_masked_lm",
        criterion="masked_lm",
        data="",
        encoder_layers=config.num_hidden_layers,
        encoder_embed_dim=config.hidden_size,
        encoder_ffn_embed_dim=config.intermediate_size,
        encoder_attention_heads=config.num_attention_heads,
        max_positions=config.max_tokens,
        tokens_per_sample=config.max_tokens,
        dropout=config.hidden_dropout_prob,
        attention_dropout=config.attention_probs_dropout_prob,
        activation_dropout=0.0,
        activation_fn="gelu",
        pooler_activation_fn="tanh",
        pooler_dropout=0.0,
        encoder_layerdrop=0.0,
        sample_break_mode="complete",
        multilang_sampling_alpha=1.0,
        mask_prob=0.15,
        leave_unmasked_prob=0.1,
        random_token_prob=0.1,
        mask_whole_words=False,
        seed=1,
    )
