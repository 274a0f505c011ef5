"""KenLM's programs `lmplz` and `build_binary`, which its Python package does not hold: finding and running them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from xlmr_bench.errors import UsageError, XlmrBenchError

PROGRAMS = ("lmplz", "build_binary")
HOW_TO_BUILD = """Build them from KenLM's source distribution (on Debian, after
`apt-get install cmake g++ libboost-program-options-dev libboost-thread-dev libboost-system-dev libboost-test-dev`):
  pip download kenlm==0.3.0 --no-binary kenlm --no-deps && tar xf kenlm-0.3.0.tar.gz
  cmake -S kenlm-0.3.0 -B kenlm-build -DCMAKE_BUILD_TYPE=Release
  cmake --build kenlm-build --target lmplz build_binary
  export PATH="$PWD/kenlm-build/bin:$PATH\""""
LONGEST_NGRAM = 6  # of KenLM as its packages build it
# For sorting n-grams; more than this goes through files.
_SORT_MEMORY = "1G"


def find_programs() -> tuple[Path, Path]:
    """Paths of `lmplz` and `build_binary`; raises UsageError, with the way to get them, where PATH lacks one."""
    lmplz, build_binary = (shutil.which(program) for program in PROGRAMS)
    if lmplz is None or build_binary is None:
        missing = PROGRAMS[0] if lmplz is None else PROGRAMS[1]
        raise UsageError(f"KenLM's program {missing} is not on PATH. {HOW_TO_BUILD}")
    return Path(lmplz), Path(build_binary)


def estimate(
    lines: Iterable[str], model: Path, order: int, vocabulary: int, programs: tuple[Path, Path], scratch: Path
) -> None:
    """Write the binary n-gram model of tokenised lines; `scratch` holds what is sorted, and the model as text.

    Raises XlmrBenchError with a program's last words where it fails.
    """
    lmplz, build_binary = programs
    arpa, log = scratch / "model.arpa", scratch / "log"
    words = [
        lmplz, "--order", order, "--memory", _SORT_MEMORY, "--temp_prefix", scratch / "sorted", "--arpa", arpa,
        "--vocab_estimate", vocabulary,
        "--discount_fallback",  # where a small text has too few n-grams to estimate the discounts from
        "--skip_symbols",  # a text that holds `<s>` is no reason to stop
    ]  # fmt: skip
    _run(words, log, lines)
    # Mapped while it is written: the model may be larger than the memory.
    _run([build_binary, "-w", "mmap", "probing", arpa, model], log)
    arpa.unlink()


def _run(words: list[object], log: Path, lines: Iterable[str] = ()) -> None:
    with log.open("wb") as told:
        process = subprocess.Popen([str(word) for word in words], stdin=subprocess.PIPE, stdout=told, stderr=told)
        try:
            assert process.stdin is not None
            try:
                with process.stdin as given:
                    for line in lines:
                        given.write(line.encode() + b"\n")
            except BrokenPipeError:
                pass  # it failed, and says why
            code = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
    if code:
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
        ended = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        raise XlmrBenchError(f"{Path(str(words[0])).name} {ended}: {' '.join(last) or 'it said nothing'}")
