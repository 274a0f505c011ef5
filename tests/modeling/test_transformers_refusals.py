"""`hf:` folders that are damaged, foreign or dangerous are refused with a reason and without running their code."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers_models import ROWS, SIZE, WORDPIECES, python, transformers

from xlmr_bench.errors import DataError, UsageError
from xlmr_bench.modeling.transformers_backbone import describe_transformers, load_transformers


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
