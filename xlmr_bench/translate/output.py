"""A translated file with its record beside it, and the manifest that makes its folder a data set of its own."""

from __future__ import annotations

import fcntl
import hashlib
import json
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from .. import __version__
from ..data.find import MANIFEST
from ..errors import UsageError
from ..files import digest_of, explained, sha256_of, write_json, write_text
from .engine import Translated
from .job import Composed, Job
from .quality import quality

# Named in results as the source of the data; each file's own record names its model.
DATA_SET = "machine translation (xlmr_bench data translate)"
# Raised by hand whenever the same translations would be put together to another file.
FORMAT = 1
_PACKAGES = ("torch", "transformers", "tokenizers", "sentencepiece", "sacremoses", "sacrebleu")


def record_path(job: Job) -> Path:
    """The record beside a job's file."""
    return job.file.with_name(f"{job.file.name}.translation.json")


def job_key(job: Job, identity: dict[str, Any]) -> str:
    """Digest of everything that a file's content follows from; `identity` is that of the translations."""
    what = (FORMAT, job.benchmark, job.role, job.source, job.target, job.limit, job.path, job.origin.digest)
    return digest_of([*what, identity])


def is_complete(job: Job, key: str) -> bool:
    """Whether the file is there, whole, and made by just this job."""
    record = _record(job)
    if record is None or record["key"] != key or not job.file.is_file():
        return False
    return bool(sha256_of(job.file) == record["sha256"])


def check_free(job: Job, identity: dict[str, Any]) -> None:
    """Raise UsageError where another's file stands in the way: only trials (limited) and our own are replaced."""
    manifest = _manifest(job.root)
    if manifest is not None and manifest.get("name") != DATA_SET:
        raise UsageError(
            f"{job.root} is the data set {manifest.get('name')!r} (its {MANIFEST}); nothing is added to it. "
            "Choose another folder (--out DIR) and read both: --data DIR --data ORIGINALS."
        )
    record = _record(job)
    if not job.file.exists():
        return
    if record is None:
        raise UsageError(
            f"{job.file} exists and was not made by this command; it is left as it is. Choose another folder (--out)."
        )
    if record["identity"] != identity and record["limit"] is None:
        raise UsageError(
            f"{job.file} was translated by {record['model']['name']} with other settings; a complete file is not "
            "replaced. Delete it, or choose another folder (--out)."
        )


def write_output(job: Job, composed: Composed, record: dict[str, Any]) -> None:
    """Write the record, the file and the manifest's line, each whole or not at all.

    The record comes first: a file without one would be taken for someone else's.
    """
    write_json(record_path(job), record)
    write_text(job.file, composed.content)
    _list_in_manifest(job, record["sha256"])


def make_record(
    job: Job, key: str, identity: dict[str, Any], model: dict[str, Any], made: Translated, composed: Composed,
    device: str,
) -> dict[str, Any]:  # fmt: skip
    """What a file is and where it comes from."""
    texts = made.counts["distinct_texts"]
    return {
        "key": key,
        "file": job.path,
        "sha256": hashlib.sha256(composed.content.encode("utf-8")).hexdigest(),
        "benchmark": job.benchmark,
        "role": job.role,
        "source_language": job.source,
        "target_language": job.target,
        "limit": job.limit,
        "model": model,
        "identity": identity,
        "originals": {
            "files": [{"path": str(f), "sha256": sha256_of(f)} for f in job.origin.files if f.is_file()],
            "split_digest": job.origin.digest,
            "examples": len(job.origin.examples),
            "source": job.origin.source,
            "official": job.origin.official,
            "deviation": job.origin.deviation,
        },
        "counts": {**composed.counts, **made.counts},
        "seconds": round(made.seconds, 3),
        "texts_per_second": round(texts / made.seconds, 3) if made.seconds else None,
        "device": device,
        "quality": quality(composed.pairs),
        "xlmr_bench": __version__,
        "python": platform.python_version(),
        "packages": {name: version for name in _PACKAGES if (version := _version(name)) is not None},
    }


def _record(job: Job) -> dict[str, Any] | None:
    """The record of a file that this command made."""
    try:
        record = json.loads(record_path(job).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    wanted = {"key", "sha256", "identity", "limit", "model"}
    return record if isinstance(record, dict) and wanted <= record.keys() else None


def _manifest(root: Path) -> dict[str, Any] | None:
    """The manifest of a folder; None where there is none that readers would heed."""
    try:
        manifest = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as e:
        raise UsageError(f"{root / MANIFEST} is not a readable manifest ({e}). Choose another folder (--out).") from e
    return manifest if isinstance(manifest, dict) and {"name", "files"} <= manifest.keys() else None


def _list_in_manifest(job: Job, sha256: str) -> None:
    """Add a file to the manifest; commands for other languages may do so at the same time."""
    lock = job.root / f".{MANIFEST}.lock"
    with explained(lock):
        handle = lock.open("a")
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        manifest = _manifest(job.root) or {"name": DATA_SET, "files": {}}
        if manifest["files"].get(job.path) != {"sha256": sha256}:
            manifest["files"][job.path] = {"sha256": sha256}
            manifest["files"] = dict(sorted(manifest["files"].items()))
            write_json(job.root / MANIFEST, manifest)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
