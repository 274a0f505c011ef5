"""What a fine-tuning leaves on disk while it runs: its state, and the checkpoints that a rule may still select.

Each is one file that is replaced by a rename, so that a kill at any moment leaves the previous one whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from .files import atomic_path


def save_state(path: Path, values: Mapping[str, Any], flat: Tensor, optimizer: Mapping[str, Tensor]) -> None:
    """Write the state of a fine-tuning, replacing the one before."""
    _write(path, {"flat": flat} | {f"optimizer.{k}": v for k, v in optimizer.items()}, values)


def load_state(path: Path) -> tuple[dict[str, Any], Tensor, dict[str, Tensor]] | None:
    """The saved values, weights and optimizer tensors; None where nothing was saved yet."""
    if not path.is_file():
        return None
    values, tensors = _read(path)
    flat = tensors.pop("flat")
    return values, flat, {k.removeprefix("optimizer."): v for k, v in tensors.items()}


@dataclass(frozen=True)
class Candidates:
    """Checkpoints by step, each with the dev outputs it was judged by."""

    folder: Path

    def add(self, step: int, flat: Tensor, frozen_scale: float, outputs: Mapping[str, npt.NDArray[np.float32]]) -> None:
        """Keep the weights of a step."""
        dev = {f"dev.{code}": torch.from_numpy(v) for code, v in outputs.items()}
        _write(self._path(step), {"flat": flat} | dev, {"frozen_scale": frozen_scale})

    def keep(self, steps: set[int]) -> None:
        """Delete the checkpoints of all other steps."""
        for path in self.folder.glob("step-*.safetensors"):
            match = re.fullmatch(r"step-(\d+)", path.stem)
            if match and int(match[1]) not in steps:
                path.unlink()

    def weights(self, step: int) -> tuple[Tensor, float]:
        """The flat weights of a step and the scale of its untrained embedding rows."""
        values, tensors = _read(self._path(step), only="flat")
        return tensors["flat"], float(values["frozen_scale"])

    def dev_outputs(self, step: int) -> dict[str, npt.NDArray[np.float32]]:
        """Outputs (R, C) by dev language."""
        tensors = _read(self._path(step), only="dev.")[1]
        return {k.removeprefix("dev."): v.numpy() for k, v in tensors.items()}

    def _path(self, step: int) -> Path:
        return self.folder / f"step-{step}.safetensors"


def _write(path: Path, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
    with atomic_path(path) as part:
        try:
            save_file(
                {k: v.detach().cpu().contiguous() for k, v in tensors.items()}, part, {"values": json.dumps(values)}
            )
        except SafetensorError as e:
            raise OSError(str(e)) from e  # safetensors reports a full disk as an error of its own


def _read(path: Path, only: str = "") -> tuple[dict[str, Any], dict[str, Tensor]]:
    with safe_open(path, framework="pt") as f:
        values = json.loads(f.metadata()["values"])
        return values, {k: f.get_tensor(k) for k in f.keys() if k.startswith(only)}  # noqa: SIM118
