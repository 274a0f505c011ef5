"""Tensor names and shapes: ours, Hugging Face's, and what maps one to the other.

A `Names` table gives, for each of our tensors, the tensors of the other layout whose rows it stacks: our `qkv`
holds query, key and value; everything else is one to one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..errors import DataError, unknown_name
from .config import EncoderConfig

if TYPE_CHECKING:
    from torch import Tensor

Names = dict[str, tuple[str, ...]]
Shape = tuple[int, ...]

# No Hugging Face class has a sequence head of one linear layer, the head of the authors' XNLI code.
LINEAR_SEQUENCE = "XlmrBenchLinearSequenceClassification"
ARCHITECTURES: dict[str | None, str] = {
    None: "XLMRobertaModel",
    "sequence": "XLMRobertaForSequenceClassification",
    "token": "XLMRobertaForTokenClassification",
    "span": "XLMRobertaForQuestionAnswering",
    "mlm": "XLMRobertaForMaskedLM",
}
# A tensor that only a file with that head has.
_SIGNS = {
    "sequence": "classifier.out_proj.weight",
    "token": "classifier.weight",
    "span": "qa_outputs.weight",
    "mlm": "lm_head.dense.weight",
}
# Weights that are not the body's: heads (ours is asked for by name), the unused pooler, a buffer of 2019.
_NOT_BODY = re.compile(
    r"(classifier|qa_outputs|lm_head)\..+|(roberta\.)?pooler\..+|(roberta\.)?embeddings\.position_ids"
)
_NOTHING = re.compile(r"(?!)")


def from_hf(state: Mapping[str, Tensor], config: EncoderConfig, head: str | None, where: str) -> dict[str, Tensor]:
    """Our state dict, fp32, from Hugging Face tensors; `where` names the file in errors.

    The one token-type vector, which every input gets, is added to the position embeddings: the same function.
    """
    names = check_hf({name: tuple(t.shape) for name, t in state.items()}, config, head, where)
    if head == "mlm":
        embeddings = names["encoder.word_embeddings.weight"][0]
        copies = {"lm_head.decoder.weight": embeddings, "lm_head.weight": embeddings}
        refuse_untied(state, copies | {"lm_head.decoder.bias": "lm_head.bias"}, where)
    ours = join(state, names, where)
    token_type = state[_token_type(names)].float()
    ours["encoder.position_embeddings.weight"] = ours["encoder.position_embeddings.weight"] + token_type
    return ours


def to_hf(state: Mapping[str, Tensor], kind: str | None) -> dict[str, Tensor]:
    """Hugging Face tensors from our state dict; `kind` is its head, None for the body alone."""
    layers = len({n.split(".")[2] for n in state if n.startswith("encoder.layers.")})
    prefix = "" if kind is None else "roberta."
    names = hf_names(layers, kind, dense="head.dense.weight" in state, prefix=prefix)
    known = {name: tuple(state[name].shape) for name in names if name in state}
    check_shapes({n: known.get(n, ()) for n in state}, {n: known.get(n, ()) for n in names}, "the model to save")
    theirs = split(state, names)
    words = state["encoder.word_embeddings.weight"]
    theirs[_token_type(names)] = words.new_zeros(1, words.shape[1])
    return theirs


def check_hf(found: Mapping[str, Shape], config: EncoderConfig, head: str | None, where: str) -> Names:
    """The names to read, or a DataError naming the tensors that are missing, unknown or of another shape."""
    if head is not None and head not in _SIGNS:
        raise unknown_name("head", head, _SIGNS)
    if head is not None and _SIGNS[head] not in found:
        have = "no head" if head_in(found) is None else f"a {head_in(found)} head"
        raise DataError(f"{where}: no {head} head here ({_SIGNS[head]} is missing; the file has {have}).")
    prefix = "roberta." if any(n.startswith("roberta.") for n in found) else ""
    names = hf_names(config.num_hidden_layers, head, dense="classifier.dense.weight" in found, prefix=prefix)
    classes = (found[_SIGNS[head]] or (0,))[0] if head is not None else 0
    expected = their_shapes(names, shapes(config, head, classes=classes, dense="head.dense.weight" in names))
    expected[_token_type(names)] = (1, config.hidden_size)
    check_shapes(found, expected, where, ignored=_NOT_BODY)
    return names


def head_in(found: Mapping[str, object]) -> str | None:
    """Which head a file with these Hugging Face names has."""
    return next((head for head, sign in _SIGNS.items() if sign in found), None)


def hf_names(layers: int, head: str | None, *, dense: bool, prefix: str) -> Names:
    """Our names to Hugging Face's; `prefix` is empty in a folder saved from a bare XLMRobertaModel."""
    names = {
        "encoder.word_embeddings.weight": (f"{prefix}embeddings.word_embeddings.weight",),
        "encoder.position_embeddings.weight": (f"{prefix}embeddings.position_embeddings.weight",),
        **pair("encoder.embedding_norm", f"{prefix}embeddings.LayerNorm"),
    }
    for i in range(layers):
        ours, theirs = f"encoder.layers.{i}", f"{prefix}encoder.layer.{i}"
        names |= pair(f"{ours}.qkv", *(f"{theirs}.attention.self.{part}" for part in ("query", "key", "value")))
        names |= pair(f"{ours}.attention_out", f"{theirs}.attention.output.dense")
        names |= pair(f"{ours}.attention_norm", f"{theirs}.attention.output.LayerNorm")
        names |= pair(f"{ours}.ffn_in", f"{theirs}.intermediate.dense")
        names |= pair(f"{ours}.ffn_out", f"{theirs}.output.dense")
        names |= pair(f"{ours}.ffn_norm", f"{theirs}.output.LayerNorm")
    if head == "sequence":
        names |= pair("head.dense", "classifier.dense") if dense else {}
        names |= pair("head.out", "classifier.out_proj")
    elif head == "token":
        names |= pair("head.out", "classifier")
    elif head == "span":
        names |= pair("head.out", "qa_outputs")
    elif head == "mlm":
        names |= pair("head.dense", "lm_head.dense") | pair("head.norm", "lm_head.layer_norm")
        names["head.bias"] = ("lm_head.bias",)
    return names


def pair(ours: str, *theirs: str) -> Names:
    """The weight and the bias of one module."""
    return {f"{ours}.{leaf}": tuple(f"{t}.{leaf}" for t in theirs) for leaf in ("weight", "bias")}


def shapes(config: EncoderConfig, head: str | None, *, classes: int, dense: bool) -> dict[str, Shape]:
    """The shape of each of our tensors; `classes` and `dense` describe the head where it has them."""
    h, f = config.hidden_size, config.intermediate_size
    rows = {"word_embeddings": config.vocab_size, "position_embeddings": config.max_position_embeddings}
    expected: dict[str, Shape] = {f"encoder.{name}.weight": (n, h) for name, n in rows.items()}
    expected |= _norm("encoder.embedding_norm", h)
    for i in range(config.num_hidden_layers):
        layer = f"encoder.layers.{i}"
        expected |= _linear(f"{layer}.qkv", h, 3 * h) | _linear(f"{layer}.attention_out", h, h)
        expected |= _norm(f"{layer}.attention_norm", h) | _norm(f"{layer}.ffn_norm", h)
        expected |= _linear(f"{layer}.ffn_in", h, f) | _linear(f"{layer}.ffn_out", f, h)
    if head == "mlm":
        expected |= _linear("head.dense", h, h) | _norm("head.norm", h) | {"head.bias": (config.vocab_size,)}
    elif head is not None:
        expected |= _linear("head.dense", h, h) if head == "sequence" and dense else {}
        expected |= _linear("head.out", h, 2 if head == "span" else classes)
    return expected


def their_shapes(names: Names, ours: Mapping[str, Shape]) -> dict[str, Shape]:
    """The shapes of the other layout's tensors, from ours."""
    return {t: (ours[o][0] // len(theirs), *ours[o][1:]) for o, theirs in names.items() for t in theirs}


def check_shapes(
    found: Mapping[str, Shape], expected: Mapping[str, Shape], where: str, *, ignored: re.Pattern[str] = _NOTHING
) -> None:
    """Refuse a set of tensors that is not exactly the expected one, `ignored` names apart."""
    missing = [n for n in expected if n not in found]
    unknown = [n for n in found if n not in expected and not ignored.fullmatch(n)]
    wrong = [f"{n} is {found[n]}, not {s}" for n, s in expected.items() if n in found and found[n] != s]
    faults = {"missing": missing, "unknown": unknown, "of another shape than the configuration's": wrong}
    if missing or unknown or wrong:
        listed = [
            f"{len(f)} {kind}: {'; '.join(f[:4])}{' ...' if len(f) > 4 else ''}" for kind, f in faults.items() if f
        ]
        raise DataError(f"{where}: these are not the tensors of this XLM-R model. {'. '.join(listed)}.")


def join(state: Mapping[str, Tensor], names: Names, where: str) -> dict[str, Tensor]:
    """Our tensors, fp32, from the other layout's."""
    import torch

    integers = [t for theirs in names.values() for t in theirs if not state[t].is_floating_point()]
    if integers:
        raise DataError(f"{where}: {integers[0]} holds {state[integers[0]].dtype}, not floating-point weights.")
    return {
        ours: torch.cat([state[t].float() for t in theirs]) if len(theirs) > 1 else state[theirs[0]].float()
        for ours, theirs in names.items()
    }


def split(state: Mapping[str, Tensor], names: Names) -> dict[str, Tensor]:
    """The other layout's tensors, each its own memory, from ours."""
    return {
        t: part.detach().cpu().clone() if len(theirs) > 1 else part.detach().cpu().contiguous()
        for ours, theirs in names.items()
        for t, part in zip(theirs, state[ours].chunk(len(theirs)), strict=True)
    }


def refuse_untied(state: Mapping[str, Tensor], copies: Mapping[str, str], where: str) -> None:
    """Refuse an output layer that is not the copy it has to be: our MLM head shares the word embeddings."""
    import torch

    for copy, original in copies.items():
        if copy in state and not torch.equal(state[copy], state[original]):
            raise DataError(
                f"{where}: {copy} differs from {original}. XLM-R ties them; a model with its own output layer "
                "cannot be read with its MLM head."
            )


def _token_type(names: Names) -> str:
    """The Hugging Face name of the token-type embedding, which has no counterpart in ours."""
    return names["encoder.word_embeddings.weight"][0].replace("word_embeddings", "token_type_embeddings")


def _linear(name: str, inputs: int, outputs: int) -> dict[str, Shape]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, size: int) -> dict[str, Shape]:
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}
