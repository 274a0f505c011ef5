"""The weight files of a Hugging Face folder: which there are, what they hold, and their tensors.

Shapes come from safetensors headers (https://huggingface.co/docs/safetensors: eight bytes with the header's length,
a JSON header, the data), so that checking a folder needs neither torch nor the weights in memory.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DataError
from .names import Shape
from .pickled import load_pickled

if TYPE_CHECKING:
    from torch import Tensor

SAFETENSORS, INDEX, PICKLED = "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; raises DataError where it is anything else."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise DataError(f"{path}: not readable as JSON ({e}). Fetch the file again.") from e
    if not isinstance(value, dict):
        raise DataError(f"{path}: holds a JSON {type(value).__name__}, not an object. Fetch the file again.")
    return value


def find_weights(folder: Path) -> tuple[Path, ...]:
    """The weight files of a folder in the order of their names; safetensors are preferred to pickles."""
    if (folder / SAFETENSORS).is_file():
        return (folder / SAFETENSORS,)
    if (folder / INDEX).is_file():
        return tuple(folder / name for name in sorted(set(_weight_map(folder).values())))
    if (folder / PICKLED).is_file():
        return (folder / PICKLED,)
    raise DataError(f"{folder}: no weights. A checkpoint folder holds {SAFETENSORS}, {INDEX} or {PICKLED}.")


def weight_shapes(files: tuple[Path, ...]) -> dict[str, Shape]:
    """The shape of every tensor in the files, each exactly where the index says."""
    if files[0].name == PICKLED:
        return {name: tuple(t.shape) for name, t in _pickled_tensors(files[0]).items()}
    found = {path.name: safetensors_header(path) for path in files}
    index = files[0].parent / INDEX
    if files[0].name != SAFETENSORS:
        held = {name: file for file, header in found.items() for name in header}
        stray = sorted(set(held.items()) ^ set(_weight_map(index.parent).items()))
        if stray:
            raise DataError(
                f"{index}: disagrees with its files about {stray[0][0]} in {stray[0][1]}. Fetch them again."
            )
    return {name: shape for header in found.values() for name, shape in header.items()}


def weight_tensors(files: tuple[Path, ...]) -> dict[str, Tensor]:
    """Every tensor in the files, under its own name and in its own dtype."""
    if files[0].name == PICKLED:
        return _pickled_tensors(files[0])
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    tensors: dict[str, Tensor] = {}
    for path in files:
        try:
            tensors |= load_file(path)
        except (OSError, SafetensorError) as e:
            raise DataError(f"{path}: not readable as safetensors ({e}). Fetch it again.") from e
    return tensors


def safetensors_header(path: Path) -> dict[str, Shape]:
    """The shapes that a safetensors file declares; its size must be exactly what they take."""
    try:
        size = path.stat().st_size
        with path.open("rb") as f:
            (length,) = struct.unpack("<Q", f.read(8))
            if length > size - 8:
                raise DataError(f"{path}: truncated: its header alone takes {length:,} bytes, the file has {size:,}.")
            header = json.loads(f.read(length))
        tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
        expected = 8 + length + max((entry["data_offsets"][1] for entry in tensors.values()), default=0)
        shapes = {name: tuple(int(n) for n in entry["shape"]) for name, entry in tensors.items()}
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, struct.error) as e:
        raise DataError(f"{path}: not a safetensors file ({type(e).__name__}: {e}). Fetch it again.") from e
    if size != expected:
        fault = "truncated" if size < expected else "followed by foreign bytes"
        raise DataError(
            f"{path}: {fault}: its header describes {expected:,} bytes, the file has {size:,}. Fetch it again."
        )
    return shapes


def _weight_map(folder: Path) -> dict[str, str]:
    """Tensor name to file name, from the index of a sharded checkpoint."""
    weight_map = read_json(folder / INDEX).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise DataError(f"{folder / INDEX}: no weight_map. Fetch the file again.")
    for file in sorted(set(map(str, weight_map.values()))):
        if Path(file).name != file or not (folder / file).is_file():
            raise DataError(f"{folder / INDEX}: names {file!r}, which is not a file of this folder. Fetch it again.")
    return {str(name): str(file) for name, file in weight_map.items()}


def _pickled_tensors(path: Path) -> dict[str, Tensor]:
    import torch

    content = load_pickled(path)
    strange = [str(name) for name, value in content.items() if not isinstance(value, torch.Tensor)]
    if strange:
        raise DataError(f"{path}: {strange[0]!r} is not a tensor. Save model.state_dict() alone.")
    return content
