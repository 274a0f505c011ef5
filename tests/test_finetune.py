"""The fine-tuning loop: results do not depend on how the work is split, and a killed run ends like an unbroken one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from toy import REPOSITORY, toy_answers, toy_data, toy_model, toy_words

from xlmr_bench.device import Ranks
from xlmr_bench.encode import Encoded
from xlmr_bench.errors import XlmrBenchError
from xlmr_bench.finetune import DevSet, FineTuner, Plan
from xlmr_bench.predict import Outputs, predict_outputs
from xlmr_bench.selection import Monitor
from xlmr_bench.settings import Settings

ONE = Ranks(0, 1, torch.device("cpu"))
SETTINGS = Settings(
    learning_rate=5e-3, batch_size=16, max_length=16, epochs=3, schedule="linear", warmup=0.1, weight_decay=0.01,
    clip_norm=1.0, adam_eps=1e-4,
)  # fmt: skip


def dev_set(data: Encoded) -> DevSet:
    """Toy data scored by accuracy: of labels or tags, or of starts and ends."""

    def score(outputs: Outputs) -> float:
        if data.targets.ndim == 1:
            return float((outputs.argmax(axis=1) == data.targets).mean())
        spans = [outputs[a:b].argmax(axis=0) for a, b in pairwise(data.output_offsets)]
        return float((np.array(spans) == data.targets).mean())

    return DevSet(data, score)


def job(
    work: Path,
    settings: Settings = SETTINGS,
    seed: int = 1,
    ranks: Ranks = ONE,
    precision: str = "fp32",
    kind: str = "labels",
) -> FineTuner:
    monitors = [Monitor("joint", ("en", "sw")), Monitor("language:sw", ("sw",))]
    loss, outputs, train, english, swahili = {
        "labels": ("classes", 0, toy_data(160, seed=3), toy_data(90, seed=7), toy_data(60, seed=8, high=110)),
        "tags": ("classes", 4, toy_words(160, seed=3), toy_words(90, seed=7), toy_words(60, seed=8)),
        "answers": ("positions", 2, toy_answers(160, seed=3), toy_answers(90, seed=7), toy_answers(60, seed=8)),
    }[kind]
    model, dev = toy_model(seed, outputs=outputs), {"en": dev_set(english), "sw": dev_set(swahili)}
    settings = replace(settings, precision=precision)
    return FineTuner(model, loss, train, dev, monitors, settings, 1, seed, ranks, work, "en")


every_kind = pytest.mark.parametrize("kind", ["labels", "tags", "answers"])


@every_kind
def test_a_small_model_learns_the_task(tmp_path: Path, kind: str) -> None:
    at = job(tmp_path, replace(SETTINGS, epochs=12), kind=kind).run()
    assert at.history[-1]["dev"]["en"] > 0.8
    assert at.step == 12 * 10
    kept = {p.name for p in (tmp_path / "candidates").iterdir()}
    assert kept == {f"step-{m.best_step}.safetensors" for m in at.monitors}, "only selected checkpoints stay"


def test_steps_are_resolved_from_epochs_and_dev_is_scored_at_the_end_too() -> None:
    assert Plan.of(SETTINGS, 161) == Plan(steps=33, evaluate_every=11, warmup_steps=3)
    plan = Plan.of(replace(SETTINGS, steps=25, evaluate_every=10), 161)
    assert [s for s in range(1, 26) if plan.evaluates_after(s)] == [10, 20, 25]


def test_warmup_from_one_on_is_a_number_of_steps_and_never_more_than_there_are() -> None:
    assert Plan.of(replace(SETTINGS, warmup=5), 161).warmup_steps == 5
    assert Plan.of(replace(SETTINGS, warmup=1), 161).warmup_steps == 1
    assert Plan.of(replace(SETTINGS, warmup=500), 161).warmup_steps == 33


def test_the_linear_schedule_rises_to_the_peak_and_falls_to_almost_zero() -> None:
    plan = Plan(steps=10, evaluate_every=10, warmup_steps=2)
    rates = [plan.rate(s, replace(SETTINGS, learning_rate=1.0)) for s in range(1, 11)]
    assert rates == pytest.approx([0.5, 1.0, 1.0, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8])
    constant = replace(SETTINGS, learning_rate=1.0, schedule="constant", warmup=0.0)
    assert [Plan(10, 10, 0).rate(s, constant) for s in (1, 10)] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("kind", "budget"),
    [("labels", 13), ("labels", 40), ("labels", 10_000), ("tags", 13), ("tags", 60), ("answers", 40)],
)
def test_micro_batches_change_nothing_beyond_rounding(tmp_path: Path, kind: str, budget: int) -> None:
    whole, split = job(tmp_path / "a", kind=kind), job(tmp_path / "b", kind=kind)
    whole.budget, split.budget = 100_000, budget
    assert whole.run().history == split.run().history
    torch.testing.assert_close(split.master.flat, whole.master.flat, rtol=1e-3, atol=1e-5)


def test_dropout_is_at_work_in_training(tmp_path: Path) -> None:
    with_dropout, without = job(tmp_path / "a"), job(tmp_path / "b")
    without.model.load_state_dict(with_dropout.model.state_dict())
    for layer in without.model.encoder.layers:
        layer.config = replace(layer.config, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    with_dropout.run(), without.run()
    assert (with_dropout.master.flat - without.master.flat).abs().max() > 1e-3


def test_two_seeds_differ_and_one_seed_repeats(tmp_path: Path) -> None:
    first, again, other = (job(tmp_path / str(i), seed=s) for i, s in enumerate((1, 1, 2)))
    for tuning in (first, again, other):
        tuning.run()
    assert torch.equal(first.master.flat, again.master.flat)
    assert not torch.equal(first.master.flat, other.master.flat)


def test_patience_ends_the_run_and_keeps_only_selected_checkpoints(tmp_path: Path) -> None:
    tuning = job(tmp_path, replace(SETTINGS, learning_rate=0.0, epochs=20, patience=2))
    at = tuning.run()
    assert at.step == 3 * 10  # the first evaluation is the best, two more without improvement end it
    assert [m.best_step for m in at.monitors] == [10, 10]
    assert [p.name for p in (tmp_path / "candidates").iterdir()] == ["step-10.safetensors"]


def test_the_dev_outputs_of_a_candidate_are_those_of_its_weights(tmp_path: Path) -> None:
    tuning = job(tmp_path)
    step = tuning.run().monitors[0].best_step
    tuning.master.load_weights(*tuning.candidates.weights(step))
    with tuning.master.whole_vocabulary():
        again = predict_outputs(tuning.model, tuning.dev["sw"].encoded, 1, ONE)
    assert (again == tuning.candidates.dev_outputs(step)["sw"]).all()


def test_a_rate_that_explodes_stops_the_run_with_advice(tmp_path: Path) -> None:
    with pytest.raises(XlmrBenchError, match=r"NaN or infinite before step.*lower rate"):
        job(tmp_path, replace(SETTINGS, learning_rate=1e30, clip_norm=0.0)).run()


CHILD = """
import sys, time
from pathlib import Path
sys.path[:0] = {paths!r}
from test_finetune import job, SETTINGS
from dataclasses import replace
import torch
torch.set_num_threads(1)
tuning = job(Path(sys.argv[1]), replace(SETTINGS, epochs=40), precision=sys.argv[2])
print("ready", flush=True)
at = tuning.run()
torch.save((tuning.master.flat, at.history, at.monitors), sys.argv[3])
print("resumed", at.resumed)
"""


def child(work: Path, precision: str, result: Path, **options: object) -> subprocess.Popen[str]:
    code = CHILD.format(paths=[str(REPOSITORY / "tests"), str(REPOSITORY)])
    command = [sys.executable, "-c", code, str(work), precision, str(result)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_run_killed_three_times_ends_bit_for_bit_like_an_unbroken_one(tmp_path: Path, precision: str) -> None:
    unbroken = child(tmp_path / "a", precision, tmp_path / "a.pt")
    _, errors = unbroken.communicate(timeout=120)
    assert unbroken.returncode == 0, errors
    for delay in (0.3, 0.5, 0.8):
        with child(tmp_path / "b", precision, tmp_path / "b.pt") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
    last = child(tmp_path / "b", precision, tmp_path / "b.pt")
    output, errors = last.communicate(timeout=120)
    assert last.returncode == 0, errors
    assert int(output.split()[-1]) >= 1, "nothing was resumed: the kills came before the first save"
    a, b = (torch.load(tmp_path / f"{name}.pt", weights_only=False) for name in "ab")
    assert torch.equal(a[0], b[0])
    assert a[1:] == b[1:]


def test_sigterm_saves_and_leaves_with_130(tmp_path: Path) -> None:
    process = child(tmp_path / "a", "fp32", tmp_path / "a.pt")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "the same command continues from there" in errors
    assert (tmp_path / "a" / "state.safetensors").is_file()


MEMORY = """
import resource, sys
from pathlib import Path
sys.path[:0] = {paths!r}
from test_finetune import job, SETTINGS
from dataclasses import replace
import torch
torch.set_num_threads(1)
tuning = job(Path(sys.argv[1]), replace(SETTINGS, batch_size=160, epochs=2))
tuning.budget = 100_000
_accumulate = tuning._accumulate
if sys.argv[2] == "little":
    # A real allocation of the size that the whole batch would need fails under the limit; smaller ones succeed.
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 29), used + (1 << 29)))
    def hungry(*arguments):
        torch.empty(tuning.budget * 10_000)
        return _accumulate(*arguments)
    tuning._accumulate = hungry
tuning.run()
torch.save((tuning.master.flat, tuning.budget), sys.argv[3])
"""


def test_out_of_memory_is_answered_by_smaller_micro_batches_with_the_same_result(tmp_path: Path) -> None:
    code = MEMORY.format(paths=[str(REPOSITORY / "tests"), str(REPOSITORY)])
    for name in ("plenty", "little"):
        command = [sys.executable, "-c", code, str(tmp_path / name), name, str(tmp_path / f"{name}.pt")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
    plenty, little = (torch.load(tmp_path / f"{name}.pt") for name in ("plenty", "little"))
    assert little[1] < 13_500 < plenty[1]
    torch.testing.assert_close(little[0], plenty[0], rtol=1e-3, atol=1e-5)


RANKS = """
import sys
from pathlib import Path
sys.path[:0] = {paths!r}
from test_finetune import job
from xlmr_bench import finetune
from xlmr_bench.device import start_ranks, stop_ranks
import torch
torch.set_num_threads(1)
ranks = start_ranks("cpu")
# The clocks of processes differ: here the first saves after each step, the other never between evaluations.
finetune._SAVE_EVERY_S = 0.0 if ranks.first else 1e9
done = {{}}
for kind in ("labels", "tags", "answers"):
    tuning = job(Path(sys.argv[1]) / kind, ranks=ranks, kind=kind)
    at = tuning.run()
    done[kind] = (tuning.master.flat, at.history)
if ranks.first:
    torch.save(done, sys.argv[2])
stop_ranks()
"""


def test_two_processes_give_the_scores_and_weights_of_one(tmp_path: Path) -> None:
    script = tmp_path / "ranks.py"
    script.write_text(RANKS.format(paths=[str(REPOSITORY / "tests"), str(REPOSITORY)]))
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0", str(script)]
    done = subprocess.run(
        [*command, str(tmp_path / "two"), str(tmp_path / "two.pt")],
        capture_output=True, text=True, timeout=180, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for kind, (flat, theirs) in torch.load(tmp_path / "two.pt", weights_only=False).items():
        one = job(tmp_path / "one" / kind, kind=kind)
        assert theirs == one.run().history
        torch.testing.assert_close(flat, one.master.flat, rtol=1e-3, atol=1e-5, msg=kind)
