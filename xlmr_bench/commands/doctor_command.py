"""`doctor`: what this machine can do for xlmr_bench, and what is missing."""

from __future__ import annotations

import argparse
import platform
import shutil
import sys
from importlib import metadata
from pathlib import Path

from ..cache import cache_folder

_REQUIRED = (
    "torch",
    "sentencepiece",
    "safetensors",
    "numpy",
    "pyarrow",
    "jsonschema",
    "tabulate",
    "sacrebleu",
    "datasets",
)
_OPTIONAL = {"transformers": "hf: models, pip install 'xlmr_bench[transformers]'"}


def execute(args: argparse.Namespace) -> int:
    """Print one finding a line; exit 1 when something that every run needs is missing."""
    missing = 0
    print(f"ok    Python {platform.python_version()} at {sys.executable}")
    for name in _REQUIRED:
        version = _version(name)
        missing += version is None
        print(f"ok    {name} {version}" if version else f"LACKS {name}: pip install xlmr_bench")
    for name, purpose in _OPTIONAL.items():
        version = _version(name)
        print(f"ok    {name} {version}" if version else f"-     {name} is not installed ({purpose})")
    if _version("torch"):
        _hardware()
    _disk("cache", cache_folder())
    _disk("output", Path("leaderboards/runs"))
    if args.model:
        from ..modeling.model import open_source

        source = open_source(args.model)
        parameters = source.identity.get("parameters")
        print(f"ok    model {source.name}: {parameters:,} encoder parameters, at most {source.max_tokens} tokens")
    return 1 if missing else 0


def _hardware() -> None:
    import torch

    from ..device import describe_device, resolve_precision

    devices = [torch.device("cpu"), *(torch.device("cuda", i) for i in range(torch.cuda.device_count()))]
    for device in devices:
        print(f"ok    {describe_device(device)}: precision auto is {resolve_precision('auto', device)}")
    if len(devices) == 1:
        print("-     no CUDA GPU: tiny models only; XLM-R Base takes days on a CPU")


def _disk(what: str, folder: Path) -> None:
    """Free space where a folder is, or will be."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    print(f"ok    {what} {folder}: {shutil.disk_usage(place).free / 1e9:,.0f} GB free")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
