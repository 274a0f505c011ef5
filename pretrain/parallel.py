"""One mechanism from a laptop to a cluster: torch's FSDP2 on a mesh of (replicas x shards).

`ddp` keeps whole copies (1 shard), `fsdp` one copy spread over all processes, `hsdp` one copy a node. Weights, Adam's
moments and reductions are fp32; the forward and backward pass runs on a working copy in the chosen precision.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import nn
from torch._C._distributed_c10d import HashStore
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard

from xlmr_bench.device import Ranks, resolve_precision, start_ranks
from xlmr_bench.errors import UsageError, XlmrBenchError

from .model import MaskedLM
from .settings import ParallelSettings

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Team:
    """The processes of the run. `control` carries small sums between CPUs and `saving` the checkpoints' talk.

    Neither shares a queue with the gradients: a checkpoint that is written in a thread must not get between them.
    """

    ranks: Ranks
    control: dist.ProcessGroup
    saving: dist.ProcessGroup

    @property
    def first(self) -> bool:
        """Whether this process writes and reports."""
        return self.ranks.first

    def sums(self, values: Sequence[float]) -> list[float]:
        """Sums over all processes, in float64; every process must ask at the same point."""
        if self.ranks.world == 1:
            return list(values)
        box = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(box, group=self.control)
        return [float(v) for v in box]

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is done inside by the first process alone: where it fails, the others stop too instead of waiting."""
        failure: XlmrBenchError | None = None
        try:
            yield
        except XlmrBenchError as e:
            failure = e
        if self.sums([failure is not None])[0]:
            raise failure or XlmrBenchError("stopped, because the first process failed; it says why.")

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.ranks.world > 1:
            dist.barrier(group=self.control)


def start_team(parallel: ParallelSettings) -> Team:
    """Join the processes that torchrun started; a process started alone is a team of one."""
    ranks = start_ranks(parallel.device)
    if ranks.world == 1 and not dist.is_initialized():
        dist.init_process_group(
            "nccl" if ranks.device.type == "cuda" else "gloo", store=HashStore(), rank=0, world_size=1
        )
    # The first process may be busy for hours with a probe, or with a checkpoint on a slow disk.
    control, saving = (dist.new_group(backend="gloo", timeout=timedelta(days=1)) for _ in range(2))
    return Team(ranks, control, saving)


def mesh_of(mode: str, world: int, per_node: int, device: str) -> DeviceMesh:
    """The mesh (replicate, shard) of a mode; `per_node` processes share a node."""
    if mode == "hsdp" and world % per_node:
        raise UsageError(f"parallel.mode hsdp: {world} processes do not divide into nodes of {per_node}. Use fsdp.")
    shards = {"ddp": 1, "fsdp": world, "hsdp": per_node}[mode]
    return init_device_mesh(device, (world // shards, shards), mesh_dim_names=("replicate", "shard"))


def spread(model: MaskedLM, parallel: ParallelSettings, ranks: Ranks) -> MaskedLM:
    """Shard, compile and set up recomputation as configured; the model is changed in place."""
    per_node = int(os.environ.get("LOCAL_WORLD_SIZE", ranks.world))
    mesh = mesh_of(parallel.mode, ranks.world, per_node, ranks.device.type)
    policy = MixedPrecisionPolicy(
        param_dtype=_DTYPES[resolve_precision(parallel.precision, ranks.device)],
        reduce_dtype=torch.float32,
        cast_forward_inputs=False,
    )
    free_early = parallel.mode != "ddp"  # a whole copy has nothing to fetch again in the backward pass
    for layer in model.encoder.layers:
        layer.recompute = parallel.activation_checkpointing  # type: ignore[assignment]
        if parallel.compile:
            layer.compile()
        fully_shard(layer, mesh=mesh, mp_policy=policy, reshard_after_forward=free_early)
    # Embeddings and head share a matrix, so they are one unit: the root.
    fully_shard(model, mesh=mesh, mp_policy=policy, reshard_after_forward=False)
    return model


def sync_gradients(model: nn.Module, now: bool) -> None:
    """Whether the next backward pass sums gradients over the processes, as the last one of a step does."""
    assert isinstance(model, FSDPModule)
    model.set_requires_gradient_sync(now)


def matmul_tflops(device: torch.device, precision: str) -> float:
    """The dense multiplication rate of this device, measured now: what MFU is a share of."""
    dtype = _DTYPES[precision]
    n = 8192 if device.type == "cuda" else 1024
    a = torch.randn(n, n, device=device).to(dtype)
    best = 0.0
    for _ in range(5):
        synchronise(device)
        started = time.perf_counter()
        for _ in range(4):
            a @ a
        synchronise(device)
        best = max(best, 4 * 2 * n**3 / (time.perf_counter() - started) / 1e12)
    return best


def synchronise(device: torch.device) -> None:
    """Wait for a GPU to finish what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_memory_gb(device: torch.device) -> float:
    """The largest memory this process has held: of the GPU, or of the process itself."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
