"""MLM pretraining as `run_mlm` of `transformers` does it: `python -m performance.peer_pretraining JOB`.

`documented` is the script's own setting (fp32), `flags-best` the flags that make it faster on a CPU (bf16, fused
AdamW). Rows are blocks of equal length, as the script groups texts. Modes are those of `ours_pretraining`, and
`resume`, which trains on from a checkpoint or, where there is none, makes one.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from transformers import (
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    XLMRobertaForMaskedLM,
)

from .clock import Found, Job, Stopwatch, read_job, report
from .masks import compared_columns, masked_blocks

IGNORED = -100
_BEST = {"bf16": True, "optim": "adamw_torch_fused"}
_ADAM = {"adam_beta2": 0.98, "adam_epsilon": 1e-6, "learning_rate": 1e-4, "lr_scheduler_type": "constant"}


class _Clock(TrainerCallback):  # type: ignore[misc]
    """From the end of step `first` (0: the beginning of training) to the end of training."""

    def __init__(self, first: int, tokens: int) -> None:
        self.first, self.tokens, self.watch, self.phase = first, tokens, Stopwatch(), dict[str, float]()

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.watch.start()

    def on_step_end(self, arguments: Any, state: Any, *_: Any, **__: Any) -> None:
        if state.global_step == self.first:
            self.watch.start()

    def on_train_end(self, *_: Any, **__: Any) -> None:
        self.phase = self.watch.stop(self.tokens)


class _Loss(TrainerCallback):  # type: ignore[misc]
    """The loss of each step, as logged."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def on_log(self, arguments: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        if "loss" in logs:
            self.losses.append(float(logs["loss"]))


def load(job: Job, **config: Any) -> tuple[Any, Any]:
    """The model and its tokenizer."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    folder = Path(job["folder"]) / "model"
    return XLMRobertaForMaskedLM.from_pretrained(folder, **config), AutoTokenizer.from_pretrained(folder)


def rows_of(job: Job) -> list[dict[str, Any]]:
    """The blocks, with `<s>` and `</s>` marked as the collator wants it."""
    blocks = np.load(Path(job["folder"]) / "blocks.npy")
    special = np.isin(blocks, (0, 2)).astype(np.int64)
    return [{"input_ids": b, "special_tokens_mask": s} for b, s in zip(blocks, special, strict=True)]


def measure(job: Job) -> Found:
    """Steps after `warm` of them. A step at 250,002 rows takes so long that a small one before must do."""
    model, tokenizer = load(job)
    warm = job["warm"]
    if not warm:
        ids = torch.arange(4, 36).view(1, 32)
        model.train()
        model(input_ids=ids, labels=ids).loss.backward()
        model.zero_grad(set_to_none=True)
    clock, loss = _Clock(warm, job["steps"] * job["batch"] * job["block_tokens"]), _Loss()
    with tempfile.TemporaryDirectory() as scratch:
        trainer = _trainer(job, model, tokenizer, scratch, [clock, loss], max_steps=warm + job["steps"])
        trainer.train()
    return {"phases": {"train": clock.phase}, "score": loss.losses[-1]}


def _trainer(
    job: Job, model: Any, tokenizer: Any, scratch: str, callbacks: list[TrainerCallback], **how: Any
) -> Trainer:
    arguments = TrainingArguments(**{
        "output_dir": scratch, "per_device_train_batch_size": job["batch"], "report_to": [], "save_strategy": "no",
        "disable_tqdm": True, "logging_strategy": "steps", "logging_steps": 1, "use_cpu": True, "seed": job["seed"],
        "dataloader_pin_memory": False, "weight_decay": 0.01, "max_grad_norm": 0.0, **_ADAM,
        **(_BEST if job["side"] == "flags-best" and job["mode"] != "steps" else {}), **how,
    })  # fmt: skip
    trainer = Trainer(
        model=model, args=arguments, train_dataset=rows_of(job), callbacks=callbacks,
        data_collator=DataCollatorForLanguageModeling(tokenizer),
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    return trainer


def compared(job: Job) -> Found:
    """fp32 logits (K, V) at the masked positions of the first block, in job["out"]."""
    model, tokenizer = load(job, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    losses = []
    if job["mode"] == "steps":
        # fairseq's XLM-R has no token types; a second vector beside each position would learn at twice the rate.
        for name, parameter in model.named_parameters():
            parameter.requires_grad_("token_type" not in name)
        losses = _exact_steps(job, model, tokenizer)
    ids, positions, _ = masked_blocks(job, slice(0, 1))
    model.eval()
    with torch.inference_mode():
        logits = model(input_ids=ids).logits[0, positions[0]]
    np.savez(
        job["out"], tokens=ids[0].numpy(), offsets=[0, ids.shape[1]], outputs=compared_columns(job, logits),
        positions=positions[0].numpy(), output_offsets=[0, positions.shape[1]],
    )  # fmt: skip
    return {"losses": losses}


def _exact_steps(job: Job, model: Any, tokenizer: Any) -> list[float]:
    """Train on the given masks: a collator that knows which step it is asked for."""
    step = iter(range(job["exact_steps"]))

    def collate(_: Any) -> dict[str, torch.Tensor]:
        first = next(step) * job["exact_batch"]
        ids, positions, targets = masked_blocks(job, slice(first, first + job["exact_batch"]))
        return {"input_ids": ids, "labels": torch.full_like(ids, IGNORED).scatter(1, positions, targets)}

    loss = _Loss()
    with tempfile.TemporaryDirectory() as scratch:
        small = {**job, "batch": job["exact_batch"]}
        trainer = _trainer(
            small, model, tokenizer, scratch, [loss], max_steps=job["exact_steps"], weight_decay=0.0,
            train_sampling_strategy="sequential",
        )  # fmt: skip
        trainer.data_collator = collate
        trainer.train()
    return loss.losses


def resume(job: Job) -> Found:
    """Train to step `steps`, saving it, or one step on from there if that is saved already."""
    model, tokenizer = load(job)
    saved = Path(job["run"]) / f"checkpoint-{job['steps']}"
    there = saved.is_dir()
    trainer = _trainer(
        job, model, tokenizer, job["run"], [], max_steps=job["steps"] + int(there), save_strategy="steps",
        save_steps=job["steps"] + int(there),
    )  # fmt: skip
    trainer.train(resume_from_checkpoint=str(saved) if there else None)
    return {}


def main() -> None:
    """Do the job's mode."""
    job = read_job()
    torch.set_num_threads(1)
    modes = {"measure": measure, "logits": compared, "steps": compared, "resume": resume}
    report(modes[job["mode"]](job))


if __name__ == "__main__":
    main()
