"""Where it is measured: the machine in words, our versions, and the peers' environment, made from `peers.txt`."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
PINS = HERE / "peers.txt"
FIRST = "torch"  # alone, so that nothing else decides which build of it is taken
_VERSIONS = (
    "import importlib.metadata as m, json; print(json.dumps({d.name.lower(): d.version for d in m.distributions()}))"
)
_OURS = ("torch", "numpy", "sentencepiece", "pyarrow")


@dataclass(frozen=True)
class Peers:
    """The peers' environment: its interpreter, the pinned versions that are there, and what is missing, with why."""

    python: Path
    versions: dict[str, str]
    missing: dict[str, str]

    def lacks(self, needs: tuple[str, ...]) -> str | None:
        """Why a peer that needs these packages cannot be measured, or None."""
        gone = [f"{name} ({self.missing[name]})" for name in needs if name in self.missing]
        return f"not installed: {', '.join(gone)}" if gone else None


def pins() -> dict[str, str]:
    """Package -> version, in the order of the file."""
    lines = (line.partition("#")[0].strip() for line in PINS.read_text(encoding="utf-8").splitlines())
    return {name: version for name, _, version in (line.partition("==") for line in lines if line)}


def peers(folder: Path, *, install: bool) -> Peers:
    """Look into the environment at `folder`, after making it complete where `install` asks for that.

    What cannot be installed is named, and everything else is there all the same.
    """
    wanted, reasons = pins(), dict[str, str]()
    python = folder / "bin" / "python"
    if install and _installed(python) != wanted:
        print(f"installing the peers into {folder}", file=sys.stderr, flush=True)
        reasons = _install(folder, python, wanted)
    there = _installed(python)
    missing = {
        name: reasons.get(name) or ("absent" if name not in there else f"{there[name]} instead of {version}")
        for name, version in wanted.items()
        if there.get(name) != version
    }
    return Peers(python, there, missing)


def _installed(python: Path) -> dict[str, str]:
    """The versions of the pinned packages that an environment has."""
    if not python.exists():
        return {}
    done = subprocess.run([python, "-c", _VERSIONS], capture_output=True, text=True, check=False)
    versions = json.loads(done.stdout) if done.returncode == 0 else {}
    return {name: versions[name].partition("+")[0] for name in pins() if name in versions}


def _install(folder: Path, python: Path, wanted: dict[str, str]) -> dict[str, str]:
    """Install all pins, one by one where they do not go together; the last line of pip's complaint by package."""
    if not python.exists():
        done = subprocess.run([sys.executable, "-m", "venv", folder], capture_output=True, text=True, check=False)
        if done.returncode:
            return dict.fromkeys(wanted, f"no environment: {_last(done.stderr or done.stdout)}")
    named = [f"{name}=={version}" for name, version in wanted.items()]
    reasons = {}
    if reason := _pip(python, [f"{FIRST}=={wanted[FIRST]}"]):
        reasons[FIRST] = reason
    if _pip(python, named):
        for name, pin in zip(wanted, named, strict=True):
            if name not in reasons and (reason := _pip(python, [pin])):
                reasons[name] = reason
    return reasons


def _pip(python: Path, packages: list[str]) -> str | None:
    words = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return _last(done.stderr) if done.returncode else None


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:120] if lines else "no reason given"


def describe_machine() -> dict[str, str]:
    """What figures depend on and no option decides."""
    model, cores = _processor()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {
        "processor": model,
        "cores": str(cores),
        "memory": f"{memory:.0f} GB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def describe_versions() -> dict[str, str]:
    """Our packages, and the commit that was measured."""
    versions = {}
    for name in _OURS:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "absent"
    return {"xlmr_bench": commit(), **versions}


def commit() -> str:
    """The commit of the working tree, marked where files differ from it. Results themselves do not count."""
    git = ["git", "-C", str(REPOSITORY)]
    found = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False)
    if found.returncode:
        return "unknown"
    changed = subprocess.run(
        [*git, "status", "--porcelain", "--", "xlmr_bench", "pretrain"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() + ("+changes" if changed.stdout.strip() else "")


def device_key(machine: dict[str, str]) -> str:
    """Figures of one key belong together: same processor, one thread."""
    return f"{machine['processor']}, one thread"


def _processor() -> tuple[str, int]:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return (named[0] if named else platform.processor() or platform.machine()), cores
