"""Weights are read from pickles; code in pickles is not run."""

from __future__ import annotations

import argparse
import functools
import operator
import os
import subprocess
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from xlmr_bench.errors import DataError
from xlmr_bench.modeling.pickled import Inert, attributes, load_pickled

zip_and_legacy = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])


class Calls:
    """Pickled as the call of a function: the way a pickle makes its reader run code."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


class DictConfig:
    """Pickled with the attributes of an OmegaConf node."""

    def __init__(self, **content: Any) -> None:
        self._content = {name: Value(value) for name, value in content.items()}
        self._parent = self


class Value:
    def __init__(self, value: Any) -> None:
        self._val = value


def save(path: Path, content: object, zipped: bool) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


ATTACKS: dict[str, Callable[[Path], object]] = {
    "os.system": lambda marker: Calls(os.system, f"touch '{marker}'"),
    "eval": lambda marker: Calls(eval, f"open({str(marker)!r}, 'w').close()"),
    "exec": lambda marker: Calls(exec, f"open({str(marker)!r}, 'w').close()"),
    "subprocess": lambda marker: Calls(subprocess.check_call, ["touch", str(marker)]),
    "nested getattr": lambda marker: Calls(list, Calls(map, Calls(getattr, Path, "touch"), [marker])),
    "call of a result": lambda marker: Calls(operator.methodcaller("touch"), marker),
    "partial": lambda marker: Calls(functools.partial(Path.touch, marker)),
    "argument of a function that is allowed": lambda marker: Calls(
        torch._utils._rebuild_parameter_with_state, torch.ones(1), True, {}, Calls(os.mkdir, str(marker))
    ),
}


@zip_and_legacy
@pytest.mark.parametrize("name", ATTACKS)
def test_code_in_a_pickle_is_not_executed(tmp_path: Path, name: str, zipped: bool) -> None:
    marker = tmp_path / "executed"
    path = save(tmp_path / "pytorch_model.bin", {"weight": torch.ones(2), "x": ATTACKS[name](marker)}, zipped)
    try:
        torch.load(path, weights_only=False)
    except Exception:
        assert marker.exists()
    assert marker.exists(), "unless the file works as an attack, this test shows nothing"
    marker.rmdir() if marker.is_dir() else marker.unlink()
    try:
        loaded = load_pickled(path)
    except DataError as e:
        assert str(path) in str(e)
    else:
        assert isinstance(loaded["x"], Inert)
    assert not marker.exists()


@zip_and_legacy
def test_tensors_of_every_kind_are_read_exactly(tmp_path: Path, zipped: bool) -> None:
    tensors = OrderedDict(
        single=torch.randn(3, 4), half=torch.randn(5).half(), brain=torch.randn(5).bfloat16(), ids=torch.arange(4)
    )
    tensors["view"] = tensors["single"][1:, ::2]
    tensors["parameter"] = torch.nn.Parameter(torch.randn(2))
    loaded = load_pickled(save(tmp_path / "w.bin", tensors, zipped))
    assert list(loaded) == list(tensors)
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype
        assert torch.equal(loaded[name], tensor)


@zip_and_legacy
def test_settings_are_read_from_a_namespace_and_from_omegaconf(tmp_path: Path, zipped: bool) -> None:
    content = {
        "args": argparse.Namespace(encoder_layers=2, arch="roberta_base"),
        "cfg": DictConfig(model=argparse.Namespace(encoder_layers=3)),
        "nodes": DictConfig(dropout=0.25),
    }
    loaded = load_pickled(save(tmp_path / "model.pt", content, zipped))
    assert isinstance(loaded["args"], Inert)
    assert attributes(loaded["args"]) == {"encoder_layers": 2, "arch": "roberta_base"}
    assert attributes(attributes(loaded["cfg"])["model"]) == {"encoder_layers": 3}
    assert attributes(loaded["nodes"]) == {"dropout": 0.25}
    assert attributes(None) == {}


@zip_and_legacy
def test_a_builtin_among_the_settings_does_not_stop_the_reading(tmp_path: Path, zipped: bool) -> None:
    loaded = load_pickled(save(tmp_path / "model.pt", {"weight": torch.ones(2), "shards": slice(1, 2, 3)}, zipped))
    assert torch.equal(loaded["weight"], torch.ones(2))
    assert isinstance(loaded["shards"], Inert)


@zip_and_legacy
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.97])
def test_a_truncated_file_is_refused_by_name(tmp_path: Path, zipped: bool, kept: float) -> None:
    path = save(tmp_path / "w.bin", {"weight": torch.randn(64, 64)}, zipped)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(DataError, match=r"w\.bin: not readable"):
        load_pickled(path)


@pytest.mark.parametrize("content", [b"", b"\n", b"<html>404</html>", b"PK\x03\x04 not a zip", bytes(100)])
def test_what_is_no_pickle_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "w.bin"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"w\.bin: not readable"):
        load_pickled(path)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.bin"):
        load_pickled(tmp_path / "absent.bin")


def test_a_file_without_a_dict_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds Tensor, not a dict"):
        load_pickled(save(tmp_path / "w.bin", torch.ones(2), zipped=True))
