"""What cannot be done is said before any work, with the next step."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xlmr_bench.errors import DataError, MissingData, UsageError
from xlmr_bench.miniature import miniature_folder

transformers = pytest.importorskip("transformers", reason="needs the extra `transformers`")
Run = Callable[..., list[Path]]


@pytest.mark.parametrize(
    ("benchmark", "role", "languages", "changed", "message"),
    [
        ("xnil", "train", "de", {}, "unknown benchmark 'xnil'. Did you mean 'xnli'"),
        ("xnli", "valid", "de", {}, "xnli has no 'valid' to translate.*train, dev, test"),
        ("ner", "test", "de", {}, "ner has no 'test'.*English training set alone"),
        ("squad", "test", "de", {}, "not public"),
        ("glue", "test", "de", {}, "no labels"),
        ("glue", "train", "de", {"tasks": ("MLNI",)}, "unknown GLUE task 'MLNI'. Did you mean 'MNLI'"),
        ("xnli", "train", "de", {"tasks": ("MNLI",)}, "tasks are GLUE's"),
        ("xnli", "train", "de,en", {}, "English is translated into or from"),
        ("xnli", "train", "xx", {}, "unknown language 'xx'"),
        ("xnli", "train", "de", {"beams": 0}, "beams is 0; it must be at least 1"),
        ("xnli", "train", "de", {"limit": 0}, "limit is 0"),
        ("xnli", "train", "de", {"device": "gpu"}, "unknown device 'gpu'"),
    ],
)
def test_requests_that_make_no_sense(
    run: Run, tmp_path: Path, benchmark: str, role: str, languages: str, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=f"(?s){message}"):
        run(benchmark, role, languages, miniature_folder(), **changed)
    assert not (tmp_path / "out").exists()


def test_missing_originals_are_named_before_the_model_is_looked_at(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingData, match="XNLI 'en' train not found"):
        run("xnli", "train", "de", tmp_path / "empty", model="no/such-model")


def test_an_encoder_is_not_a_translation_model(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "bert"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(UsageError, match=r"is a bert, not a sequence-to-sequence model\. Take OPUS-MT"):
        run("xnli", "train", "de", miniature_folder(), model=str(folder))
    (folder / "config.json").write_text(json.dumps({"model_type": "t5"}))
    with pytest.raises(UsageError, match="is a t5; how it is told its languages is not known"):
        run("xnli", "train", "de", miniature_folder(), model=f"hf:{folder}")


def test_a_model_without_the_language_is_refused_before_any_language_is_begun(
    run: Run, marian: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="translates into German, not into Swahili"):
        run("xnli", "train", "de,sw", miniature_folder(), model=str(marian))
    assert not (tmp_path / "out").exists()


def test_a_folder_without_tokenizer_weights_or_whole_weights_is_refused(run: Run, m2m: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    for name in ("config.json", "generation_config.json"):
        (folder / name).write_bytes((m2m / name).read_bytes())
    with pytest.raises((DataError, UsageError), match="copy: "):
        run("xnli", "train", "de", miniature_folder(), model=str(folder))
    for file in m2m.glob("*"):
        if file.suffix != ".safetensors":
            (folder / file.name).write_bytes(file.read_bytes())
    with pytest.raises(DataError, match="no weights"):
        run("xnli", "train", "de", miniature_folder(), model=str(folder))
    whole = (m2m / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="cannot load it"):
        run("xnli", "train", "de", miniature_folder(), model=str(folder), limit=2)


def test_missing_tensors_are_never_made_up(run: Run, m2m: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "copy"
    folder.mkdir()
    for file in m2m.glob("*"):
        (folder / file.name).write_bytes(file.read_bytes())
    tensors = load_file(m2m / "model.safetensors")
    tensors.pop("model.encoder.layers.0.fc1.weight")
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(DataError, match=r"1 tensors .*layers\.0\.fc1\.weight.*would be random"):
        run("xnli", "train", "de", miniature_folder(), model=str(folder), limit=2)


def test_nothing_is_added_to_a_data_set_of_someone_else(run: Run, squad: Path) -> None:
    with pytest.raises(UsageError, match=r"is the data set 'small'.*Choose another folder"):
        run("squad", "train", "de", squad, out=squad)


def test_a_file_that_was_there_before_is_left_as_it_is(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "out/XNLI-MT-1.0/multinli/multinli.train.de.tsv"
    file.parent.mkdir(parents=True)
    file.write_text("official")
    with pytest.raises(UsageError, match="was not made by this command; it is left as it is"):
        run("xnli", "train", "de", miniature_folder())
    assert file.read_text() == "official"


def test_translations_that_are_not_english_are_doubted(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("xnli", "test", "de", miniature_folder(), limit=9)
    assert "where translations score above 60: is this a model for that direction?" in capsys.readouterr().err


def test_without_the_extra_the_command_to_install_it_is_told(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['transformers'] = None\n"  # what an import finds where the package is missing
        "from xlmr_bench.errors import UsageError\n"
        "from xlmr_bench.translate.model import TranslationModel\n"
        "try: TranslationModel(sys.argv[1], 'cpu')\n"
        "except UsageError as e: print(e)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert "pip install 'xlmr_bench[transformers]'" in done.stdout, done.stderr


def test_importing_the_package_loads_neither_torch_nor_transformers() -> None:
    code = (
        "import sys, xlmr_bench.translate; print([m for m in ('torch', 'transformers', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
