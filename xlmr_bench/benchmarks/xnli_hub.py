"""XNLI through the `datasets` library: a Hub repository such as `facebook/xnli`, or a local folder of that layout.

The layout is one configuration a language with the splits train, validation and test, and the features `premise`,
`hypothesis` (strings) and `label` (a ClassLabel). Three orders of the labels are in use, so an id means nothing
without the names that come with it: https://huggingface.co/docs/datasets/package_reference/main_classes#datasets.ClassLabel
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import DataError, UsageError, unknown_name
from ..files import digest_of, sha256_of

_HUB_SPLITS = {"train": "train", "dev": "validation", "test": "test"}
_LABELS = frozenset({"entailment", "neutral", "contradiction"})
_COLUMNS = ("premise", "hypothesis", "label")
_BATCH_ROWS = 10_000


def read_hub_rows(repository: str, language: str, split: str) -> list[tuple[str, str, str]]:
    """The rows of one language and split (train, dev or test) as (premise, hypothesis, label name), in file order.

    repository: a local folder, or `owner/name` on the Hub. The first reading from the Hub downloads all splits of
    the language into the cache of `datasets`; later ones need no network.
    Raises UsageError for an unknown language or split and where `datasets` is not installed; DataError where the data
    cannot be had or hold something else.
    """
    if split not in _HUB_SPLITS:
        raise unknown_name("split", split, _HUB_SPLITS)
    datasets = _datasets()
    local = _local_folder(repository) is not None
    with _quiet_stdout(), _explained(repository), tempfile.TemporaryDirectory() as scratch:
        # The library keys its cache of a local folder by the folder's own name and card alone: another folder called
        # `xnli` would lend us its features and labels. So a folder is read past that cache, and the Hub through it.
        builder = _builder(datasets, repository, language, cache_dir=scratch if local else None)
        files = builder.config.data_files or {}  # not known where the library reads from its own cache
        if local:
            parts = builder.as_streaming_dataset()
        else:
            builder.download_and_prepare()
            parts = builder.as_dataset()
        name = _HUB_SPLITS[split]
        if name not in parts:
            raise DataError(
                f"{repository} {language!r} has no split {name!r}, only {', '.join(parts)}. "
                "Use a repository that has it, or the official files with --data DIR."
            )
        where = f"{repository} {language} {split}"
        _check_columns(parts[name].features, where)
        names = _label_names(datasets, parts[name].features["label"], where)
        for file in files.get(name, ()):
            _check_file_agrees(datasets, file, names, where)
        return _rows(parts[name], names, where)


def hub_revision(repository: str) -> str:
    """What identifies the data that `read_hub_rows` reads now: the Hub's commit, or `sha256:` of a folder's content."""
    folder = _local_folder(repository)
    if folder is not None:
        files = [p for p in sorted(folder.rglob("*")) if p.is_file() and not _is_hidden(p.relative_to(folder))]
        return "sha256:" + digest_of({p.relative_to(folder).as_posix(): sha256_of(p) for p in files})
    _datasets()
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.errors import RemoteEntryNotFoundError

    with _quiet_stdout(), _explained(repository):
        try:
            # `datasets` finds the commit in the same way, so both agree, from the cache too: the file lies
            # in a folder named after the commit.
            return Path(hf_hub_download(repository, "README.md", repo_type="dataset")).parent.name
        except RemoteEntryNotFoundError:
            return str(HfApi().dataset_info(repository).sha)


def _builder(datasets: Any, repository: str, language: str, cache_dir: str | None) -> Any:
    """The library's reader of one language."""
    path = str(_local_folder(repository) or repository)
    try:
        return datasets.load_dataset_builder(path, language, cache_dir=cache_dir)
    except ValueError as e:
        names = datasets.get_dataset_config_names(path)
        if language in names:
            raise
        raise unknown_name(f"language of {repository}:", language, names) from e


def _check_columns(features: Any, where: str) -> None:
    missing = [c for c in _COLUMNS if c not in (features or ())]
    if missing:
        raise DataError(
            f"{where}: no column {', '.join(missing)}; found {', '.join(features or ())}. "
            "Use a repository with the columns of facebook/xnli, or the official files with --data DIR."
        )


def _check_file_agrees(datasets: Any, file: str, names: list[str], where: str) -> None:
    """Refuse a parquet file that declares other labels than the dataset card or the first split.

    `datasets` takes the features of one of these for all files and keeps the ids, so that a file with another order
    would be misread in silence. `file` is a path, or an hf:// URL of which only the footer is read.
    """
    import fsspec
    import pyarrow.parquet as pq

    if not file.endswith(".parquet"):
        return
    with fsspec.open(file, "rb") as f:
        schema = pq.read_schema(f)
    if b"huggingface" not in (schema.metadata or {}):
        return  # the file declares nothing, so nothing contradicts the card
    feature = datasets.Features.from_arrow_schema(schema).get("label")
    declared = list(feature.names) if isinstance(feature, datasets.ClassLabel) else []
    if declared != names:
        raise DataError(
            f"{where}: {file} declares the labels {', '.join(declared) or 'without names'}, but the dataset card or "
            f"the other splits declare {', '.join(names)}. Which one its ids follow cannot be known: use other data, "
            "or the official files with --data DIR."
        )


def _rows(data: Any, names: list[str], where: str) -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = []
    for batch in data.select_columns(list(_COLUMNS)).iter(batch_size=_BATCH_ROWS):
        for premise, hypothesis, label in zip(*(batch[c] for c in _COLUMNS), strict=True):
            if not (isinstance(premise, str) and isinstance(hypothesis, str) and premise and hypothesis):
                raise DataError(f"{where} row {len(rows)}: premise or hypothesis is not a text. Use other data.")
            if not isinstance(label, int) or not 0 <= label < len(names):
                raise DataError(
                    f"{where} row {len(rows)}: label {label!r} names no class (-1 stands for a hidden label). "
                    "Scoring needs the labels: use the official files with --data DIR."
                )
            rows.append((premise, hypothesis, names[label]))
    if not rows:
        raise DataError(f"{where}: no rows. Use other data.")
    return rows


def _label_names(datasets: Any, feature: Any, where: str) -> list[str]:
    """The class names in the order of the data's own ids."""
    names = list(feature.names) if isinstance(feature, datasets.ClassLabel) else []
    if len(names) != len(_LABELS) or set(names) != _LABELS:
        raise DataError(
            f"{where}: the labels are {', '.join(names) or 'not named'}, expected the names "
            f"{', '.join(sorted(_LABELS))} in any order. Ids without names are not guessed: use a repository that "
            "declares them, or the official files with --data DIR."
        )
    return names


def _local_folder(repository: str) -> Path | None:
    """The folder that `repository` names, or None for a name on the Hub; anything else is refused."""
    folder = Path(repository).expanduser()
    if repository and folder.is_dir():
        return folder.resolve()
    parts = repository.split("/")
    if len(parts) > 2 or not all(parts) or parts[0] in (".", "..", "~"):
        raise DataError(f"{repository}: no such folder, nor a name on the Hub (owner/name, such as facebook/xnli).")
    return None


def _is_hidden(path: Path) -> bool:
    """Version control and download bookkeeping, which differ between copies of the same data."""
    return any(part.startswith(".") for part in path.parts)


def _datasets() -> Any:
    try:
        import datasets
    except ImportError as e:
        raise UsageError(
            f"reading XNLI from the Hub needs the package `datasets` ({e}). Install it (pip install datasets), "
            "or use the official files with --data DIR."
        ) from e
    return datasets


@contextlib.contextmanager
def _quiet_stdout() -> Iterator[None]:
    """Keep what the library prints off stdout, and its progress bars for people who watch a terminal."""
    import datasets

    shown = not datasets.are_progress_bars_disabled()
    if shown and not (sys.stderr is not None and sys.stderr.isatty()):
        datasets.disable_progress_bars()
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        if shown:
            datasets.enable_progress_bars()


@contextlib.contextmanager
def _explained(repository: str) -> Iterator[None]:
    """Name the data and the next step for whatever the library and the network raise: they have no common base."""
    try:
        yield
    except (DataError, UsageError):
        raise
    except Exception as e:
        if _local_folder(repository) is not None:
            step = "Look at the folder: it needs README.md with `configs:` and the parquet files that it names."
        else:
            step = (
                "Look at the name, the network and HF_HUB_OFFLINE; without a network give a local copy of the "
                "repository, or the official files with --data DIR."
            )
        reason = " ".join(str(e).split())
        raise DataError(f"{repository}: cannot be read ({type(e).__name__}: {reason}). {step}") from e
