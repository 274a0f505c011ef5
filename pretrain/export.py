"""A model under training as a checkpoint folder that `xlmr_bench` and Hugging Face load."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from xlmr_bench.errors import DataError, UsageError
from xlmr_bench.modeling.checkpoint import save_checkpoint
from xlmr_bench.modeling.config import EncoderConfig

from .checkpoints import complete_checkpoints, full_state, read_tensors, read_training
from .configuration import settings_from_dict
from .model import MaskedLM
from .parallel import Team
from .shape import encoder_config
from .shards import open_shards


def export_model(
    model: MaskedLM, config: EncoderConfig, tokenizer: Path, folder: Path, provenance: Mapping[str, Any], team: Team
) -> None:
    """Write the model as it is, in fp32; an earlier export there is replaced. Every process must call it."""
    state = full_state(model)
    with team.together():
        if team.first:
            shutil.rmtree(folder, ignore_errors=True)
            _save(state, config, tokenizer, folder, provenance)


def export_checkpoint(run: Path, folder: Path, step: int | None) -> int:
    """Write a complete checkpoint of a run, the newest or that of `step`; returns its step. One process, no GPU."""
    complete = complete_checkpoints(run)
    if not complete:
        raise DataError(f"{run} holds no complete checkpoint. Give the folder of a run (its `output`).")
    chosen = max(complete) if step is None else step
    if chosen not in complete:
        raise UsageError(f"{run} has no complete checkpoint of step {chosen}; it has {', '.join(map(str, complete))}.")
    values = read_training(complete[chosen])
    settings = settings_from_dict(values["settings"])
    manifest = open_shards(Path(settings.data.shards))
    if manifest.tokenizer_sha256 != values["tokenizer"]:
        raise DataError(f"{manifest.folder} has another tokenizer than this run was trained with.")
    config = encoder_config(settings, manifest.vocab_size)
    with torch.device("meta"):
        model = MaskedLM(config)
    model.to_empty(device="cpu")
    state = model.state_dict()
    read_tensors(complete[chosen], {"model": state}, no_dist=True)
    _save(state, config, manifest.tokenizer_file, folder, values)
    return chosen


def _save(
    state: Mapping[str, Any], config: EncoderConfig, tokenizer: Path, folder: Path, provenance: Mapping[str, Any]
) -> None:
    save_checkpoint(folder, config, state, tokenizer, kind="mlm", labels=None, provenance={"pretraining": provenance})
