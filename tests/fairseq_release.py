"""A small model as fairseq wrote XLM-R: built by the names in fairseq's source, not by ours."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from torch import Tensor


def settings(**changes: Any) -> argparse.Namespace:
    """The settings of a release that matter, among others."""
    return argparse.Namespace(
        **{
            "arch": "roberta_base",
            "encoder_layers": 2,
            "encoder_embed_dim": 128,
            "encoder_ffn_embed_dim": 80,
            "encoder_attention_heads": 2,
            "max_positions": 64,
            "activation_fn": "gelu",
            "dropout": 0.05,
            "attention_dropout": 0.15,
            "lr": [0.0006],
            **changes,
        }
    )


def write(folder: Path, model: dict[str, Tensor], args: Any, zipped: bool = True, **more: Any) -> None:
    content = {"args": args, "model": model, "extra_state": {"epoch": 7}, **more}
    torch.save(content, folder / "model.pt", _use_new_zipfile_serialization=zipped)


def names_of_2019(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our random weights under the names of the released `model.pt`."""
    body, head = "decoder.sentence_encoder.", "decoder.lm_head."
    modules = {
        "attention_out": "self_attn.out_proj",
        "attention_norm": "self_attn_layer_norm",
        "ffn_in": "fc1",
        "ffn_out": "fc2",
        "ffn_norm": "final_layer_norm",
    }
    model = {
        f"{body}embed_tokens.weight": state["encoder.word_embeddings.weight"],
        f"{body}embed_positions.weight": state["encoder.position_embeddings.weight"],
        f"{head}weight": state["encoder.word_embeddings.weight"],
        f"{head}bias": state["head.bias"],
    }
    for leaf in ("weight", "bias"):
        model[f"{body}emb_layer_norm.{leaf}"] = state[f"encoder.embedding_norm.{leaf}"]
        model[f"{head}dense.{leaf}"] = state[f"head.dense.{leaf}"]
        model[f"{head}layer_norm.{leaf}"] = state[f"head.norm.{leaf}"]
        for i in range(2):
            q, k, v = state[f"encoder.layers.{i}.qkv.{leaf}"].chunk(3)
            for part, tensor in (("q", q), ("k", k), ("v", v)):
                model[f"{body}layers.{i}.self_attn.{part}_proj.{leaf}"] = tensor.clone()
            for ours, theirs in modules.items():
                model[f"{body}layers.{i}.{theirs}.{leaf}"] = state[f"encoder.layers.{i}.{ours}.{leaf}"]
    return model
