#!/usr/bin/env bash
# Start `python -m pretrain train` where it is to run: a laptop, a node with several GPUs, or a Slurm cluster.
# Repeating the same command continues the run from its newest complete checkpoint.
set -euo pipefail

# Slurm tells the job this many seconds before its time is up (it may do so up to a minute earlier). The processes
# have nearly all of them for the last checkpoint; torchrun's own patience would be 30 seconds.
readonly WARNING_S=120 SAVING_S=110
# Once the processes of one node have ended, those of the others have this long before srun ends them.
readonly STRAGGLERS_S=120
readonly RESTARTS=3

usage() {
  cat <<'END'
Usage: pretrain/launch.sh [OPTIONS] CONFIG.toml [key=value ...] [--variant NAME] [--accept-changes]

Without options: one process, or one for each GPU of this machine, under torchrun.

  --gpus G        processes a node, one for each GPU; with parallel.device=cpu plain processes (default: the GPUs here)
  --slurm         submit as a Slurm job, which saves and requeues itself when its time is up or it is pre-empted
  --nodes N       nodes of the Slurm job (default: 1)
  --partition P   as of sbatch
  --time T        as of sbatch, e.g. 24:00:00
  --dry-run       print the commands and run nothing; needs no Slurm
  -h, --help      this text

Everything else of sbatch can be given in its environment variables, e.g. SBATCH_ACCOUNT, SBATCH_QOS.
PYTHON names the interpreter (default: python).

  pretrain/launch.sh pretrain/configs/tiny.toml
  pretrain/launch.sh --gpus 8 pretrain/configs/xlmr_base.toml data.shards=/data/cc100
  pretrain/launch.sh --slurm --nodes 64 --gpus 8 --time 24:00:00 pretrain/configs/xlmr_large.toml
END
}

fail() {
  printf 'launch.sh: %s\n' "$1" >&2
  exit 2
}

# The value of an option that has one, given as `--name value` or `--name=value`.
need_value() {
  [[ -n "${2-}" && "${2-}" != -* ]] || fail "$1 needs a value. See --help."
}

need_number() {
  [[ "$2" =~ ^[1-9][0-9]*$ ]] || fail "$1 is '$2'; it must be a whole number above 0."
}

parse() {
  nodes=1 gpus='' slurm=false dry_run=false job_root='' config='' variant=''
  sbatch_options=() settings=() train_options=()
  local split
  while (($#)); do
    if [[ "$1" == --?*=* ]]; then # --name=value is --name value
      split="$1"
      shift
      set -- "${split%%=*}" "${split#*=}" "$@"
    fi
    case "$1" in
      --nodes) need_value "$@"; need_number "$1" "$2"; nodes="$2"; shift ;;
      --gpus) need_value "$@"; need_number "$1" "$2"; gpus="$2"; shift ;;
      --partition | --time) need_value "$@"; sbatch_options+=("$1=$2"); shift ;;
      --slurm) slurm=true ;;
      --in-slurm-job) need_value "$@"; job_root="$2"; shift ;; # what the submitted script is given
      --dry-run) dry_run=true ;;
      --variant) need_value "$@"; variant="$2"; train_options+=("$1" "$2"); shift ;;
      --accept-changes) train_options+=("$1") ;;
      -h | --help) usage; exit 0 ;;
      --) ;;
      -*) fail "unknown option '$1'. See --help." ;;
      *=*) settings+=("$1") ;;
      *)
        [[ -z "$config" ]] || fail "'$1' is not key=value; the configuration is $config already."
        config="$1"
        ;;
    esac
    shift
  done
  [[ -n "$config" ]] || fail "no configuration. See --help; there are some in pretrain/configs/."
  train=(-m pretrain train "$config" ${settings[@]+"${settings[@]}"} ${train_options[@]+"${train_options[@]}"})
}

# Sets `output`, the run's folder, and `device`; ends with the trainer's own message where the configuration is wrong,
# before a job waits for days to find it out.
read_configuration() {
  local described
  described="$("$python" -c '
import sys
from pathlib import Path
from pretrain.configuration import load_settings
from xlmr_bench.errors import XlmrBenchError

config, variant, *overrides = sys.argv[1:]
try:
    settings = load_settings(Path(config), overrides, variant or None)
except XlmrBenchError as e:
    sys.exit(f"launch.sh: {e}")
print(settings.output, settings.parallel.device, settings.training.batch_size, sep="\n")
' "$config" "$variant" ${settings[@]+"${settings[@]}"})" || exit 2
  { read -r output; read -r device; read -r batch_size; } <<<"$described"
}

default_gpus() {
  [[ -z "$gpus" ]] || return 0
  ! $slurm || fail "--slurm needs --gpus G, the GPUs of a node."
  gpus=1
  if [[ "$device" != cpu ]] && command -v nvidia-smi >/dev/null; then
    gpus="$(nvidia-smi --list-gpus 2>/dev/null | grep -c '^GPU' || true)"
    ((gpus > 0)) || gpus=1
  fi
}

# Print a command so that it can be pasted, then run it in place of this script.
run() {
  if $dry_run; then
    printf '%q ' "$@" | sed 's/ $/\n/'
  else
    exec "$@"
  fi
}

torchrun_options() {
  printf '%s\n' --nproc-per-node "$gpus" --max-restarts "$RESTARTS" --signals-to-handle SIGTERM,SIGINT,SIGUSR1
}

run_here() {
  if ((gpus == 1)); then
    run "$python" "${train[@]}"
  else
    mapfile -t options < <(torchrun_options)
    run "$python" -m torch.distributed.run --standalone "${options[@]}" "${train[@]}"
  fi
}

submit() {
  $dry_run || command -v sbatch >/dev/null || fail "there is no sbatch here; leave out --slurm, or go where Slurm is."
  local resources=(--gpus-per-node "$gpus") name
  [[ "$device" != cpu ]] || resources=(--cpus-per-task "$gpus")
  name="$(basename "$config" .toml)${variant:+-$variant}"
  # The job reads this script from a spool folder, so it is told where the repository is.
  run sbatch --job-name "$name" --nodes "$nodes" --ntasks-per-node 1 "${resources[@]}" \
    --requeue "--signal=B:USR1@$WARNING_S" --open-mode append --output "$name-%j.log" \
    ${sbatch_options[@]+"${sbatch_options[@]}"} \
    "$root/pretrain/launch.sh" --in-slurm-job "$root" --nodes "$nodes" --gpus "$gpus" "${train[@]:3}"
}

# Sets `step`: one torchrun a node, which meet at the first host.
step_command() {
  local host="$1" port="$2" id="$3"
  mapfile -t options < <(torchrun_options)
  step=(srun "--wait=$STRAGGLERS_S" --kill-on-bad-exit=0
    "$python" -m torch.distributed.run --nnodes "$nodes" "${options[@]}"
    --rdzv-backend c10d --rdzv-endpoint "$host:$port" --rdzv-id "$id" "${train[@]}")
}

# The time is nearly up, which Slurm tells this script alone. srun hands the signal on to every process of the step:
# torchrun then waits for the trainer, which saves.
stop_step() {
  trap '' USR1
  printf 'launch.sh: the time is nearly up; the run saves and stops.\n' >&2
  kill -USR1 "$step_pid" 2>/dev/null || true
}

run_in_job() {
  local host code=0
  host="$(scontrol show hostnames "$SLURM_JOB_NODELIST")"
  step_command "${host%%$'\n'*}" "$((15000 + SLURM_JOB_ID % 15000))" "$SLURM_JOB_ID-${SLURM_RESTART_COUNT:-0}"
  rm -f "$output/PREEMPTED" "$output/FINISHED" # of an earlier start: what is there afterwards is of this one
  cancelled=false
  trap stop_step USR1
  # Slurm has told the step as well, and a second signal would make torchrun drop the trainer while it saves.
  trap 'cancelled=true' TERM
  "${step[@]}" &
  step_pid=$!
  # A trapped signal ends `wait`, not the step.
  while true; do
    code=0
    wait "$step_pid" || code=$?
    kill -0 "$step_pid" 2>/dev/null || break
  done
  after_step "$code"
}

# torchrun's return code does not tell a saved run from a broken one; the markers in the run's folder do. A pre-empted
# job gets time only for its step, is not told itself, and would count as complete if it just ended.
after_step() {
  if [[ -e "$output/FINISHED" ]]; then
    exit 0
  elif [[ ! -e "$output/PREEMPTED" ]]; then
    printf 'launch.sh: the run stopped early and saved no last checkpoint (code %s); not requeued.\n' "$1" >&2
    exit "$(($1 ? $1 : 1))"
  elif $cancelled; then
    printf 'launch.sh: saved. The job was cancelled; the same command continues the run.\n' >&2
    exit 130
  fi
  printf 'launch.sh: saved before the end; requeueing job %s.\n' "$SLURM_JOB_ID" >&2
  scontrol requeue "$SLURM_JOB_ID"
}

main() {
  parse "$@"
  root="$job_root"
  [[ -n "$root" ]] || root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
  python="$(command -v "${PYTHON:-python}")" || fail "there is no '${PYTHON:-python}'; set PYTHON to an interpreter."
  export PYTHON="$python" PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" TORCH_ELASTIC_SHUTDOWN_TIMEOUT="$SAVING_S"
  # torchrun would give all starts of the processes one store, in which a restarted one finds the addresses of processes
  # that have ended (pytorch issue 135712); that uses up the restarts.
  export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1
  readonly exported=(PYTHON PYTHONPATH TORCH_ELASTIC_SHUTDOWN_TIMEOUT TORCH_DISABLE_SHARE_RDZV_TCP_STORE)
  $slurm || [[ -n "$job_root" ]] || ((nodes == 1)) || fail "--nodes $nodes needs --slurm: without it there is one node."
  $slurm || ((${#sbatch_options[@]} == 0)) || fail "${sbatch_options[0]} needs --slurm."
  read_configuration
  default_gpus
  ((batch_size % (nodes * gpus) == 0)) ||
    fail "training.batch_size $batch_size does not divide among $nodes x $gpus processes; change one of them."
  if $dry_run; then
    printf 'export'
    for name in "${exported[@]}"; do printf ' %s=%q' "$name" "${!name}"; done
    printf '\n'
  fi
  if [[ -n "$job_root" ]]; then
    run_in_job
  elif $slurm; then
    submit
    step_command FIRST_HOST PORT JOB_ID
    run "${step[@]}"
  else
    run_here
  fi
}

main "$@"
