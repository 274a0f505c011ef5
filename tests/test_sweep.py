"""Sweeps without a model: which jobs there are, what is refused, what is written down and what is made of it."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command_line import refused, xlmr_bench
from samples import REPOSITORY, result_record

from xlmr_bench.cli import build_parser
from xlmr_bench.errors import DataError, UsageError, XlmrBenchError
from xlmr_bench.request import model_name, resolve_each
from xlmr_bench.results import find_records, write_record
from xlmr_bench.sweep.alive import Queue, birth, on_its_way, refuse_unknown, slurm_queue
from xlmr_bench.sweep.jobs import Job, is_done, jobs_of
from xlmr_bench.sweep.ledger import Sent, alone, journal_path, new_submission, sent_as, write_sent
from xlmr_bench.sweep.local import run_here
from xlmr_bench.sweep.logs import last_error, last_progress
from xlmr_bench.sweep.slurm import minutes_of
from xlmr_bench.sweep.status import row_of, rows_of
from xlmr_bench.sweep.submit import Launch, sort_jobs

NOTHING = Queue({})


def typed(*words: object) -> argparse.Namespace:
    return build_parser().parse_args(["run", *map(str, words)])


def jobs(*words: object) -> list[Job]:
    args = typed(*words)
    given = {key: getattr(args, key) for key in (
        "languages", "data", "files", "preset", "assignments", "seeds", "output", "name", "limit", "device",
        "save_models",
    )}  # fmt: skip
    requests = resolve_each(benchmarks=args.benchmarks, models=args.models, protocols=args.protocol, **given)
    return jobs_of(requests, args)


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with model folders a and b, and data."""
    for name in ("a", "b", "x/a", "data"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- the jobs ---


def test_each_model_benchmark_protocol_and_seed_is_a_job(folders: Path) -> None:
    found = jobs("xnli", "mlqa", "--model", "a", "--model", "b/", "--data", "data",
                 "--protocol", "transfer,translate-train", "--seed", "1,3")  # fmt: skip
    assert len(found) == len({job.place for job in found}) == 16
    assert found[0].place == "a/xnli/transfer/seed1"
    assert found[-1].place == "b/mlqa/translate-train/seed3"
    assert found[0].records == tuple(f"a/xnli/transfer/{s}/seed1.json" for s in ("joint", "per-language", "english"))


def test_the_command_of_a_job_is_what_was_typed_with_absolute_paths(folders: Path) -> None:
    (job,) = jobs("xnli", "--model", "a", "--data", "data", "--files", "train=mt/{language}.tsv",
                  "--languages", "en,sw", "--preset", "quick", "--set", "steps=8", "--set", "epochs=0", "--seed", "2",
                  "--output", "out", "--name", "mine", "--limit", "9", "--device", "cpu", "--save-models")  # fmt: skip
    assert job.place == "mine/xnli/transfer/seed2"
    assert job.command(1)[:4] == [sys.executable, "-m", "xlmr_bench", "run"]
    again = typed(*job.words[1:])
    assert (again.models, again.protocol, again.seeds) == ([f"{folders}/a"], "transfer", "2")
    assert (again.data, again.files) == ([f"{folders}/data"], [f"train={folders}/mt/{{language}}.tsv"])
    assert (again.output, again.languages, again.preset) == (folders / "out", "en,sw", "quick")
    assert (again.assignments, again.name, again.limit) == (["steps=8", "epochs=0"], "mine", 9)
    assert (again.device, again.save_models, again.launcher) == ("cpu", True, None)
    assert jobs(*job.words[1:]) == [job]


def test_several_processes_of_a_job_are_started_by_torchrun(folders: Path) -> None:
    words = jobs("xnli", "--model", "a", "--data", "data", "--seed", "1")[0].command(4)
    assert words[words.index("--nproc-per-node") + 1] == "4"
    assert words.index("torch.distributed.run") < words.index("xlmr_bench") < words.index("run")


def test_names_of_models_are_those_that_their_records_will_have(folders: Path) -> None:
    (folders / "link").symlink_to("a")
    assert [model_name(spec) for spec in ("a", "a/", "./x/../b", "link")] == ["a", "a", "b", "link"]
    assert [model_name(spec) for spec in ("hf:link", "hf:org/name")] == ["a", "org/name"]


@pytest.mark.parametrize(
    ("words", "explanation"),
    [
        (
            ("xnli", "ner", "--model", "m", "--protocol", "transfer,translate-test"),
            "ner has no data for translate-test",
        ),
        (("xnli", "glue", "--model", "m", "--languages", "en"), "glue: unknown"),
        (("xnli", "--model", "m", "--model", "x/m"), "m and x/m are both called 'm': their results would lie in one"),
        (("xnli", "--model", "m", "--model", "n", "--name", "best"), "--name best is for one --model; there are 2"),
        (("xnli", "xnlii", "--model", "m"), "unknown benchmark 'xnlii'. Did you mean 'xnli'?"),
        (("xnli", "--model", "m", "--protocol", "transfer,"), "unknown protocol ''"),
        (("xnli", "--model", "m", "--jobs", "2"), "--jobs needs --launcher"),
        (("xnli", "--model", "m", "--time", "1:00"), "--time needs --launcher"),
        (("xnli", "--model", "m", "--launcher", "local", "--jobs", "0"), "--jobs 0: at least 1 is needed"),
        (("xnli", "--model", "m", "--launcher", "local", "--partition", "p"), "--partition needs --launcher slurm"),
        (("xnli", "--model", "m", "--launcher", "slum"), "invalid choice: 'slum'"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_starts(words: tuple[str, ...], explanation: str) -> None:
    assert explanation in refused(2, "run", *words, "--data", REPOSITORY)


def test_a_model_that_is_not_there_is_found_before_its_job_waits(folders: Path) -> None:
    with pytest.raises(DataError, match=r"there is no model folder none\. Nothing was started"):
        jobs("xnli", "--model", "a", "--model", "none", "--data", "data")
    assert jobs("xnli", "--model", "hf:org/name", "--data", "data", "--seed", "1")[0].model == "hf:org/name"


@pytest.mark.parametrize(
    ("limit", "minutes"),
    [("90", 90), ("1:30", 2), ("24:00:00", 1440), ("0:00:01", 1), ("2-12", 3600), ("1-0:30", 1470), ("1-0:0:1", 1441)],
)
def test_time_limits_are_read_as_sbatch_reads_them(limit: str, minutes: int) -> None:
    assert minutes_of(limit) == minutes


@pytest.mark.parametrize("limit", ["", "x", "1h", "1:2:3:4", "-1", "0", "UNLIMITED"])
def test_other_time_limits_are_refused(limit: str) -> None:
    with pytest.raises(UsageError, match="--time"):
        minutes_of(limit)


# --- what is done, and what is on its way ---


def record_of(job: Job, output: Path, *rules: str, **config: Any) -> None:
    for rule in rules:
        settings = {**job.about["config"], "precision": "fp32", **config}
        write_record(output / job.name / job.benchmark / job.protocol / rule / f"seed{job.seed}.json",
                     result_record(selection=rule, config=settings))  # fmt: skip


@pytest.fixture
def job(folders: Path) -> Job:
    return jobs("xnli", "--model", "a", "--data", "data", "--seed", "1")[0]


def sent(job: Job, **changes: Any) -> Sent:
    """A job whose process has ended."""
    old = sent_as(job, ["true"], "local", "once", "1", ".jobs/logs/once/1_0_log.err", host=os.uname().nodename, born=-1)
    return replace(old, **changes)


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as running:
        yield running
        running.kill()


def running(job: Job, process: subprocess.Popen[bytes]) -> Sent:
    return sent(job, job_id=str(process.pid), born=birth(process.pid))


def test_a_job_is_done_when_all_its_records_are_there(folders: Path, job: Job) -> None:
    assert not is_done(job, folders)
    record_of(job, folders, "joint", "english")
    assert not is_done(job, folders)
    record_of(job, folders, "per-language")
    assert is_done(job, folders)
    assert sort_jobs([job], folders).done == (job,)


def test_records_of_other_settings_are_refused_and_not_taken_for_done(folders: Path, job: Job) -> None:
    record_of(job, folders, "joint", "per-language", "english", learning_rate=0.5)
    with pytest.raises(UsageError, match=r"seed1.json belongs to another run: config.learning_rate was 0.5"):
        sort_jobs([job], folders)


def test_what_is_on_its_way_is_left_and_what_ended_is_sent_again(
    folders: Path, job: Job, process: subprocess.Popen[bytes]
) -> None:
    write_sent(folders, running(job, process))
    assert sort_jobs([job], folders).left == (job,)
    process.kill()
    process.wait()
    assert sort_jobs([job], folders).to_send == (job,)


def test_a_process_that_took_over_the_number_of_a_job_is_not_it(job: Job, process: subprocess.Popen[bytes]) -> None:
    now = running(job, process)
    assert on_its_way(now, NOTHING) == ("running", "")
    assert on_its_way(replace(now, born=now.born - 1), NOTHING) is None
    process.kill()
    time.sleep(0.1)
    assert on_its_way(now, NOTHING) is None, "a zombie does not run"


def test_a_job_of_another_machine_is_taken_to_run(job: Job) -> None:
    assert on_its_way(sent(job, host="far"), NOTHING) == ("running", "process 1 on far, not seen from here")


def test_a_job_in_the_place_of_another_that_is_on_its_way_is_refused(
    folders: Path, job: Job, process: subprocess.Popen[bytes]
) -> None:
    write_sent(folders, running(job, process))
    other = jobs("xnli", "--model", "a", "--data", "data", "--seed", "1", "--set", "steps=9")[0]
    with pytest.raises(UsageError, match="a xnli transfer seed 1 is on its way with other model, data or settings"):
        sort_jobs([other], folders)


def test_what_slurm_knows_is_queued_or_running_and_what_it_remembers_as_ended_is_neither(job: Job) -> None:
    mine = sent(job, launcher="slurm", job_id="7_2")
    for state, reason, expected in (
        ("PENDING", "Resources", ("queued", "Resources")),
        ("PENDING", "None", ("queued", "")),
        ("REQUEUE_HOLD", "held", ("queued", "REQUEUE_HOLD, held")),
        ("RUNNING", "None", ("running", "")),
        ("COMPLETING", "None", ("running", "")),
        ("TIMEOUT", "TimeLimit", None),
        ("CANCELLED", "None", None),
    ):
        assert on_its_way(mine, Queue({"7_2": (state, reason)})) == expected
    assert on_its_way(mine, Queue({"7_1": ("RUNNING", "None")})) is None


def test_nothing_is_sent_while_slurm_cannot_be_asked(folders: Path, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folders))
    mine = sent(job, launcher="slurm", job_id="7_2")
    write_sent(folders, mine)
    with pytest.raises(XlmrBenchError, match=r"cannot tell which.*squeue does not answer.*Nothing was sent"):
        sort_jobs([job], folders)
    refuse_unknown(slurm_queue([sent(job)]))  # without jobs of Slurm it is not asked
    (row,) = rows_of(folders)
    assert row.state == "unknown"


# --- what became of it ---


def note(output: Path, job: Job, *events: dict[str, Any]) -> None:
    with journal_path(output, job.place).open("a") as f:
        f.writelines(json.dumps({"submission": "once", **event}) + "\n" for event in events)


START = "xlmr_bench job: start on host: python -m xlmr_bench run"
FAILURE = f"""{START}
xlmr_bench: the first failure
xlmr_bench job: ended with code 3
srun: error: task 0: Exited with exit code 3
{START}
xlmr_bench: xnli transfer, 2 languages
fine-tuning en: 120 steps of 500 steps (24%), 2 steps/s, 3:10 left
fine-tuning en: stopped at 130 steps of 500 steps in 1:00, 2 steps/s
"""


def written(output: Path, sent: Sent, text: str) -> None:
    (output / sent.log).parent.mkdir(parents=True, exist_ok=True)
    (output / sent.log).write_text(text)


def test_the_state_of_a_job_is_told_by_its_records_its_process_and_its_journal(
    folders: Path, job: Job, process: subprocess.Popen[bytes]
) -> None:
    def state(now: Sent) -> tuple[str, int]:
        write_sent(folders, now)
        row = row_of(folders, now, NOTHING)
        return row.state, row.attempts

    over = sent(job)
    assert state(over) == ("lost", 0)
    note(folders, job, {"event": "start"})
    assert state(over) == ("lost", 1)
    assert state(running(job, process)) == ("running", 1)
    assert state(replace(running(job, process), log="")) == ("queued", 1)
    assert state(replace(over, log="")) == ("stopped", 1)
    note(folders, job, {"event": "end", "code": 3, "stopped": False})
    assert state(over) == ("failed", 1)
    note(folders, job, {"event": "start"}, {"event": "end", "code": 130, "stopped": True})
    assert state(over) == ("stopped", 2)
    assert state(replace(over, submission="another")) == ("lost", 2), "the end was that of an earlier submission"
    note(folders, job, {"event": "start"}, {"event": "end", "code": 0})
    assert state(over) == ("lost", 3), "its records are not there"
    record_of(job, folders, "joint", "per-language", "english")
    assert state(over) == ("done", 3)


def test_a_line_that_a_crash_cut_off_does_not_hide_the_others(folders: Path, job: Job) -> None:
    write_sent(folders, sent(job))
    note(folders, job, {"event": "start"})
    with journal_path(folders, job.place).open("a") as f:
        f.write('{"event": "en')
    assert rows_of(folders)[0].attempts == 1


@pytest.mark.parametrize(
    ("after", "error"),
    [
        ("xlmr_bench: XNLI 'sw' test not found.\n", "xlmr_bench: XNLI 'sw' test not found."),
        ("Traceback (most recent call last):\n  x\nRuntimeError: CUDA error\n", "RuntimeError: CUDA error"),
        (
            "xlmr_bench: the loss became NaN\ntorch.distributed.elastic.errors.ChildFailedError:\n====\n",
            "xlmr_bench: the loss became NaN",
        ),
        ("slurmstepd-n1: error: Detected 1 oom-kill event\n", "slurmstepd-n1: error: Detected 1 oom-kill event"),
    ],
)
def test_the_log_tells_why_the_last_start_ended_and_how_far_it_had_come(tmp_path: Path, after: str, error: str) -> None:
    log = tmp_path / "log"
    log.write_text(
        FAILURE + after + "xlmr_bench job: ended with code 1\nsrun: error: task 0: Exited with exit code 1\n"
    )
    assert last_error(log) == error
    assert last_progress(log).startswith("fine-tuning en: stopped at 130 steps")
    log.write_text(FAILURE + START + "\n")
    assert (last_error(log), last_progress(log)) == ("", "")
    assert last_error(tmp_path / "none") == ""


def test_of_a_long_log_the_end_is_read(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(START + "\n" + "fine-tuning en: 1 steps, 2 steps/s\n" * 5000 + "xlmr_bench: the end\n")
    assert (last_error(log), last_progress(log)) == ("xlmr_bench: the end", "fine-tuning en: 1 steps, 2 steps/s")


def test_status_says_what_there_is_as_a_table_and_as_json(folders: Path, job: Job) -> None:
    message = xlmr_bench("status", "--output", folders / "none")
    assert (message.returncode, message.stderr) == (0, "")
    assert message.stdout.startswith(f"no jobs were sent into {folders}/none. Send some: python -m xlmr_bench run")
    assert json.loads(xlmr_bench("status", "--output", folders / "none", "--json").stdout) == []
    write_sent(folders, sent(job))
    note(folders, job, {"event": "start"}, {"event": "end", "code": 3, "stopped": False})
    written(folders, sent(job), f"{START}\nxlmr_bench: no data\nxlmr_bench job: ended with code 3\n")
    done = xlmr_bench("status", "--output", folders)
    assert (done.returncode, done.stderr) == (0, "")
    log = f"{folders}/.jobs/logs/once/1_0_log.err"
    assert done.stdout.splitlines()[3:] == [
        "1 jobs: 1 failed",
        "failed: a xnli transfer seed 1: xlmr_bench: no data",
        f"  log: {log}",
    ]
    (row,) = json.loads(xlmr_bench("status", "--output", folders, "--json").stdout)
    assert (row["state"], row["attempts"], row["about"], row["log"]) == ("failed", 1, "xlmr_bench: no data", log)


def test_a_damaged_file_is_named_with_the_way_out(folders: Path, job: Job) -> None:
    write_sent(folders, sent(job))
    path = folders / ".jobs/sent/a/xnli/transfer/seed1.json"
    path.write_text("{")
    assert f"{path} does not tell what was sent" in refused(3, "status", "--output", folders)


def test_readers_of_records_do_not_see_the_jobs(folders: Path, job: Job) -> None:
    output = folders / "out"
    write_sent(output, sent(job))
    record_of(job, output, "joint")
    assert [path.relative_to(output) for path, _ in find_records(output)] == [Path(job.records[0])]


# --- taking turns ---


def test_only_one_chooses_at_a_time_and_the_other_waits(folders: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with alone(folders):
            order.append("second")

    other = threading.Thread(target=second)
    with alone(folders):
        other.start()
        time.sleep(0.4)
        order.append("first")
    other.join(10)
    assert order == ["first", "second"]


def test_a_folder_that_cannot_be_written_is_said_at_once(folders: Path) -> None:
    (folders / "file").touch()
    started = time.monotonic()
    with pytest.raises(XlmrBenchError, match="cannot write"), alone(folders / "file"):
        pass
    assert time.monotonic() - started < 5


def test_no_two_submissions_share_a_folder(folders: Path) -> None:
    assert len({new_submission(folders)[1] for _ in range(20)}) == 20


def test_more_gpus_than_there_are_are_refused(folders: Path, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,7")
    with pytest.raises(UsageError, match=r"2 job\(s\) at once with 2 GPU\(s\) each need 4, and 3 are visible here"):
        run_here([job], folders, Launch("local", jobs=2, gpus=2))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(UsageError, match="need 2, and 0 are visible"):
        run_here([job], folders, Launch("local", gpus=2))
    assert not (folders / ".jobs").exists()


def test_a_dry_run_shows_commands_and_what_is_done_and_starts_nothing(folders: Path, job: Job) -> None:
    record_of(job, folders / "out", "joint", "per-language", "english")
    words = ["run", "xnli", "--model", folders / "a", "--data", folders / "data", "--output", folders / "out"]
    done = xlmr_bench(*words, "--seed", "1,2", "--launcher", "slurm", "--dry-run", "--jobs", "4", "--partition", "gpu")
    assert (done.returncode, done.stderr) == (0, "")
    first, second, command, last = done.stdout.splitlines()
    assert (first, second) == ("done: a xnli transfer seed 1", "to send: a xnli transfer seed 2")
    assert command.endswith(f"--output {folders}/out --model {folders}/a --protocol transfer --seed 2")
    assert last == "1 done, 0 on their way, 1 to send: an array of 1, 1 at once; each 1 GPU(s), 24:00:00, partition gpu"
    assert not (folders / "out/.jobs").exists()
