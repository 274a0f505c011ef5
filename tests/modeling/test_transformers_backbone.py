"""`hf:` encoders compute what `transformers` computes, and foreign folders are refused with a reason."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from xlmr_bench.errors import DataError, UsageError
from xlmr_bench.files import sha256_of
from xlmr_bench.modeling.checkpoint import save_checkpoint
from xlmr_bench.modeling.config import EncoderConfig
from xlmr_bench.modeling.dropout import ExampleDropout, example_keys
from xlmr_bench.modeling.encoder import Encoder
from xlmr_bench.modeling.tokenizer import load_sentencepiece
from xlmr_bench.modeling.transformers_backbone import (
    TransformersBackbone,
    TransformersTokenizer,
    describe_transformers,
    load_transformers,
)

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


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A random small model of each kind with its tokenizer, as `save_pretrained` leaves them."""
    made = {}
    for kind, (config, save_tokenizer) in KINDS.items():
        made[kind] = tmp_path_factory.mktemp(kind)
        torch.manual_seed(5)
        model = transformers.AutoModel.from_config(config())
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.normal_(std=0.3)
        model.save_pretrained(made[kind])
        save_tokenizer(made[kind])
    return made


@pytest.fixture
def bert(folders: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of the BERT folder to break."""
    for file in folders["bert"].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def framed(tokenizer: TransformersTokenizer, a: str, b: str) -> list[int]:
    first, second = tokenizer.encode_batch([a, b])
    return [*tokenizer.prefix, *first, *tokenizer.middle, *second, *tokenizer.suffix]


def batch(rows: list[list[int]], pad: int) -> tuple[Tensor, Tensor]:
    longest = max(map(len, rows))
    return torch.tensor([r + [pad] * (longest - len(r)) for r in rows]), torch.tensor([len(r) for r in rows])


# --- the same numbers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_hidden_states_equal_those_of_transformers(folders: dict[str, Path], kind: str) -> None:
    backbone, tokenizer = load_transformers(str(folders[kind]))
    theirs = transformers.AutoTokenizer.from_pretrained(folders[kind])
    model = transformers.AutoModel.from_pretrained(folders[kind]).eval()
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


def test_reading_some_positions_picks_them_from_all(folders: dict[str, Path]) -> None:
    backbone, tokenizer = load_transformers(str(folders["bert"]))
    ids, lengths = batch([framed(tokenizer, a, b) for a, b in PAIRS], tokenizer.pad_id)
    with torch.no_grad():
        every, some = backbone(ids, lengths), backbone(ids, lengths, None, torch.tensor([[0, 3], [2, 0]]))
    assert torch.equal(some, torch.stack([every[0, [0, 3]], every[1, [2, 0]]]))


@pytest.mark.parametrize("kind", KINDS)
def test_the_longest_input_is_known(folders: dict[str, Path], kind: str) -> None:
    backbone, _ = load_transformers(str(folders[kind]))
    assert (backbone.max_tokens, backbone.hidden_size, backbone.num_hidden_layers) == (40, 24, 2)
    assert backbone.get_input_embeddings().num_embeddings == backbone.vocab_size == KINDS[kind][0]().vocab_size
    assert backbone(torch.full((1, 40), 6), torch.tensor([40])).shape == (1, 40, 24)


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_follows_the_keys_and_leaves_the_generator_alone(folders: dict[str, Path], kind: str) -> None:
    backbone, tokenizer = load_transformers(str(folders[kind]))
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
def test_dropout_rates_can_be_set(folders: dict[str, Path], kind: str) -> None:
    backbone, tokenizer = load_transformers(str(folders[kind]), 0.0, 0.0)
    ids, lengths = batch([framed(tokenizer, *PAIRS[0])], tokenizer.pad_id)
    drop = ExampleDropout(example_keys(seed=1, step=1, first=0, count=1))
    torch.testing.assert_close(backbone(ids, lengths, drop), backbone(ids, lengths))


def test_every_weight_is_used_in_fp32(bert: Path) -> None:
    transformers.AutoModel.from_pretrained(bert).half().save_pretrained(bert)
    backbone, tokenizer = load_transformers(str(bert))
    backbone(*batch([framed(tokenizer, *PAIRS[0])], 0)).sum().backward()
    assert {p.dtype for p in backbone.parameters()} == {torch.float32}
    assert not [name for name, p in backbone.named_parameters() if p.grad is None]


# --- tokenizers ----------------------------------------------------------------------------------------------------


def test_special_tokens_frame_a_pair_as_each_model_expects(folders: dict[str, Path]) -> None:
    frames = {kind: load_transformers(str(folders[kind]))[1] for kind in KINDS}
    assert {k: (t.prefix, t.middle, t.suffix) for k, t in frames.items()} == {
        "bert": ((2,), (3,), (3,)),
        "electra": ((2,), (3,), (3,)),
        "distilbert": ((2,), (3,), (3,)),
        "roberta": ((0,), (2, 2), (2,)),
        "xlm": ((0,), (1,), (1,)),
    }
    assert [(t.pad_id, t.mask_id) for t in frames.values()] == [(0, 4)] * 3 + [(1, 262), (2, 5)]


def test_written_special_tokens_are_text(folders: dict[str, Path]) -> None:
    for kind, text in (("bert", "a[SEP] b [MASK]"), ("roberta", "<s>a</s>"), ("xlm", "<s> a </s>")):
        tokenizer = load_transformers(str(folders[kind]))[1]
        assert not {*tokenizer.prefix, *tokenizer.middle, tokenizer.mask_id} & set(tokenizer.encode_batch([text])[0])
        assert tokenizer.encode_with_offsets(text).ids == tokenizer.encode_batch([text])[0]


def test_offsets_give_the_original_characters(folders: dict[str, Path]) -> None:
    expected = {
        "bert": ["ba", "do", "é", "中", "cafe\u0301"],
        # A byte-level vocabulary cuts characters into bytes: each piece has the whole character.
        "roberta": ["ba", "d", "o", "é", "é", "", "中", "中", "中", "c", "a", "f", "e", "\u0301", "\u0301"],
        "xlm": ["bado", "é中", "cafe\u0301"],
    }
    for kind, sources in expected.items():
        text = "  bado é中 cafe\u0301" if kind == "xlm" else "  bado é 中 cafe\u0301"
        pieces = load_transformers(str(folders[kind]))[1].encode_with_offsets(text)
        found = [text[s:e] for s, e in zip(pieces.starts, pieces.ends, strict=True)]
        assert [f for f in found if f] == [s for s in sources if s], kind
        assert (pieces.starts, pieces.ends) == (sorted(pieces.starts), sorted(pieces.ends))
        assert load_transformers(str(folders[kind]))[1].encode_with_offsets(" ").ends in ([], [1])


def test_words_are_encoded_as_inside_a_text_and_never_lost(folders: dict[str, Path]) -> None:
    roberta = load_transformers(str(folders["roberta"]))[1]
    (inside,) = roberta.encode_batch([" ba ba"])
    assert roberta.encode_words(["ba", "ba"]) == (inside, [0, 1])
    bert = load_transformers(str(folders["bert"]))[1]
    assert bert.encode_words(["bado", "\u200b", "c"]) == ([15, 16, 1, 7], [0, 0, 1, 2])


def test_lone_surrogates_do_not_stop_a_batch(folders: dict[str, Path]) -> None:
    tokenizer = load_transformers(str(folders["bert"]))[1]
    assert tokenizer.encode_batch(["a\ud83d b"]) == tokenizer.encode_batch(["a b"])
    assert tokenizer.encode_with_offsets("a\ud83d b").starts == [0, 3]


def test_saved_truncation_and_padding_change_neither_output_nor_digest(bert: Path) -> None:
    plain = load_transformers(str(bert))[1]
    saved = transformers.AutoTokenizer.from_pretrained(bert)
    saved.backend_tokenizer.enable_truncation(3)
    saved.backend_tokenizer.enable_padding(length=9)
    saved.save_pretrained(bert)
    again = load_transformers(str(bert))[1]
    assert again.encode_batch(["a b c a b c", "a"]) == plain.encode_batch(["a b c a b c", "a"])
    assert again.digest == plain.digest
    (bert / "tokenizer.json").unlink()
    (bert / "vocab.txt").write_text("\n".join([*WORDPIECES[:-1], "}"]) + "\n", encoding="utf-8")
    assert load_transformers(str(bert))[1].digest != plain.digest


def test_xlms_own_tokenizer_encodes_but_knows_no_offsets(folders: dict[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("sacremoses", reason="XLM's tokenizer needs the package sacremoses")
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folders["xlm"] / name).read_bytes())
    pieces = ["<s>", "</s>", "<pad>", "<unk>", *(f"<special{i}>" for i in range(10)), "a</w>", "b</w>", "ab</w>"]
    (tmp_path / "vocab.json").write_text(json.dumps({piece: i for i, piece in enumerate(pieces)}))
    (tmp_path / "merges.txt").write_text("a b</w> 5\n")
    tokenizer = load_transformers(str(tmp_path))[1]
    assert (tokenizer.prefix, tokenizer.middle, tokenizer.suffix) == ((0,), (1,), (1,))
    assert tokenizer.encode_batch(["a ab", ""]) == [[14, 16], []]
    assert not {0, 1} & set(tokenizer.encode_batch(["<s> a </s>"])[0])
    assert tokenizer.encode_words(["ab", "", "b"]) == ([16, 3, 15], [0, 1, 2])
    assert tokenizer.digest == load_transformers(str(tmp_path))[1].digest
    with pytest.raises(UsageError, match="XLMTokenizer does not say which characters"):
        tokenizer.encode_with_offsets("a")


def test_a_tokenizer_that_needs_another_package_says_so(folders: dict[str, Path], tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folders["xlm"] / name).read_bytes())
    (tmp_path / "vocab.json").write_text("{}")
    (tmp_path / "merges.txt").write_text("")
    error = python(
        "import sys; sys.modules['sacremoses'] = None\n"
        "from xlmr_bench.modeling.transformers_backbone import load_transformers\n"
        "load_transformers(sys.argv[1])",
        str(tmp_path),
    ).stderr
    assert all(word in error for word in ("UsageError", "sacremoses", "xlmr_bench[transformers]"))


# --- what a model is -----------------------------------------------------------------------------------------------


def test_a_model_is_described_without_its_weights(folders: dict[str, Path]) -> None:
    source = describe_transformers(f"hf:{folders['roberta']}")
    backbone, tokenizer = load_transformers(str(folders["roberta"]))
    assert (source.max_tokens, source.checkpoint, source.name) == (40, None, folders["roberta"].name)
    assert source.tokenizer.digest == tokenizer.digest == source.identity["tokenizer_sha256"]
    assert source.identity["weights_sha256"] == sha256_of(folders["roberta"] / "model.safetensors")
    assert source.identity["parameters"] == sum(p.numel() for p in backbone.parameters())
    assert source.identity["architecture"] == "RobertaModel"
    assert source.identity["revision"] is None
    json.dumps(source.identity)


def python(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "default", "-c", script, *arguments]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=120
    )


def test_a_cached_hub_model_loads_offline_and_silently_with_its_commit(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    cached = tmp_path / "models--someone--small-bert"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text(commit)
    snapshot = cached / "snapshots" / commit
    snapshot.mkdir(parents=True)
    # A pretraining checkpoint, without a pooler and with a head: worth log lines to transformers, not to us.
    config = transformers.AutoConfig.from_pretrained(folders["bert"])
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


# --- what is refused -----------------------------------------------------------------------------------------------


def test_without_transformers_the_remedy_is_named() -> None:
    script = (
        "import sys; sys.modules['transformers'] = None\n"
        "from xlmr_bench.modeling.transformers_backbone import load_transformers\n"
        "load_transformers('bert-base-multilingual-cased')"
    )
    assert "UsageError" in (error := python(script).stderr)
    assert "pip install 'xlmr_bench[transformers]'" in error


@pytest.mark.parametrize("name", ["someone/unheard-of", "./no/such/folder"])
def test_an_unknown_name_says_what_to_do_offline(name: str) -> None:
    with pytest.raises(DataError, match=rf"no folder '{name}'.*hf download {name} --local-dir FOLDER"):
        load_transformers(name)


def test_a_folder_without_tokenizer_is_refused(bert: Path) -> None:
    for name in ("vocab.txt", "tokenizer_config.json"):
        (bert / name).unlink()
    with pytest.raises(DataError, match="no tokenizer there"):
        load_transformers(str(bert))


def test_a_folder_without_weights_is_refused(bert: Path) -> None:
    (bert / "model.safetensors").unlink()
    with pytest.raises(DataError, match="no weights"):
        load_transformers(str(bert))
    with pytest.raises(DataError, match="no weights"):
        describe_transformers(f"hf:{bert}")


def test_damaged_files_are_named_without_noise(bert: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole = (bert / "model.safetensors").read_bytes()
    (bert / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="transformers cannot load it"):
        load_transformers(str(bert))
    (bert / "config.json").write_text("{")
    with pytest.raises(DataError, match="transformers cannot load it"):
        load_transformers(str(bert))
    assert capfd.readouterr() == ("", "")


def test_weights_that_lack_a_tensor_are_refused(bert: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(bert / "model.safetensors")
    del tensors["encoder.layer.1.output.dense.weight"]
    save_file(tensors, bert / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        DataError, match=r"1 tensors .* encoder\.layer\.1\.output\.dense\.weight\); they would be random"
    ):
        load_transformers(str(bert))


def test_a_tokenizer_of_another_model_is_refused(bert: Path) -> None:
    with (bert / "vocab.txt").open("a") as f:
        f.write("extra\n")
    with pytest.raises(DataError, match=f"tokenizer has {len(WORDPIECES) + 1} ids, the model {len(WORDPIECES)}"):
        load_transformers(str(bert))


def test_a_tokenizer_without_special_tokens_around_texts_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    for file in folders["xlm"].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    content = json.loads((tmp_path / "tokenizer.json").read_text())
    (tmp_path / "tokenizer.json").write_text(json.dumps({**content, "post_processor": None}))
    with pytest.raises(DataError, match="does not write special tokens before, between and after"):
        load_transformers(str(tmp_path))


def test_generators_are_refused(bert: Path) -> None:
    transformers.BartConfig(vocab_size=len(WORDPIECES), d_model=8).save_pretrained(bert)
    with pytest.raises(UsageError, match="bart decoder or encoder-decoder"):
        load_transformers(str(bert))
    transformers.BertConfig(**SIZE, **ROWS, is_decoder=True).save_pretrained(bert)
    with pytest.raises(UsageError, match="bert decoder or encoder-decoder"):
        load_transformers(str(bert))


class Bomb:
    """Unpickling runs a command that leaves a file behind."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.trace}",)


def test_pickled_weights_load_and_are_never_executed(bert: Path) -> None:
    plain = load_transformers(str(bert))[0]
    torch.save(transformers.AutoModel.from_pretrained(bert).state_dict(), bert / "pytorch_model.bin")
    (bert / "model.safetensors").unlink()
    again = load_transformers(str(bert))[0]
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), again.parameters(), strict=True))
    trace = bert / "executed"
    for content in (pickle.dumps({"bomb": Bomb(trace)}), None):
        if content is None:
            torch.save({"bomb": Bomb(trace)}, bert / "pytorch_model.bin")
        else:
            (bert / "pytorch_model.bin").write_bytes(content)
        with pytest.raises(DataError):
            load_transformers(str(bert))
        assert not trace.exists()


def test_code_in_a_folder_is_never_executed(bert: Path) -> None:
    config = json.loads((bert / "config.json").read_text())
    classes = {"AutoConfig": "evil.EvilConfig", "AutoModel": "evil.EvilModel", "AutoTokenizer": ["evil.Evil", None]}
    (bert / "config.json").write_text(json.dumps({**config, "model_type": "evil", "auto_map": classes}))
    (bert / "evil.py").write_text(f"open({str(bert / 'executed')!r}, 'w')\n")
    with pytest.raises(DataError, match=str(bert)):
        load_transformers(str(bert))
    assert not (bert / "executed").exists()


def test_the_backbone_is_a_module_like_our_encoder(folders: dict[str, Path]) -> None:
    backbone, _ = load_transformers(str(folders["bert"]))
    assert isinstance(backbone, TransformersBackbone)
    assert not [name for name, _ in backbone.named_parameters() if "pooler" in name]
