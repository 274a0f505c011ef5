"""The command of `make bench`: measure, keep what was found in `results.json`, write `RESULTS.md` from all of it."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from .clock import spend
from .figures import refused
from .growing import AXES, grow
from .machine import HERE, REPOSITORY, describe_machine, describe_versions, device_key, peers
from .measuring import Bench, Failed, measure, profile
from .render import page
from .work import Work
from .works import WORKS

RESULTS, PAGE = "results.json", "RESULTS.md"


def options(argv: list[str]) -> argparse.Namespace:
    """What can be asked for."""
    names = [work.name for work in WORKS]
    place = Path(os.environ.get("XLMR_BENCH_PEERS", REPOSITORY / ".venv-peers"))
    parser = argparse.ArgumentParser(prog="python -m performance", description=__doc__)
    parser.add_argument("--only", action="append", choices=[*names, *AXES], metavar="NAME", help=", ".join(names))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one round of tiny sizes; nothing here is overwritten")
    parser.add_argument("--profile", action="store_true", help="only tell where our time goes")
    parser.add_argument("--growth", action="store_true", help="only measure growth: " + ", ".join(AXES))
    parser.add_argument("--render", action="store_true", help="measure nothing, write RESULTS.md anew")
    parser.add_argument("--peers", type=Path, default=place, metavar="DIR", help="the peers' environment")
    parser.add_argument("--no-install", action="store_true", help="take the peers as they are")
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"where {RESULTS} and {PAGE} are (default: here)")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """1 where a comparison is not equal or a side failed."""
    args = options(argv)
    out = args.out or (Path(tempfile.mkdtemp(prefix="performance-")) if args.quick else HERE)
    results = _read(out / RESULTS)
    if args.render:
        _write(out, results)
        return 0
    machine = describe_machine()
    device = results["devices"].setdefault(device_key(machine), {"entries": {}})
    device["machine"] = machine
    bench = Bench(
        peers(args.peers, install=not args.no_install and not args.growth and not args.profile),
        1 if args.quick else args.rounds,
        args.quick,
    )
    everything = not (args.profile or args.growth)
    failures: list[str] = []
    for work in WORKS:
        if args.only and work.name not in args.only:
            continue
        try:
            if everything:
                failures += _measure(work, bench, device)
            if everything or args.profile:
                device.setdefault("profile", {})[work.name] = profile(work, bench)
        except Failed as e:
            failures.append(f"{work.name}: {e}")
        if everything or args.profile:
            _write(out, results)
    for axis in AXES if everything or args.growth else ():
        if args.only and axis not in args.only:
            continue
        try:
            device.setdefault("growth", {})[axis] = grow(axis, quick=args.quick)
        except Failed as e:
            failures.append(f"{axis}: {e}")
        _write(out, results)
    print("\n".join([*failures, str(out / PAGE)]), file=sys.stderr)
    return 1 if failures else 0


def _measure(work: Work, bench: Bench, device: dict[str, Any]) -> list[str]:
    entry = measure(work, bench)
    others = {f"peer {name}": version for name, version in bench.peers.versions.items() if work.needs}
    entry["versions"] = {**describe_versions(), **others}
    device["entries"][work.name] = entry
    failed = [f"{work.name}: {side}: {why}" for side, why in entry["failed"].items()]
    return failed + [f"{work.name}: NOT EQUAL: {what}" for what in refused(entry)]


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {"devices": {}}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _write(out: Path, results: dict[str, Any]) -> None:
    """Both files, after every piece of work: what was measured is not lost with what comes after it."""
    out.mkdir(parents=True, exist_ok=True)
    (out / RESULTS).write_text(json.dumps(_rounded(results), indent=1) + "\n", encoding="utf-8")
    plots = {device: plot for device in results["devices"] if (plot := _plot(out, results, device))}
    (out / PAGE).write_text(page(results, WORKS, plots), encoding="utf-8")


def _plot(out: Path, results: dict[str, Any], device: str) -> str | None:
    """The name of the growth plot of a device, drawn anew by a process of its own, or None."""
    if not results["devices"][device].get("growth"):
        return None
    name = f"growth-{re.sub(r'[^a-z0-9]+', '-', device.lower())}.svg"
    words = [sys.executable, "-m", "performance.render_growth", str(out / RESULTS), device, str(out / name)]
    done = spend(words, REPOSITORY, {"PYTHONPATH": str(HERE.parent)})
    if done.code:
        print(f"no plot of growth: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return name


def _rounded(value: Any) -> Any:
    """Six digits are more than a clock has."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    return [_rounded(v) for v in value] if isinstance(value, list) else value
