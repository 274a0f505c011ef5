"""What the documents say is true: commands parse, targets and paths exist, versions agree."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
from toy import REPOSITORY

from pretrain.cli import build_parser as build_pretrain_parser
from xlmr_bench import __version__
from xlmr_bench.cli import build_parser

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
CI = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


def shell_lines() -> list[str]:
    blocks = re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)
    return [line.split("#")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("line", shell_lines())
def test_every_command_of_the_readme_exists(line: str) -> None:
    words = shlex.split(line)
    if words[0] == "make":
        assert re.search(rf"^{words[1]}:", MAKEFILE, flags=re.MULTILINE)
    elif words[0] == "pretrain/launch.sh":  # no sbatch is needed to say what it would be asked
        done = subprocess.run([words[0], "--dry-run", *words[1:]], cwd=REPOSITORY, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    else:
        assert words[:2] == ["python", "-m"]
        parser = {"xlmr_bench": build_parser, "pretrain": build_pretrain_parser}[words[2]]()
        assert parser.parse_args(words[3:]).command == words[3]


def test_the_examples_of_the_command_line_parse() -> None:
    text = build_parser().format_help()
    examples = re.findall(r"-m xlmr_bench (\w.*)", text)
    assert len(examples) >= 4
    for example in examples:
        build_parser().parse_args(shlex.split(example))


def test_every_path_of_the_file_map_exists() -> None:
    rows = re.findall(r"^\| (`.*?) \|", README, flags=re.MULTILINE)
    assert len(rows) > 5
    for row in rows:
        paths = re.findall(r"`([^`]+)`", row)
        base = Path(paths[0]).parent
        for path in paths:
            assert (REPOSITORY / path).exists() or (REPOSITORY / base / path).exists(), path


def test_continuous_integration_runs_the_readmes_own_commands() -> None:
    for command in ("make demo", "make test", "make check"):
        assert command in CI
    workflow = (REPOSITORY / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert "bash .ci/run" in workflow


def test_the_pins_satisfy_what_the_project_asks_for() -> None:
    from packaging.requirements import Requirement

    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    wanted = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["dev"]
    for text in wanted:
        requirement = Requirement(text)
        if requirement.name != "xlmr_bench":
            assert requirement.specifier.contains(pins[requirement.name]), text
    assert pins["torch"] == "2.13.0"


def test_the_conda_environment_names_existing_extras_and_the_same_torch() -> None:
    import yaml

    environment = yaml.safe_load((REPOSITORY / "environment.yml").read_text(encoding="utf-8"))
    pip = next(d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    assert "torch==2.13.0" in pip
    extras = next(re.findall(r"\[(.*)\]", line)[0].split(",") for line in pip if line.startswith("--editable"))
    assert set(extras) <= PROJECT["project"]["optional-dependencies"].keys()


def test_the_changelog_speaks_of_this_version() -> None:
    assert f"## {__version__}" in (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted((REPOSITORY / "notebooks").glob("*.ipynb")), ids=lambda p: p.name)
def test_notebooks_hold_parameters_few_cells_no_functions_and_no_outputs(path: Path) -> None:
    cells = [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]
    assert "parameters" in cells[0]["metadata"]["tags"]
    assert len(cells) <= 8
    for cell in cells:
        assert not cell["outputs"]
        assert not re.search(r"^\s*(def|class) ", "".join(cell["source"]), flags=re.MULTILINE)
