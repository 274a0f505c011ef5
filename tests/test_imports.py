"""Imports point one way. The rules are a table; every import statement of the package is read, none is run."""

from __future__ import annotations

import ast
from functools import cache

import pytest
from samples import REPOSITORY

PACKAGE = REPOSITORY / "xlmr_bench"
FLOOR = ("errors", "files", "cache", "progress", "languages", "signals")

# Group -> the groups it may import. A module belongs to the group of its folder, else to its own.
ALLOWED: dict[str, tuple[str, ...]] = {
    # The floor knows nothing above it.
    "errors": (),
    "files": ("errors",),
    "cache": (),
    "progress": (),
    "languages": ("errors",),
    "console": ("errors",),
    "signals": (),
    # Declarations and values.
    "examples": (),
    "protocols": ("errors",),
    "settings": ("errors",),
    "selection": ("protocols",),
    # The shared floor of harness and pretraining: encoder, heads, tokenizer, checkpoints.
    "modeling": ("modeling", *FLOOR),
    # Kinds of task: declarations, and beside them the modules that encode examples and decode outputs.
    "tasks": (
        "tasks", "encode", "entities", "answers", "windows", "metrics", "examples", "settings", "modeling", *FLOOR,
    ),
    # Getting files and finding them, whatever benchmark they are of.
    "data": ("data", *FLOOR),
    "benchmarks": ("benchmarks", "data", "examples", "settings", "tasks", *FLOOR),
    "miniature": ("miniature", "examples", *FLOOR),
    # Scores, records and tables: gold and predictions in, no model.
    "metrics": (),
    "answers": ("errors", "metrics"),
    "agreement": ("errors", "metrics"),
    "entities": ("errors", "metrics"),
    # Windows take pieces with their characters, a type of `modeling`, for type checkers alone.
    "windows": ("errors",),
    "scoring": ("benchmarks", "tasks", "answers", "agreement", "entities", "metrics", "examples", "errors"),
    "predictions": ("data", "examples", *FLOOR),
    "results": FLOOR,
    "published": ("results",),
    "report": ("results", "published", "benchmarks"),
    "significance": ("metrics",),
    "pairing": (
        "results", "report", "scoring", "metrics", "significance", "predictions", "benchmarks", "examples", *FLOOR,
    ),
    "comparison": ("results", "published", "report", "metrics", "pairing", "significance", "benchmarks", *FLOOR),
    "tables": ("tables", "results", "published", "report", "benchmarks", *FLOOR),
    "ranking": ("results", "report", "pairing", "significance", "benchmarks", *FLOOR),
    "leaderboard": ("results", "published", "report", "pairing", "ranking", "benchmarks", *FLOOR),
    "selection_report": ("results", "report", "pairing", "protocols", "benchmarks", *FLOOR),
    "claims": (
        "claims", "results", "published", "report", "pairing", "significance", "benchmarks", "tables", *FLOOR,
    ),
    "page": (
        "page", "leaderboard", "ranking", "pairing", "published", "report", "results", "benchmarks", *FLOOR,
    ),
    "exports": (
        "exports", "results", "pairing", "scoring", "metrics", "protocols", "benchmarks", "tasks", *FLOOR,
    ),
    "plots": ("results", "published", "report", "benchmarks", *FLOOR),
    "notebook": ("published", "errors"),
    "provenance": (),
    "request": ("benchmarks", "protocols", "selection", "settings", "miniature", *FLOOR),
    # Jobs: commands in, states out. What runs in them is `run`, as a process of its own.
    "sweep": ("sweep", "request", "results", *FLOOR),
    # Making translated data: files in, files out; the translation model is torch's.
    "translate": ("translate", "benchmarks", "data", "examples", "modeling", *FLOOR),
    # Training and prediction.
    "device": ("errors",),
    "encode": FLOOR,
    "batches": ("encode",),
    "losses": ("batches",),
    "optim": ("modeling", "settings", "errors"),
    "state": ("files", "errors"),
    "predict": ("batches", "device", "encode", "errors", "progress"),
    "finetune": (
        "batches", "device", "encode", "losses", "modeling", "optim", "predict", "selection", "settings", "state",
        *FLOOR,
    ),
    "workload": (
        "benchmarks", "encode", "examples", "modeling", "protocols", "request", "scoring", "selection", "settings",
        "tasks", *FLOOR,
    ),
    "outcome": (
        "device", "finetune", "modeling", "predict", "protocols", "request", "selection", "workload", *FLOOR,
    ),
}  # fmt: skip

# These may import everything of the package except what is above them.
ABOVE: dict[str, tuple[str, ...]] = {
    "plan": ("run", "commands", "cli"),
    "run": ("plan", "commands", "cli"),
    "commands": ("cli",),
    "cli": ("commands",),  # by name, when one runs
    "cli_results": ("commands", "cli"),
    "__main__": (),
}

MODELS = ("torch", "modeling", "sentencepiece", "transformers", "datasets")
HEAVY = (*MODELS, "numpy", "pyarrow", "sacrebleu", "jsonschema")

# Group -> packages that it must not even reach through what it imports at module level.
LIGHT: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("cli", "console", "benchmarks", "data", "request", "settings", "protocols", "selection", "examples"), HEAVY
    ),
    "commands": MODELS,
    **dict.fromkeys(("metrics", "scoring", "results", "predictions", "published", "report", "comparison"), MODELS),
    **dict.fromkeys(("significance", "pairing", "ranking", "leaderboard", "selection_report"), MODELS),
    **dict.fromkeys(("tables", "claims", "page", "exports", "plots", "notebook"), MODELS),
    "cli_results": HEAVY,
    "sweep": (*HEAVY, "submitit"),
    "miniature": ("torch", "modeling"),
    "workload": ("torch",),
    "tasks": ("torch", "transformers", "datasets"),
    "translate": ("torch", "transformers", "datasets"),
    **dict.fromkeys(("answers", "windows", "entities", "agreement"), MODELS),
}  # fmt: skip

Import = tuple[str, str, bool]


def module_name(relative: tuple[str, ...]) -> str:
    return ".".join(p for p in relative if p != "__init__")


@cache
def modules() -> dict[str, list[Import]]:
    """Module -> (imported module of the package or top-level name of another, its group, whether at module level)."""
    found: dict[str, list[Import]] = {}
    names = {module_name(p.relative_to(PACKAGE).with_suffix("").parts): p for p in sorted(PACKAGE.rglob("*.py"))}
    for name, path in names.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        package = name.split(".") if path.stem == "__init__" and name else name.split(".")[:-1]
        imports: list[Import] = []
        for node, top in walk(tree):
            for target in targets(node, package, set(names)):
                imports.append((target, group_of(target), top))
        found[name] = imports
    return found


def walk(tree: ast.Module) -> list[tuple[ast.AST, bool]]:
    """Import statements with whether they run at import; those for type checkers alone are left out."""
    found: list[tuple[ast.AST, bool]] = []

    def visit(node: ast.AST, top: bool) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.append((node, top))
        inside = top and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    visit(tree, True)
    return found


def targets(node: ast.AST, package: list[str], known: set[str]) -> list[str]:
    """What an import statement imports: `:module` for modules of this package, else the top-level name."""
    if isinstance(node, ast.Import):
        return [n.name.split(".")[0] if not n.name.startswith("xlmr_bench") else local(n.name[11:]) for n in node.names]
    assert isinstance(node, ast.ImportFrom)
    if node.level == 0 and (node.module or "").split(".")[0] != "xlmr_bench":
        return [(node.module or "").split(".")[0]]
    base = package[: len(package) - node.level + 1] if node.level else []
    stem = [*base, *(node.module.split(".") if node.module else [])]
    if not node.level:
        stem = stem[1:]
    deeper = [".".join([*stem, n.name]) for n in node.names]
    return [local(d if d in known else ".".join(stem)) for d in deeper]


def local(name: str) -> str:
    return ":" + name


def group_of(target: str) -> str:
    return target.removeprefix(":").split(".")[0]


GROUPS = sorted({name.split(".")[0] for name in modules() if name})


def in_group(group: str) -> list[str]:
    return [name for name in modules() if name.split(".")[0] == group]


def test_every_module_has_a_rule() -> None:
    assert set(GROUPS) == set(ALLOWED) | set(ABOVE)


@pytest.mark.parametrize("group", sorted(ALLOWED))
def test_a_group_imports_only_what_its_rule_allows(group: str) -> None:
    for name in in_group(group):
        for target, imported, _ in modules()[name]:
            if target.startswith(":") and target != ":":
                assert imported in ALLOWED[group], f"{name} imports {target[1:]}"


@pytest.mark.parametrize("group", sorted(ABOVE))
def test_the_upper_groups_import_nothing_above_them(group: str) -> None:
    for name in in_group(group):
        for target, imported, _ in modules()[name]:
            assert not (target.startswith(":") and imported in ABOVE[group]), f"{name} imports {target[1:]}"


def test_nothing_imports_commands_or_the_command_line_except_main() -> None:
    for name, imports in modules().items():
        for target, imported, _ in imports:
            if target.startswith(":") and imported in ("commands", "cli"):
                assert name == "__main__", f"{name} imports {target[1:]}"


def reached(name: str, *, parents_too: bool = True) -> dict[str, str]:
    """Everything that importing a module imports, with the module that does it; its packages run first."""
    seen: dict[str, str] = {}
    waiting = [name]
    while waiting:
        current = waiting.pop()
        depth = current.count(".") if parents_too else 0
        parents = [".".join(current.split(".")[:i]) for i in range(1, depth + 1)]
        for target in [*(t for t, _, top in modules().get(current, []) if top), *map(local, parents)]:
            if target not in seen:
                seen[target] = current
                if target.startswith(":"):
                    waiting.append(target[1:])
    return seen


@pytest.mark.parametrize("group", sorted(LIGHT))
def test_importing_a_light_group_reaches_nothing_heavy(group: str) -> None:
    for name in in_group(group):
        found = reached(name)
        for heavy in LIGHT[group]:
            reason = found.get(heavy) or next((by for t, by in found.items() if group_of(t) == heavy), None)
            assert reason is None, f"importing {name} imports {heavy} (through {reason})"


def test_declarations_of_tasks_are_light_and_those_who_declare_reach_no_coder() -> None:
    found = reached("tasks")
    assert not [t for t in found if t.startswith(":") or t in HEAVY], "tasks/__init__ declares, and imports nothing"
    for group in ("benchmarks", "scoring", "request", "translate"):
        for name in in_group(group):
            assert not [t for t in reached(name) if t.startswith(":tasks.")], f"{name} reaches a coder"


@pytest.mark.parametrize(
    "group",
    [
        "claims",
        "exports",
        "leaderboard",
        "page",
        "tables",
        "metrics",
        "answers",
        "agreement",
        "entities",
        "scoring",
        "results",
        "predictions",
        "published",
        "report",
        "significance",
        "pairing",
        "data",
        "benchmarks",
    ],
)
def test_scoring_and_reading_never_import_torch_or_a_model_not_even_late(group: str) -> None:
    for name in in_group(group):
        for target, imported, _ in modules()[name]:
            assert target != "torch" and imported != "modeling", f"{name} imports {target}"


def test_there_are_no_cycles() -> None:
    for name in modules():
        assert local(name) not in reached(name, parents_too=False), f"{name} is imported by what it imports"


def test_nothing_imports_with_a_star_and_nothing_imports_the_trainer() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert "import *" not in path.read_text(encoding="utf-8"), path
    assert all(target != "pretrain" for imports in modules().values() for target, _, _ in imports)
