"""Where the work runs: device, number format, processes of a torchrun launch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from .errors import UsageError


@dataclass(frozen=True)
class Ranks:
    """This process among those of the run. All of them compute; rank 0 alone writes."""

    rank: int
    world: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this process writes and reports."""
        return self.rank == 0

    def sum_(self, tensor: Tensor) -> None:
        """Sum a tensor over all processes, in place."""
        if self.world > 1:
            dist.all_reduce(tensor)

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process; every process must ask at the same point."""
        if self.world == 1:
            return flag
        box = torch.tensor(int(flag), device=self.device)
        dist.all_reduce(box, op=dist.ReduceOp.MAX)
        return bool(box)

    def gather(self, value: Any) -> list[Any]:
        """The value of every process, in order of rank."""
        if self.world == 1:
            return [value]
        values: list[Any] = [None] * self.world
        dist.all_gather_object(values, value)
        return values

    @contextmanager
    def first_alone(self) -> Iterator[None]:
        """Let rank 0 do the work inside first, so that the others find it in the cache."""
        if not self.first:
            self.barrier()
        yield
        if self.first:
            self.barrier()

    def barrier(self) -> None:
        """Wait until every process is here."""
        if self.world > 1:
            dist.barrier()


def start_ranks(device: str) -> Ranks:
    """Choose the device (`auto`, `cpu`, `cuda`) and join the other processes where torchrun started several."""
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: no CUDA GPU is visible to torch. Use --device cpu, or check nvidia-smi.")
    kind = "cuda" if device == "cuda" or (device == "auto" and torch.cuda.is_available()) else "cpu"
    rank, world, local = (int(os.environ.get(k, d)) for k, d in (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0)))
    chosen = torch.device(kind, local) if kind == "cuda" else torch.device("cpu")
    if kind == "cuda":
        torch.cuda.set_device(chosen)
    if world > 1 and not dist.is_initialized():
        # Encoding a large training set, which the others wait for, may take rank 0 longer than the default allows.
        dist.init_process_group("nccl" if kind == "cuda" else "gloo", timeout=timedelta(hours=2))
    return Ranks(rank, world, chosen)


def stop_ranks() -> None:
    """Leave the group of processes, if there is one."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def resolve_precision(setting: str, device: torch.device) -> str:
    """`auto` becomes bf16 where the hardware multiplies it natively, else fp32."""
    if setting != "auto":
        return setting
    native = torch.cuda.is_bf16_supported() if device.type == "cuda" else _cpu_multiplies_bf16()
    return "bf16" if native else "fp32"


def token_budget(device: torch.device, training: bool) -> int:
    """Padded tokens of one micro-batch. It changes speed and memory, never results beyond rounding."""
    if device.type == "cuda":
        return 16_384 if training else 65_536
    return 2_048 if training else 4_096


def describe_device(device: torch.device) -> str:
    """The device in words, for records."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    model = [line.split(":", 1)[1].strip() for line in _cpuinfo() if line.startswith("model name")]
    return f"CPU ({model[0] if model else 'unknown'}, {torch.get_num_threads()} threads)"


def _cpu_multiplies_bf16() -> bool:
    flags = {flag for line in _cpuinfo() if line.startswith("flags") for flag in line.split()}
    return bool(flags & {"avx512_bf16", "amx_bf16"})


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []
