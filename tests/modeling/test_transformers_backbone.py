"""`hf:` encoders compute what `transformers` computes, and say which model they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers_models import KINDS, PAIRS, batch, framed, python, save_wordpiece, transformers

from xlmr_bench.files import sha256_of
from xlmr_bench.modeling.checkpoint import save_checkpoint
from xlmr_bench.modeling.config import EncoderConfig
from xlmr_bench.modeling.dropout import ExampleDropout, example_keys
from xlmr_bench.modeling.encoder import Encoder
from xlmr_bench.modeling.tokenizer import load_sentencepiece
from xlmr_bench.modeling.transformers_backbone import TransformersBackbone, describe_transformers, load_transformers

# --- the same numbers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_hidden_states_equal_those_of_transformers(hf_folders: dict[str, Path], kind: str) -> None:
    backbone, tokenizer = load_transformers(str(hf_folders[kind]))
    theirs = transformers.AutoTokenizer.from_pretrained(hf_folders[kind])
    model = transformers.AutoModel.from_pretrained(hf_folders[kind]).eval()
    rows = [framed(tokenizer, a, b) for a, b in PAIRS]
    assert len(set(map(len, rows))) == 2
    with torch.no_grad():
        padded = backbone(*batch(rows, tokenizer.pad_id))
        for pair, row, hidden in zip(PAIRS, rows, padded, strict=True):
            inputs = theirs(*pair, return_tensors="pt")
            assert row == inputs["input_ids"][0].tolist()
            expected = model(**inputs).last_hidden_state[0]
            torch.testing.assert_close(backbone(*batch([row], 0))[0], expected, rtol=0, atol=1e-5)
            torch.testing.assert_close(hidden[: len(row)], expected, rtol=0, atol=1e-5)


def test_an_xlmr_folder_equals_our_own_encoder(
    tiny: EncoderConfig, random_state: Callable[..., dict[str, Tensor]], spm_file: Path, tmp_path: Path
) -> None:
    state = random_state(tiny, None)
    save_checkpoint(tmp_path / "xlmr", tiny, state, spm_file, kind=None, labels=None, provenance={})
    ours = Encoder(tiny).eval()
    ours.load_state_dict({name.removeprefix("encoder."): tensor for name, tensor in state.items()})
    backbone, tokenizer = load_transformers(str(tmp_path / "xlmr"))
    own = load_sentencepiece(spm_file)
    frame = ("prefix", "middle", "suffix", "pad_id", "mask_id", "vocab_size")
    assert [getattr(tokenizer, n) for n in frame] == [getattr(own, n) for n in frame]
    text = "  bado kilu ½ ﷺ 中文 shi\u200b me\u0301 ий q"
    assert tokenizer.encode_batch([text]) == own.encode_batch([text])
    assert tokenizer.encode_with_offsets(text) == own.encode_with_offsets(text)
    ids, lengths = batch([[0, *own.encode_batch([text])[0], 2], [0, 9, 2, 2, 17, 2]], own.pad_id)
    with torch.no_grad():
        hidden, expected = backbone(ids, lengths), ours(ids, lengths)
    for got, wanted, length in zip(hidden, expected, lengths, strict=True):
        torch.testing.assert_close(got[:length], wanted[:length], rtol=0, atol=1e-5)
    assert (backbone.hidden_size, backbone.max_tokens) == (tiny.hidden_size, tiny.max_tokens)


def test_reading_some_positions_picks_them_from_all(hf_folders: dict[str, Path]) -> None:
    backbone, tokenizer = load_transformers(str(hf_folders["bert"]))
    ids, lengths = batch([framed(tokenizer, a, b) for a, b in PAIRS], tokenizer.pad_id)
    with torch.no_grad():
        every, some = backbone(ids, lengths), backbone(ids, lengths, None, torch.tensor([[0, 3], [2, 0]]))
    assert torch.equal(some, torch.stack([every[0, [0, 3]], every[1, [2, 0]]]))


@pytest.mark.parametrize("kind", KINDS)
def test_the_longest_input_is_known(hf_folders: dict[str, Path], kind: str) -> None:
    backbone, _ = load_transformers(str(hf_folders[kind]))
    assert (backbone.max_tokens, backbone.hidden_size, backbone.num_hidden_layers) == (40, 24, 2)
    assert backbone.get_input_embeddings().num_embeddings == backbone.vocab_size == KINDS[kind][0]().vocab_size
    assert backbone(torch.full((1, 40), 6), torch.tensor([40])).shape == (1, 40, 24)


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_follows_the_keys_and_leaves_the_generator_alone(hf_folders: dict[str, Path], kind: str) -> None:
    backbone, tokenizer = load_transformers(str(hf_folders[kind]))
    ids, lengths = batch([framed(tokenizer, a, b) for a, b in PAIRS], tokenizer.pad_id)

    def run(step: int | None) -> Tensor:
        drop = None if step is None else ExampleDropout(example_keys(seed=1, step=step, first=0, count=2))
        hidden: Tensor = backbone(ids, lengths, drop)
        return hidden.detach()

    plain, first = run(None), run(1)
    torch.manual_seed(8)
    state = torch.get_rng_state()
    assert torch.equal(run(1), first)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(run(2), first)
    assert not torch.equal(plain, first)
    assert torch.equal(run(None), plain)


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_rates_can_be_set(hf_folders: dict[str, Path], kind: str) -> None:
    backbone, tokenizer = load_transformers(str(hf_folders[kind]), 0.0, 0.0)
    ids, lengths = batch([framed(tokenizer, *PAIRS[0])], tokenizer.pad_id)
    drop = ExampleDropout(example_keys(seed=1, step=1, first=0, count=1))
    torch.testing.assert_close(backbone(ids, lengths, drop), backbone(ids, lengths))


def test_every_weight_is_used_in_fp32(bert: Path) -> None:
    transformers.AutoModel.from_pretrained(bert).half().save_pretrained(bert)
    backbone, tokenizer = load_transformers(str(bert))
    backbone(*batch([framed(tokenizer, *PAIRS[0])], 0)).sum().backward()
    assert {p.dtype for p in backbone.parameters()} == {torch.float32}
    assert not [name for name, p in backbone.named_parameters() if p.grad is None]


def test_the_backbone_is_a_module_like_our_encoder(hf_folders: dict[str, Path]) -> None:
    backbone, _ = load_transformers(str(hf_folders["bert"]))
    assert isinstance(backbone, TransformersBackbone)
    assert not [name for name, _ in backbone.named_parameters() if "pooler" in name]


# --- what a model is -----------------------------------------------------------------------------------------------


def test_a_model_is_described_without_its_weights(hf_folders: dict[str, Path]) -> None:
    source = describe_transformers(f"hf:{hf_folders['roberta']}")
    backbone, tokenizer = load_transformers(str(hf_folders["roberta"]))
    assert (source.max_tokens, source.checkpoint, source.name) == (40, None, hf_folders["roberta"].name)
    assert source.tokenizer.digest == tokenizer.digest == source.identity["tokenizer_sha256"]
    assert source.identity["weights_sha256"] == sha256_of(hf_folders["roberta"] / "model.safetensors")
    assert source.identity["parameters"] == sum(p.numel() for p in backbone.parameters())
    assert source.identity["architecture"] == "RobertaModel"
    assert source.identity["revision"] is None
    json.dumps(source.identity)


def test_a_cached_hub_model_loads_offline_and_silently_with_its_commit(
    hf_folders: dict[str, Path], tmp_path: Path
) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    cached = tmp_path / "models--someone--small-bert"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text(commit)
    snapshot = cached / "snapshots" / commit
    snapshot.mkdir(parents=True)
    # A pretraining checkpoint, without a pooler and with a head: worth log lines to transformers, not to us.
    config = transformers.AutoConfig.from_pretrained(hf_folders["bert"])
    transformers.BertForMaskedLM(config).save_pretrained(snapshot)
    save_wordpiece(snapshot)
    script = (
        "import sys, torch; from pathlib import Path\n"
        "from xlmr_bench.modeling.transformers_backbone import describe_transformers, load_transformers\n"
        "identity = describe_transformers('hf:someone/small-bert').identity\n"
        "backbone, tokenizer = load_transformers('someone/small-bert')\n"
        "tokenizer.encode_batch(['a b ' * 5000])\n"
        "backbone(torch.full((2, 9), 6), torch.tensor([9, 5]))\n"
        "Path(sys.argv[1]).write_text(identity['revision'] + ' ' + identity['name'])\n"
    )
    offline = {"HF_HUB_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    run = python(script, str(tmp_path / "out"), **offline)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert (tmp_path / "out").read_text() == f"{commit} someone/small-bert"
