"""`data`: fetch the official archives, verify a folder against the official statistics, show what is there."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..benchmarks import find_benchmark
from ..benchmarks.base import Benchmark, Where
from ..errors import DataError, MissingData, UsageError
from ..languages import NAMES, choose_languages
from ..protocols import ENGLISH, PROTOCOLS, Protocol
from ..request import MINIATURE, locate


def execute(args: argparse.Namespace) -> int:
    """Dispatch on the action."""
    if args.action == MINIATURE:
        return _write_miniature(args.folder)
    if args.action == "translate":
        return _translate(args)
    benchmark = find_benchmark(args.benchmark)
    if args.action == "fetch":
        return _fetch(benchmark, args.folder, args.mirror)
    where = locate([str(args.folder)], [])
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

    if not benchmark.archives:
        raise UsageError(
            f"{benchmark.name} cannot be fetched ({benchmark.licence}). Get its official files ({benchmark.reference}) "
            "and give their folder with --data; `data status` shows what is found there."
        )
    fetch([a for a in ARCHIVES if a.name in benchmark.archives], folder, mirror)
    print(folder)
    return 0


def _translate(args: argparse.Namespace) -> int:
    from ..translate import TranslateRequest, translate

    benchmark = find_benchmark(args.benchmark)
    request = TranslateRequest(
        benchmark=benchmark.name,
        role=args.split,
        languages=_targets(benchmark, args.languages),
        where=locate(args.data, args.files),
        model=args.model,
        out=args.out,
        beams=args.beams,
        max_new_tokens=args.max_new_tokens,
        batch_tokens=args.batch_tokens,
        device=args.device,
        limit=args.limit,
        tasks=tuple(task.strip() for task in (args.tasks or "").split(",") if task.strip()),
    )
    for path in translate(request):
        print(path)
    return 0


def _targets(benchmark: Benchmark, requested: str | None) -> tuple[str, ...]:
    """The languages that are not English; GLUE's columns are tasks, so that its languages must be named."""
    if benchmark.languages[0] in NAMES and len(benchmark.languages) > 1:
        chosen = choose_languages(requested, [c for c in benchmark.languages if "-" not in c])
        return tuple(code for code in chosen if code != ENGLISH)
    return choose_languages(requested or "", [code for code in NAMES if code != ENGLISH])


def _verify(benchmark: Benchmark, where: Where) -> int:
    """Read everything that is there; exit 3 when a split is damaged, not official, or missing from dev or test."""
    wrong = 0
    for role, language, optional in _splits(benchmark):
        try:
            split = benchmark.read(where, role, language)
        except MissingData:
            if not optional:
                print(f"{role:15} {language}  MISSING")
                wrong += 1
            continue
        except DataError as e:
            print(f"{role:15} {language}  WRONG: {e}")
            wrong += 1
            continue
        verdict = "official" if split.official else split.deviation or f"as in its manifest ({split.source})"
        verdict += f" ({split.note})" if split.note else ""
        wrong += split.official is False
        print(f"{role:15} {language}  {len(split.examples):>9,}  {split.digest[:16]}  {verdict}")
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
        print(f"{role:15} {len(languages):>3} languages: {' '.join(languages)}")
    if not readable:
        place = ", ".join(map(str, where.folders)) or where.hub
        raise DataError(f"nothing of {benchmark.name} is in {place}. Fetch it: data fetch {benchmark.name} FOLDER.")
    for protocol in (p for p in PROTOCOLS if p.name in benchmark.protocols):
        served = [c for c in benchmark.languages if _admits(benchmark, protocol, c, readable)]
        print(f"{protocol.name}: {' '.join(served) or 'no language; files are missing'}")
    return 0


def _admits(benchmark: Benchmark, protocol: Protocol, language: str, readable: dict[str, list[str]]) -> bool:
    """Whether a protocol's files for one language are all there."""
    if benchmark.refuses(protocol.name, language) is not None:
        return False
    tunings = protocol.fine_tunings((language,), benchmark.model_of)
    rules = [rule for rule in protocol.selections if rule in benchmark.selections]
    # A benchmark without dev sets of its own (XQuAD) is judged on English dev; so is translate-test.
    judged = [ENGLISH] if rules == ["english"] else [benchmark.model_of(language)]
    translated = language != ENGLISH
    needed = [
        (benchmark.train_translated if protocol.trains_translated and code != ENGLISH else "train", code)
        for tuning in tunings
        for code in tuning.train
    ]
    needed += [("dev", code) for code in judged]
    needed.append(("translate-test" if protocol.tests_translated and translated else benchmark.tested, language))
    return all(code in readable.get(role, []) for role, code in needed)


def _splits(benchmark: Benchmark) -> list[tuple[str, str, bool]]:
    """(role, language, whether it may be absent) of everything that some protocol reads.

    English training data are needed for any protocol but come apart from the test sets in most benchmarks, so that
    a folder without them is not wrong.
    """
    protocols = [p for p in PROTOCOLS if p.name in benchmark.protocols]
    found: dict[tuple[str, str], bool] = {}
    columns = benchmark.chosen or benchmark.languages
    own_dev = benchmark.selections != ("english",)
    for code in columns if own_dev else (ENGLISH,):
        found["dev", benchmark.model_of(code)] = False
    for code in columns:
        found[benchmark.tested, code] = False
    for protocol in protocols:
        admitted = tuple(c for c in benchmark.languages if benchmark.refuses(protocol.name, c) is None)
        for tuning in protocol.fine_tunings(admitted, benchmark.model_of):
            for code in tuning.train:
                translated = protocol.trains_translated and code != ENGLISH
                found.setdefault((benchmark.train_translated if translated else "train", code), True)
        if protocol.tests_translated:
            found |= {("translate-test", code): True for code in admitted if code != ENGLISH}
    for code in benchmark.languages:
        found.setdefault((benchmark.tested, code), True)
        if own_dev:
            found.setdefault(("dev", benchmark.model_of(code)), True)
    return [(role, code, optional) for (role, code), optional in found.items()]
