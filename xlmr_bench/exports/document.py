"""What an export takes from the user, and what it makes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..errors import UsageError

RELATIONSHIPS = ("first_party", "third_party", "collaborative", "other")
_MODEL_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


@dataclass(frozen=True)
class Document:
    """A text file, by its path below the output folder."""

    path: PurePosixPath
    text: str


@dataclass(frozen=True)
class Publisher:
    """What no record knows: the model's name on the Hub, who evaluated, and how they stand to the model's makers."""

    model_id: str | None = None
    organization: str = "unspecified"
    relationship: str = "other"

    def __post_init__(self) -> None:
        if self.model_id is not None and not _MODEL_ID.fullmatch(self.model_id):
            raise UsageError(f"--model-id {self.model_id!r} is not of the form OWNER/NAME.")
        if self.relationship not in RELATIONSHIPS:
            raise UsageError(f"unknown relationship {self.relationship!r}. Known: {', '.join(RELATIONSHIPS)}.")
