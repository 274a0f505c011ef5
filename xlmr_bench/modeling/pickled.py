"""Weights in PyTorch's pickle formats, read without running the code a pickle can carry.

A pickle names functions and has them called. `torch.load(weights_only=True)` admits only those that rebuild
tensors; everything else that a file names (argparse.Namespace, fairseq and OmegaConf classes, or os.system)
gets an inert class here, which keeps what it is given and does nothing.
"""

from __future__ import annotations

import pickletools
import warnings
import zipfile
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from ..errors import DataError

_ZIP_START = b"PK\x03\x04"
# The format of torch < 1.6: magic number, protocol version, system information and the object, one pickle each.
_LEGACY_PICKLES = 4


class Inert:
    """Stands for an instance of any class: `args` it was made with, `state` it was given."""

    args: tuple[Any, ...]
    state: Any

    def __new__(cls, *args: Any, **_: Any) -> Inert:
        self = object.__new__(cls)
        self.args, self.state = args, {}
        return self

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        self.state = state


def load_pickled(path: Path) -> dict[str, Any]:
    """The dict saved in `path` (zip format or the older one), tensors on the CPU; raises DataError."""
    import torch

    try:
        zipped = _is_zip(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickle protocols; what cannot be read raises
            stand_ins: list[Any] = [(type(name, (Inert,), {}), name) for name in sorted(_globals(path, zipped))]
            with torch.serialization.safe_globals(stand_ins):
                content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except Exception as e:  # a damaged pickle raises almost anything
        raise DataError(
            f"{path}: not readable as PyTorch weights ({_reason(e)}). The file is damaged, or holds more than "
            "tensors and settings. Fetch it again, or save the model as safetensors where you trust it."
        ) from e
    if not isinstance(content, dict):
        raise DataError(f"{path}: holds {type(content).__name__}, not a dict of weights. Save model.state_dict().")
    return content


def attributes(value: Any) -> dict[str, Any]:
    """The fields of a Namespace, dataclass, OmegaConf node or dict that was loaded, one level deep."""
    state = value.state if isinstance(value, Inert) else value
    if not isinstance(state, dict):
        return {}
    content = state.get("_content", state)  # an OmegaConf node keeps its fields there
    return {str(k): _plain(v) for k, v in content.items()} if isinstance(content, dict) else {}


def _plain(value: Any) -> Any:
    """The value of an OmegaConf field (kept in `_val`) or of an enumeration (made with it)."""
    if isinstance(value, Inert) and isinstance(value.state, dict) and "_val" in value.state:
        value = value.state["_val"]
    if isinstance(value, Inert) and not value.state and len(value.args) == 1:
        value = value.args[0]
    return value


def _is_zip(path: Path) -> bool:
    with path.open("rb") as f:
        return f.read(len(_ZIP_START)) == _ZIP_START


def _globals(path: Path, zipped: bool) -> set[str]:
    """Every `module.name` that the pickles of a file mention, read as opcodes and not executed."""
    if not zipped:
        with path.open("rb") as f:
            return {name for _ in range(_LEGACY_PICKLES) for name in _mentioned(f)}
    with zipfile.ZipFile(path) as archive:
        pickles = [n for n in archive.namelist() if n.endswith("/data.pkl")]
        names: set[str] = set()
        for pickle in pickles:
            with archive.open(pickle) as member:
                names.update(_mentioned(member))
    return names


def _mentioned(stream: IO[bytes]) -> Iterator[str]:
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name == "GLOBAL":
            module, name = str(argument).split(" ", 1)
            # Pickles of protocol 2 call Python 3's modules by their Python 2 names, as torch knows too.
            module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
            yield f"{module}.{name}"


def _reason(error: Exception) -> str:
    """The part of torch's long explanation that tells the cause, on one line."""
    text = str(error).rsplit("WeightsUnpickler error:", 1)[-1].strip()
    first = text.splitlines()[0] if text else ""
    return f"{type(error).__name__}: {first[:200]}" if first else type(error).__name__
