"""Missing translated data made with any Hugging Face translation model, in the files that the readers know."""

from __future__ import annotations

from .run import TranslateRequest, translate

__all__ = ["TranslateRequest", "translate"]
