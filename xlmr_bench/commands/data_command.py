"""`data`: fetch the official archives, verify a folder against the official statistics, show what is there."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..benchmarks import find_benchmark
from ..benchmarks.base import Benchmark, Where
from ..errors import DataError, MissingData, UsageError
from ..protocols import ENGLISH, PROTOCOLS
from ..request import MINIATURE, locate


def execute(args: argparse.Namespace) -> int:
    """Dispatch on the action."""
    if args.action == MINIATURE:
        return _write_miniature(Path(args.benchmark or args.folder or MINIATURE))
    if args.benchmark is None or args.folder is None:
        raise UsageError(f"data {args.action} takes a benchmark and a folder: data {args.action} xnli data/")
    benchmark = find_benchmark(args.benchmark)
    if args.action == "fetch":
        return _fetch(benchmark, Path(args.folder), args.mirror)
    where = locate([args.folder], [])
    absent = [folder for folder in where.folders if not folder.is_dir()]
    if absent:
        raise DataError(f"there is no folder {absent[0]}. Fetch it: data fetch {benchmark.name} {absent[0]}.")
    return _verify(benchmark, where) if args.action == "verify" else _status(benchmark, where)


def _write_miniature(folder: Path) -> int:
    from ..miniature import write_miniature

    if folder.exists():
        raise UsageError(f"{folder} exists. Name a new folder for the miniature world.")
    write_miniature(folder)
    print(folder)
    return 0


def _fetch(benchmark: Benchmark, folder: Path, mirror: str | None) -> int:
    from ..data.catalogue import ARCHIVES
    from ..data.fetch import fetch

    fetch([a for a in ARCHIVES if a.name in benchmark.archives], folder, mirror)
    print(folder)
    return 0


def _verify(benchmark: Benchmark, where: Where) -> int:
    """Read everything that is there; exit 3 when a split is damaged, not official, or missing from dev or test."""
    wrong = 0
    for role, language, optional in _splits(benchmark):
        try:
            split = benchmark.read(where, role, language)
        except MissingData:
            if not optional:
                print(f"{role:14} {language}  MISSING")
                wrong += 1
            continue
        except DataError as e:
            print(f"{role:14} {language}  WRONG: {e}")
            wrong += 1
            continue
        verdict = "official" if split.official else split.deviation or f"as in its manifest ({split.source})"
        wrong += split.official is False
        print(f"{role:14} {language}  {len(split.examples):>9,}  {split.digest[:16]}  {verdict}")
    if wrong:
        print(f"xlmr_bench: {wrong} splits are not the official data.", file=sys.stderr)
        return DataError.exit_code
    return 0


def _status(benchmark: Benchmark, where: Where) -> int:
    """Which splits can be read, and which protocols they admit in which languages."""
    readable: dict[str, list[str]] = {}
    for role, language, _ in _splits(benchmark):
        try:
            benchmark.read(where, role, language)
        except DataError:
            continue
        readable.setdefault(role, []).append(language)
    for role, languages in readable.items():
        print(f"{role:14} {len(languages):>3} languages: {' '.join(languages)}")
    if not readable:
        place = ", ".join(map(str, where.folders)) or where.hub
        raise DataError(f"nothing of {benchmark.name} is in {place}. Fetch it: data fetch {benchmark.name} FOLDER.")
    for protocol in (p for p in PROTOCOLS if p.name in benchmark.protocols):
        served = [c for c in benchmark.languages if _admits(protocol.name, c, readable)]
        print(f"{protocol.name}: {' '.join(served) or 'no language; files are missing'}")
    return 0


def _admits(protocol: str, language: str, readable: dict[str, list[str]]) -> bool:
    """Whether a protocol's files for one language are all there."""

    def there(role: str, code: str) -> bool:
        return code in readable.get(role, [])

    trained = ENGLISH if protocol in ("transfer", "translate-test") else language
    tested = "translate-test" if protocol == "translate-test" and language != ENGLISH else "test"
    developed = ENGLISH if protocol == "translate-test" else language
    return there("train", trained) and there(tested, language) and there("dev", developed)


def _splits(benchmark: Benchmark) -> list[tuple[str, str, bool]]:
    """(role, language, whether it may be absent) of everything the benchmark knows."""
    listed = [(role, code, False) for role in ("dev", "test") for code in benchmark.languages]
    listed += [("train", code, True) for code in benchmark.languages]
    return listed + [
        (role, code, True)
        for role in ("translate-dev", "translate-test")
        for code in benchmark.languages
        if code != ENGLISH
    ]
