"""Our encoder and heads compute what Hugging Face's XLM-R classes compute, in fp32, whoever wrote the weights."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import pytest
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import (
    AutoTokenizer,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
    XLMRobertaForQuestionAnswering,
    XLMRobertaForSequenceClassification,
    XLMRobertaForTokenClassification,
    XLMRobertaModel,
    XLMRobertaTokenizer,
)
from transformers.utils import logging

from xlmr_bench.modeling.checkpoint import load_state, open_checkpoint, save_checkpoint
from xlmr_bench.modeling.config import EncoderConfig
from xlmr_bench.modeling.encoder import Encoder
from xlmr_bench.modeling.heads import MlmHead, SequenceHead, TokenHead
from xlmr_bench.modeling.tokenizer import load_sentencepiece

RandomState = Callable[..., dict[str, Tensor]]
TOLERANCE = 1e-5
# Nothing at its default; the last one has heads of another size than 64 and one more layer.
SHAPES = {
    "2x48": {
        "hidden_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "intermediate_size": 80,
        "max_position_embeddings": 66,
        "layer_norm_eps": 1e-6,
    },
    "3x64": {
        "hidden_size": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "intermediate_size": 40,
        "max_position_embeddings": 34,
        "layer_norm_eps": 1e-3,
    },
    "1x60": {
        "hidden_size": 60,
        "num_hidden_layers": 1,
        "num_attention_heads": 12,
        "intermediate_size": 256,
        "max_position_embeddings": 50,
        "layer_norm_eps": 1e-12,
    },
}
every_shape = pytest.mark.parametrize("shape", SHAPES)


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    logging.disable_progress_bar()
    yield
    logging.enable_progress_bar()


def hf_config(shape: str, **more: Any) -> XLMRobertaConfig:
    return XLMRobertaConfig(vocab_size=202, type_vocab_size=1, **SHAPES[shape], **more)


def our_config(shape: str) -> EncoderConfig:
    return EncoderConfig(vocab_size=202, **SHAPES[shape])  # type: ignore[arg-type]


def randomised(model: nn.Module) -> nn.Module:
    """Every parameter drawn, token types, biases and norms included, so that none can be forgotten unnoticed."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.1, 0.2, generator=generator)
    return model.eval()


def written_by_hf(model: nn.Module, folder: Path, spm_file: Path) -> Path:
    model.save_pretrained(folder)  # type: ignore[operator]
    (folder / "sentencepiece.bpe.model").write_bytes(spm_file.read_bytes())
    return folder


def batch(lengths: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """Random ids (B, T), padded with `<pad>`; lengths (B); and which positions are real (B, T)."""
    lengths_B = torch.tensor(lengths)
    ids = torch.randint(2, 202, (len(lengths), max(lengths)), generator=torch.Generator().manual_seed(4))
    real = torch.arange(max(lengths)) < lengths_B[:, None]
    return ids.masked_fill(~real, 1), lengths_B, real


def batches(shape: str) -> list[tuple[Tensor, Tensor, Tensor]]:
    """One token; the longest input; padded to it by every amount; unpadded; mixed."""
    longest = SHAPES[shape]["max_position_embeddings"] - 2
    lengths: list[list[int]] = [[1], [int(longest)], list(range(1, int(longest) + 1)), [7, 7, 7], [9, 2, 5]]
    return [batch(each) for each in lengths]


def parts(state: dict[str, Tensor], encoder: Encoder, head: nn.Module | None = None) -> None:
    """Load a state dict of ours into an encoder and a head, strictly."""
    for prefix, module in (("encoder.", encoder), ("head.", head)):
        own = {name.removeprefix(prefix): t for name, t in state.items() if name.startswith(prefix)}
        if module is not None:
            module.load_state_dict(own)
            module.eval()


def our_encoder(folder: Path) -> Encoder:
    checkpoint = open_checkpoint(folder)
    encoder = Encoder(checkpoint.config)
    parts(load_state(checkpoint, head=None), encoder)
    return encoder


def worst(ours: Tensor, theirs: Tensor, real: Tensor) -> float:
    """The largest difference at real positions; values of order 1 are there to compare."""
    assert ours.shape == theirs.shape
    assert theirs[real].abs().mean() > 0.05
    return float((ours - theirs)[real].abs().max())


@torch.no_grad()
def assert_bodies_agree(encoder: Encoder, body: nn.Module, shape: str) -> None:
    for ids, lengths, real in batches(shape):
        theirs = body(ids, attention_mask=real.long()).last_hidden_state
        assert worst(encoder(ids, lengths), theirs, real) <= TOLERANCE


@every_shape
@pytest.mark.parametrize("pooler", [True, False])
def test_a_bare_model_of_hugging_face_is_computed_alike(
    tmp_path: Path, spm_file: Path, shape: str, pooler: bool
) -> None:
    config = hf_config(shape)
    body = randomised(XLMRobertaModel._from_config(config, attn_implementation="eager", add_pooling_layer=pooler))
    assert_bodies_agree(our_encoder(written_by_hf(body, tmp_path, spm_file)), body, shape)


@every_shape
def test_a_body_of_ours_is_computed_alike(
    tmp_path: Path, spm_file: Path, random_state: RandomState, shape: str
) -> None:
    config = our_config(shape)
    state = random_state(config, None)
    save_checkpoint(tmp_path / "out", config, state, spm_file, kind=None, labels=None, provenance={})
    encoder = Encoder(config)
    parts(state, encoder)
    assert_bodies_agree(encoder, loaded_by_hf(XLMRobertaModel, tmp_path / "out", add_pooling_layer=False), shape)


def loaded_by_hf(kind: Any, folder: Path, **more: Any) -> Any:
    """The model Hugging Face makes of a folder; it must find every weight and no other."""
    model, report = kind.from_pretrained(folder, attn_implementation="eager", output_loading_info=True, **more)
    assert {name: list(found) for name, found in report.items() if found} == {}
    return model.eval()


@every_shape
@torch.no_grad()
def test_reading_some_positions_changes_nothing_in_them(
    tmp_path: Path, spm_file: Path, random_state: RandomState, shape: str
) -> None:
    encoder = Encoder(our_config(shape))
    parts(random_state(our_config(shape), None), encoder)
    for ids, lengths, real in batches(shape):
        everything = encoder(ids, lengths)
        read = torch.stack([torch.zeros_like(lengths), lengths - 1, lengths // 2], dim=1)
        some = encoder(ids, lengths, read_BK=read)
        expected = everything.gather(1, read[..., None].expand(-1, -1, everything.shape[-1]))
        assert worst(some, expected, torch.ones_like(read, dtype=torch.bool)) <= TOLERANCE
        assert real.any()


HEADS: dict[str, tuple[Any, Callable[[EncoderConfig], nn.Module]]] = {
    "sequence": (XLMRobertaForSequenceClassification, lambda c: SequenceHead(c.hidden_size, 3, dense=True, dropout=0)),
    "token": (XLMRobertaForTokenClassification, lambda c: TokenHead(c.hidden_size, 3, dropout=0)),
    "span": (XLMRobertaForQuestionAnswering, lambda c: TokenHead(c.hidden_size, 2, dropout=0)),
    "mlm": (XLMRobertaForMaskedLM, MlmHead),
}
every_head = pytest.mark.parametrize("head", HEADS)


def their_logits(model: Any, ids: Tensor, real: Tensor) -> Tensor:
    output = model(ids, attention_mask=real.long())
    if hasattr(output, "start_logits"):
        return torch.stack([output.start_logits, output.end_logits], dim=-1)
    logits: Tensor = output.logits
    return logits


@torch.no_grad()
def assert_heads_agree(state: dict[str, Tensor], config: EncoderConfig, head: str, model: Any, shape: str) -> None:
    encoder, module = Encoder(config), HEADS[head][1](config)
    parts(state, encoder, module)
    for ids, lengths, real in batches(shape):
        hidden = encoder(ids, lengths)
        ours = module(hidden, encoder.word_embeddings.weight) if head == "mlm" else module(hidden)
        theirs = their_logits(model, ids, real)
        if head == "sequence":  # ours classifies every position that it is given, theirs the first
            ours, real = ours[:, 0], torch.ones(len(ids), dtype=torch.bool)
        assert worst(ours, theirs, real) <= TOLERANCE


@every_shape
@every_head
def test_a_head_of_hugging_face_is_computed_alike(tmp_path: Path, spm_file: Path, shape: str, head: str) -> None:
    labels = {} if head in ("span", "mlm") else {"id2label": {0: "x", 1: "y", 2: "z"}}
    model = randomised(HEADS[head][0]._from_config(hf_config(shape, **labels), attn_implementation="eager"))
    checkpoint = open_checkpoint(written_by_hf(model, tmp_path, spm_file))
    assert checkpoint.labels == tuple(labels.get("id2label", {}).values())
    assert_heads_agree(load_state(checkpoint, head=head), checkpoint.config, head, model, shape)


@every_shape
@every_head
def test_a_head_of_ours_is_computed_alike(
    tmp_path: Path, spm_file: Path, random_state: RandomState, shape: str, head: str
) -> None:
    config, labels = our_config(shape), ["x", "y", "z"] if head in ("sequence", "token") else None
    state = random_state(config, head)
    save_checkpoint(tmp_path / "out", config, state, spm_file, kind=head, labels=labels, provenance={})
    model = loaded_by_hf(HEADS[head][0], tmp_path / "out")
    if labels:
        assert model.config.id2label == dict(enumerate(labels))
    assert_heads_agree(state, config, head, model, shape)


def test_hugging_face_loads_the_tokenizer_of_our_folder(
    tmp_path: Path, spm_file: Path, tiny: EncoderConfig, random_state: RandomState
) -> None:
    out = tmp_path / "out"
    save_checkpoint(out, tiny, random_state(tiny, None), spm_file, kind=None, labels=None, provenance={})
    theirs, ours = AutoTokenizer.from_pretrained(out), load_sentencepiece(spm_file)
    plain = Tokenizer.from_file(str(out / "tokenizer.json"))  # all of which transformers 4 uses
    assert isinstance(theirs, XLMRobertaTokenizer)
    assert (len(theirs), theirs.mask_token_id, theirs.model_max_length) == (202, 201, 64)
    for text in ("badoki lumé", "  ﬁne  中文\u3000中 ", "щижё xyz!", "①½", ""):
        ids = ours.encode_batch([text])[0]
        assert theirs(text).input_ids == [0, *ids, 2]
        pair = [0, *ids, 2, 2, *ours.encode_batch(["ki"])[0], 2]
        assert theirs(text, "ki").input_ids == pair
        assert plain.encode(text, "ki").ids == pair
