"""Small random models of five kinds with their tokenizers, as `transformers` saves them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from xlmr_bench.modeling.transformers_backbone import TransformersTokenizer

transformers = pytest.importorskip("transformers", reason="needs the extra `transformers`")
tokenizers = pytest.importorskip("tokenizers", reason="needs the extra `transformers`")

WORDPIECES = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *"abcdeo.",
    "##a",
    "##b",
    "##c",
    "ba",
    "##do",
    "é",
    "中",
    "[",
    "]",
]
SIZE: dict[str, Any] = {
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 40,
    "max_position_embeddings": 40,
}
PAIRS = [("ba bado c.", "a b"), ("é 中", "bado ado bado c c o.")]


def save_wordpiece(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(WORDPIECES) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": False})
    )


def save_bytes(folder: Path) -> None:
    """A byte-level vocabulary with one merge, as RoBERTa's."""
    folder.mkdir(parents=True, exist_ok=True)
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *alphabet, "ba", "Ġba", "<mask>"]
    (folder / "vocab.json").write_text(json.dumps({piece: i for i, piece in enumerate(pieces)}))
    (folder / "merges.txt").write_text("#version: 0.2\nb a\nĠ ba\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "RobertaTokenizer", "trim_offsets": False})
    )


def save_xlm_tokenizer(folder: Path) -> None:
    """XLM's framing `<s> a </s> b </s>` as a fast tokenizer: its own needs the package sacremoses."""
    pieces = ["<s>", "</s>", "<pad>", "<unk>", "<special0>", "<special1>", *"abcdeo.", "ba", "bado", "é", "中"]
    fast = tokenizers.Tokenizer(tokenizers.models.WordLevel({p: i for i, p in enumerate(pieces)}, unk_token="<unk>"))
    fast.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    fast.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    inputs = ["input_ids", "attention_mask"]
    named = {"pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<special1>", "model_input_names": inputs}
    transformers.PreTrainedTokenizerFast(tokenizer_object=fast, **named).save_pretrained(folder)


ROWS = {"vocab_size": len(WORDPIECES)}
KINDS: dict[str, tuple[Callable[[], Any], Callable[[Path], None]]] = {
    "bert": (lambda: transformers.BertConfig(**SIZE, **ROWS), save_wordpiece),
    "electra": (lambda: transformers.ElectraConfig(**SIZE, **ROWS, embedding_size=12), save_wordpiece),
    "distilbert": (
        lambda: transformers.DistilBertConfig(
            **ROWS, dim=24, n_layers=2, n_heads=2, hidden_dim=40, max_position_embeddings=40, pad_token_id=0
        ),
        save_wordpiece,
    ),
    "roberta": (
        lambda: transformers.RobertaConfig(
            **{**SIZE, "max_position_embeddings": 42}, vocab_size=263, type_vocab_size=1, pad_token_id=1
        ),
        save_bytes,
    ),
    "xlm": (
        lambda: transformers.XLMConfig(
            vocab_size=17, emb_dim=24, n_layers=2, n_heads=2, max_position_embeddings=40, pad_index=2, pad_token_id=2
        ),
        save_xlm_tokenizer,
    ),
}


def save_models(root: Path) -> dict[str, Path]:
    """A random small model of each kind with its tokenizer, as `save_pretrained` leaves them."""
    made = {}
    for kind, (config, save_tokenizer) in KINDS.items():
        made[kind] = root / kind
        torch.manual_seed(5)
        model = transformers.AutoModel.from_config(config())
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.normal_(std=0.3)
        model.save_pretrained(made[kind])
        save_tokenizer(made[kind])
    return made


def framed(tokenizer: TransformersTokenizer, a: str, b: str) -> list[int]:
    first, second = tokenizer.encode_batch([a, b])
    return [*tokenizer.prefix, *first, *tokenizer.middle, *second, *tokenizer.suffix]


def batch(rows: list[list[int]], pad: int) -> tuple[Tensor, Tensor]:
    longest = max(map(len, rows))
    return torch.tensor([r + [pad] * (longest - len(r)) for r in rows]), torch.tensor([len(r) for r in rows])


def python(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "default", "-c", script, *arguments]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=120
    )
