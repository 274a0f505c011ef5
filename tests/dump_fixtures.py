"""Real sentences, a model that identifies their languages, and a dump made of them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from made_dump import MadeDump, make_dump

from xlmr_bench.miniature import miniature_folder

REAL = ("ar", "bg", "de", "el", "en", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh")


@pytest.fixture(scope="session")
def sentences(request: pytest.FixtureRequest) -> dict[str, list[str]]:
    """Sentences by language: real ones where the shared data are, else the miniature's."""
    try:
        folder = request.getfixturevalue("shared_data") / "text" / "lingua_sentences"
        wanted = REAL
    except pytest.skip.Exception:
        folder = miniature_folder() / "text"
        wanted = tuple(sorted(path.stem for path in folder.glob("*.txt")))
    return {code: [s for s in (folder / f"{code}.txt").read_text("utf-8").split("\n") if s.strip()] for code in wanted}


@pytest.fixture(scope="session")
def lid(
    request: pytest.FixtureRequest, sentences: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """lid.176.ftz where the shared data are, else a model that fastText's own program trains on the sentences."""
    try:
        return Path(request.getfixturevalue("shared_data")) / "lid" / "lid.176.ftz"
    except pytest.skip.Exception:
        program = shutil.which("fasttext")
        if program is None:
            pytest.skip("no language identification: neither the shared data nor the program fasttext are here")
    folder = tmp_path_factory.mktemp("lid")
    lines = [f"__label__{code} {s}" for code, found in sentences.items() for s in found]
    (folder / "train.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    options = ["-minn", "2", "-maxn", "4", "-dim", "16", "-epoch", "10", "-thread", "1", "-bucket", "20000"]
    subprocess.run(
        [program, "supervised", "-input", folder / "train.txt", "-output", folder / "lid", *options],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder / "lid.bin"


@pytest.fixture(scope="session")
def dump(sentences: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory) -> MadeDump:
    return make_dump(tmp_path_factory.mktemp("dump"), sentences)
