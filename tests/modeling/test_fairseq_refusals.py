"""fairseq folders whose settings, tensors and vocabulary disagree are refused with the place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from fairseq_release import names_of_2019, settings, write
from torch import Tensor

from xlmr_bench.errors import DataError
from xlmr_bench.modeling.checkpoint import load_state, open_checkpoint
from xlmr_bench.modeling.config import EncoderConfig
from xlmr_bench.modeling.hf_tokenizer import read_pieces

RandomState = Callable[..., dict[str, Tensor]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder_layers": 12}, "encoder_layers 12, its tensors 2"),
        ({"encoder_embed_dim": 64}, "encoder_embed_dim 64, its tensors 128"),
        ({"encoder_ffn_embed_dim": 81}, "encoder_ffn_embed_dim 81, its tensors 80"),
        ({"max_positions": 66}, "max_positions 66, its tensors 64"),
        ({"activation_fn": "relu"}, "activation_fn relu"),
        ({"encoder_attention_heads": "many"}, "encoder_attention_heads many"),
        ({"encoder_attention_heads": 3}, "num_attention_heads 3"),
    ],
)
def test_settings_that_contradict_the_tensors_are_refused(
    released: Path, fairseq_state: dict[str, Tensor], change: dict[str, Any], message: str
) -> None:
    write(released, names_of_2019(fairseq_state), settings(**change))
    with pytest.raises(DataError, match=message):
        open_checkpoint(released)


def test_tensors_of_another_model_are_named(released: Path, fairseq_state: dict[str, Tensor]) -> None:
    model = names_of_2019(fairseq_state)
    lost = "decoder.sentence_encoder.layers.1.fc2.bias"
    write(released, {name: t for name, t in model.items() if name != lost}, settings())
    with pytest.raises(DataError, match=f"1 missing: {lost}"):
        open_checkpoint(released)
    final = "decoder.sentence_encoder.layer_norm.weight"  # of the pre-norm XLM-R XL
    write(released, model | {final: torch.ones(128)}, settings())
    with pytest.raises(DataError, match=f"1 unknown: {final}"):
        open_checkpoint(released)
    write(released, model | {"decoder.lm_head.weight": torch.ones(202, 128)}, settings())
    with pytest.raises(DataError, match=r"lm_head\.weight differs from"):
        load_state(open_checkpoint(released), head="mlm")
    write(released, {"encoder.conv.weight": torch.ones(2)}, settings())
    with pytest.raises(DataError, match="not a RoBERTa or XLM-R model"):
        open_checkpoint(released)


def edit_dictionary(folder: Path, change: Callable[[list[str]], object]) -> None:
    path = folder / "dict.txt"
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    change(lines)
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def test_a_dictionary_in_another_order_is_refused_by_line(released: Path) -> None:
    def swap(lines: list[str]) -> None:
        lines[40], lines[41] = lines[41], lines[40]

    edit_dictionary(released, swap)
    with pytest.raises(DataError, match=r"dict\.txt, line 41: .* where the SentencePiece model has piece"):
        open_checkpoint(released)


@pytest.mark.parametrize(
    ("change", "count"), [(lambda lines: lines.pop(), 196), (lambda lines: lines.append("more 1"), 198)]
)
def test_a_dictionary_of_another_length_is_refused(
    released: Path, change: Callable[[list[str]], object], count: int
) -> None:
    edit_dictionary(released, change)
    with pytest.raises(DataError, match=f"{count} lines, the SentencePiece model needs 197"):
        open_checkpoint(released)


def test_embeddings_of_another_vocabulary_are_refused(
    released: Path, fairseq_config: EncoderConfig, random_state: RandomState
) -> None:
    more = random_state(replace(fairseq_config, vocab_size=203), "mlm")
    write(released, names_of_2019(more), settings())
    with pytest.raises(DataError, match=r"is 202 ids, and model\.pt has 203 embeddings"):
        open_checkpoint(released)


def test_a_truncated_model_and_a_missing_file_are_named(released: Path) -> None:
    content = (released / "model.pt").read_bytes()
    (released / "model.pt").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"model\.pt: not readable"):
        open_checkpoint(released)
    (released / "model.pt").write_bytes(content)
    (released / "dict.txt").unlink()
    with pytest.raises(DataError, match=r"dict\.txt: cannot read"):
        open_checkpoint(released)


def test_the_real_vocabulary_has_249997_lines_and_250002_ids(shared_data: Path) -> None:
    pieces = read_pieces(shared_data / "tokenizer" / "xlmr.sentencepiece.bpe.model")
    assert len(pieces) == 250_002
    assert len(pieces[4:-1]) == 249_997
    assert [piece for piece, _ in pieces[:6]] == ["<s>", "<pad>", "</s>", "<unk>", ",", "."]
    assert pieces[-1][0] == "<mask>"
