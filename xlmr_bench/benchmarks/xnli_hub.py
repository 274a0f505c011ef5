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

Row = tuple[str, str, str]  # premise, hypothesis, label name


def read_hub_rows(repository: str, language: str, split: str) -> list[Row]:
    """The rows of one language and split (train, dev or test) as (premise, hypothesis, label name), in file order.

    repository: a local folder, or `owner/name` on the Hub. The first reading from the Hub downloads all splits of
    the language into the cache of `datasets`; later ones need no network.
    Raises UsageError for an unknown language or split and where `datasets` is not installed; DataError where the data
    cannot be had or hold something else.
    """
    if split not in _HUB_SPLITS:
        raise unknown_name("split", split, _HUB_SPLITS)
    datasets = _datasets()
    folder = _local_folder(repository)
    where = f"{repository} {language} {split}"
    with _quiet_stdout(), _explained(repository):
        read = _rows_of_hub if folder is None else _rows_of_folder
        rows = read(datasets, repository if folder is None else str(folder), language, _HUB_SPLITS[split], where)
    if not rows:
        raise DataError(f"{where}: no rows. Use other data.")
    return rows


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


def _rows_of_hub(datasets: Any, repository: str, language: str, split: str, where: str) -> list[Row]:
    """Rows through the cache of `datasets`, which is keyed by repository and commit."""
    builder = _builder(datasets, repository, language, cache_dir=None)
    files = builder.config.data_files or {}  # not known without a network, when the cache was filled before
    builder.download_and_prepare()
    parts = builder.as_dataset()
    _check_split(split, parts, where)
    data = parts[split]
    _check_columns(data.features, where)
    names = _checked_names(_declared_names(datasets, data.features), where)
    for file in files.get(split, ()):
        _check_file_agrees(datasets, file, names, where)
    rows: list[Row] = []
    for batch in data.select_columns(list(_COLUMNS)).iter(batch_size=_BATCH_ROWS):
        _add_rows(rows, batch, names, where)
    return rows


def _rows_of_folder(datasets: Any, folder: str, language: str, split: str, where: str) -> list[Row]:
    """Rows of a folder's parquet files, which `datasets` finds by the card.

    They are not read through its cache: that is keyed by the folder's own name and card, so that another folder
    called `xnli` would lend its features, labels included, to this one.
    """
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory() as scratch:
        builder = _builder(datasets, folder, language, cache_dir=scratch)
    _check_split(split, builder.config.data_files, where)
    on_card = _declared_names(datasets, builder.info.features)
    rows: list[Row] = []
    for file in builder.config.data_files[split]:
        if not file.endswith(".parquet"):
            raise DataError(f"{where}: {file} is not a parquet file. Use the layout of facebook/xnli, or --data DIR.")
        features = datasets.Features.from_arrow_schema(pq.read_schema(file))
        _check_columns(features, where)
        in_file = _declared_names(datasets, features)
        if in_file and on_card and in_file != on_card:
            raise _disagreement(where, file, in_file, on_card)
        names = _checked_names(in_file or on_card, where)
        with pq.ParquetFile(file) as table:
            for batch in table.iter_batches(_BATCH_ROWS, columns=list(_COLUMNS), use_threads=False):
                _add_rows(rows, batch.to_pydict(), names, where)
    return rows


def _builder(datasets: Any, path: str, language: str, cache_dir: str | None) -> Any:
    """The library's view of one language: its files, splits and features."""
    try:
        return datasets.load_dataset_builder(path, language, cache_dir=cache_dir)
    except ValueError as e:
        names = datasets.get_dataset_config_names(path)
        if language in names:
            raise
        raise unknown_name(f"language of {path}:", language, names) from e


def _check_split(split: str, known: Any, where: str) -> None:
    if split not in known:
        raise DataError(
            f"{where}: there is no split {split!r}, only {', '.join(known)}. "
            "Use a repository that has it, or the official files with --data DIR."
        )


def _check_columns(features: Any, where: str) -> None:
    missing = [c for c in _COLUMNS if c not in (features or ())]
    if missing:
        raise DataError(
            f"{where}: no column {', '.join(missing)}; found {', '.join(features or ())}. "
            "Use a repository with the columns of facebook/xnli, or the official files with --data DIR."
        )


def _check_file_agrees(datasets: Any, file: str, names: list[str], where: str) -> None:
    """Refuse a parquet file on the Hub that declares other labels than the card or the first split.

    `datasets` takes the features of one of these for all files and keeps the ids, so that a file with another order
    would be misread in silence. Only the footer of `file`, an hf:// URL, is read.
    """
    import fsspec
    import pyarrow.parquet as pq

    if not file.endswith(".parquet"):
        return
    with fsspec.open(file, "rb") as f:
        schema = pq.read_schema(f)
    if b"huggingface" not in (schema.metadata or {}):
        return  # the file declares nothing, so nothing contradicts the card
    declared = _declared_names(datasets, datasets.Features.from_arrow_schema(schema))
    if declared != names:
        raise _disagreement(where, file, declared, names)


def _disagreement(where: str, file: str, in_file: list[str], elsewhere: list[str]) -> DataError:
    return DataError(
        f"{where}: {file} declares the labels {', '.join(in_file) or 'without names'}, but the dataset card or the "
        f"other splits declare {', '.join(elsewhere)}. Which one its ids follow cannot be known: use other data, or "
        "the official files with --data DIR."
    )


def _declared_names(datasets: Any, features: Any) -> list[str]:
    """The class names in the order of the data's own ids; empty where none are declared."""
    feature = (features or {}).get("label")
    return list(feature.names) if isinstance(feature, datasets.ClassLabel) else []


def _checked_names(names: list[str], where: str) -> list[str]:
    if len(names) != len(_LABELS) or set(names) != _LABELS:
        raise DataError(
            f"{where}: the labels are {', '.join(names) or 'not named'}, expected the names "
            f"{', '.join(sorted(_LABELS))} in any order. Ids without names are not guessed: use a repository that "
            "declares them, or the official files with --data DIR."
        )
    return names


def _add_rows(rows: list[Row], batch: dict[str, list[Any]], names: list[str], where: str) -> None:
    for premise, hypothesis, label in zip(*(batch[c] for c in _COLUMNS), strict=True):
        if not (isinstance(premise, str) and isinstance(hypothesis, str) and premise and hypothesis):
            raise DataError(f"{where} row {len(rows)}: premise or hypothesis is not a text. Use other data.")
        if not isinstance(label, int) or not 0 <= label < len(names):
            raise DataError(
                f"{where} row {len(rows)}: label {label!r} names no class (-1 stands for a hidden label). "
                "Scoring needs the labels: use the official files with --data DIR."
            )
        rows.append((premise, hypothesis, names[label]))


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
