"""Translation models of Hugging Face's `transformers`: OPUS-MT (Marian), NLLB, M2M-100 and mBART-50.

Needs the optional extra `transformers`. Nothing that comes with a model is executed, and its weights stay in fp32:
the same text gives the same translation on the same machine, whatever else is translated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import DataError, UsageError, XlmrBenchError, unknown_name
from ..files import digest_of, sha256_of
from ..modeling.transformers_calls import explained, silenced
from .direction import SUITABLE, Direction, find_direction
from .journal import Entry

_TOKENIZER_FILES = ("*.spm", "*.model", "*vocab*.json", "tokenizer*.json", "*tokens*.json", "merges.txt")
_SETTINGS_FILES = ("config.json", "generation_config.json")
_KINDS = ("marian", "m2m_100", "nllb-moe", "mbart")
# The tokenizers' word for "no limit" is a number with thirty digits.
_NO_LIMIT = 100_000


@dataclass(frozen=True)
class Decoding:
    """Beam search without sampling; `max_new_tokens` is the longest output."""

    beams: int
    max_new_tokens: int


class TranslationModel:
    """A model's files and tokenizer, and from the first translation on its weights; `device` as torch names it."""

    def __init__(self, spec: str, device: str) -> None:
        self.name, self.folder, self.revision = _locate(spec)
        self.device = device
        with explained(self.name, f"translating with {self.name}"):
            from transformers import AutoConfig, AutoTokenizer

            local: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
            self.config = AutoConfig.from_pretrained(self.folder, **local)
            self._check_kind()
            self.tokenizer = AutoTokenizer.from_pretrained(self.folder, **local)
        if len(self.tokenizer) <= len(self.tokenizer.all_special_ids):
            raise DataError(f"{self.name}: no tokenizer there. Save it beside the weights, or fetch the model again.")

    def _check_kind(self) -> None:
        kind = self.config.model_type
        if not self.config.is_encoder_decoder:
            raise UsageError(f"{self.name} is a {kind}, not a sequence-to-sequence model. Take {SUITABLE}.")
        if kind not in _KINDS:
            raise UsageError(
                f"{self.name} is a {kind}; how it is told its languages is not known here. Take {SUITABLE}."
            )

    @property
    def max_tokens(self) -> int:
        """The longest input, special tokens included."""
        limits = (getattr(self.config, "max_position_embeddings", None), self.tokenizer.model_max_length)
        return min([n for n in limits if isinstance(n, int) and 0 < n < _NO_LIMIT], default=512)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What the model is, for records; reads all of its files."""
        from ..modeling.weights import find_weights

        digests = [sha256_of(path) for path in find_weights(self.folder)]
        return {
            "name": self.name if self.revision else self.folder.resolve().name,
            "revision": self.revision,
            "architecture": (self.config.architectures or [self.config.model_type])[0],
            "weights_sha256": digests[0] if len(digests) == 1 else digest_of(digests),
            "tokenizer_sha256": _files_digest(self.folder, _TOKENIZER_FILES),
            "settings_sha256": _files_digest(self.folder, _SETTINGS_FILES),
        }

    def direction(self, source: str, target: str) -> Direction:
        """How the model is told to translate so; raises UsageError where it is known that it cannot."""
        return find_direction(self.tokenizer, self.config.model_type, self.name, source, target)

    def encode(self, texts: Sequence[str], direction: Direction) -> list[list[int]]:
        """The ids of each text with special tokens, however long."""
        from ..modeling.tokenizer import without_surrogates

        if direction.source_code is not None:
            self.tokenizer.src_lang = direction.source_code
        clean = [direction.prefix + without_surrogates(text) for text in texts]
        with silenced():
            rows: list[list[int]] = self.tokenizer(clean, truncation=False, padding=False)["input_ids"]
        return rows

    def generate(self, rows: Sequence[Sequence[int]], direction: Direction, decoding: Decoding) -> list[Entry]:
        """The translations of encoded texts, white space collapsed."""
        import torch

        pad = self.tokenizer.pad_token_id
        longest = max(map(len, rows))
        ids_BT = torch.tensor([[*row, *[pad] * (longest - len(row))] for row in rows])
        lengths_B = torch.tensor([len(row) for row in rows])
        mask_BT = (torch.arange(longest) < lengths_B[:, None]).long()
        try:
            with torch.inference_mode(), silenced():
                out_BT = self._weights.generate(
                    input_ids=ids_BT.to(self.device),
                    attention_mask=mask_BT.to(self.device),
                    generation_config=self._generation(direction, decoding),
                )
            rows_out: list[list[int]] = out_BT.tolist()
        except torch.OutOfMemoryError:
            raise XlmrBenchError(
                f"{self.name}: the device's memory does not hold {len(rows)} texts of {longest} tokens with "
                f"{decoding.beams} beams. Repeat the command with smaller batches (--batch-tokens); it continues."
            ) from None
        limit, end = self.new_tokens(decoding), self.tokenizer.eos_token_id
        cut = [_new_tokens(row[1:], end) >= limit for row in rows_out]
        # The start and the language are dropped here: not every tokenizer counts its languages as special.
        lead = 1 if direction.first_token is None else 2
        with silenced():
            made = self.tokenizer.batch_decode(
                [row[lead:] for row in rows_out], skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        return [Entry(" ".join(text.split()), c) for text, c in zip(made, cut, strict=True)]

    def new_tokens(self, decoding: Decoding) -> int:
        """The longest output: what was asked for, or what the model's positions hold."""
        positions = getattr(self.config, "max_position_embeddings", None) or _NO_LIMIT
        return int(min(decoding.max_new_tokens, positions - 2))

    def generation_settings(self, decoding: Decoding) -> dict[str, Any]:
        """The decoding for records, with the length that the model allows."""
        return {**asdict(decoding), "max_new_tokens": self.new_tokens(decoding), "sampling": False, "dtype": "float32"}

    def _generation(self, direction: Direction, decoding: Decoding) -> Any:
        """The model's own generation settings (length penalty, forbidden tokens) with ours in place of the rest."""
        from copy import deepcopy

        settings = deepcopy(self._weights.generation_config)
        settings.update(
            do_sample=False, temperature=None, top_k=None, top_p=None, num_beams=decoding.beams, num_beam_groups=None,
            num_return_sequences=1, max_length=None, max_new_tokens=self.new_tokens(decoding),
        )  # fmt: skip
        if direction.first_token is not None:
            settings.forced_bos_token_id = direction.first_token
        if decoding.beams == 1:
            settings.update(early_stopping=None, length_penalty=None)
        return settings

    @cached_property
    def _weights(self) -> Any:
        import torch

        with explained(self.name, f"translating with {self.name}"):
            from transformers import AutoModelForSeq2SeqLM

            model, report = AutoModelForSeq2SeqLM.from_pretrained(
                self.folder, dtype=torch.float32, trust_remote_code=False, weights_only=True, local_files_only=True,
                output_loading_info=True,
            )  # fmt: skip
        missing = sorted(map(str, report["missing_keys"]))
        if missing:
            raise DataError(
                f"{self.name}: {len(missing)} tensors of its {type(model).__name__} are not in the weights (first: "
                f"{missing[0]}); they would be random. Take a complete checkpoint."
            )
        return model.to(self.device).eval()


def choose_device(wish: str) -> str:
    """`cpu` or `cuda` for `auto`, `cpu` or `cuda`; raises UsageError where there is none."""
    import torch

    available = torch.cuda.is_available()
    if wish not in ("auto", "cpu", "cuda"):
        raise unknown_name("device", wish, ("auto", "cpu", "cuda"))
    if wish == "cuda" and not available:
        raise UsageError("--device cuda: no CUDA GPU is visible to torch. Use --device cpu, or check nvidia-smi.")
    return "cuda" if available and wish != "cpu" else "cpu"


def _locate(spec: str) -> tuple[str, Path, str | None]:
    """Name, local folder and commit of a model; fetches from the Hub what the cache does not hold."""
    name = spec.removeprefix("hf:")
    with explained(name, f"translating with {name}"):
        from ..modeling.transformers_backbone import locate

        folder, revision = locate(name)
        if revision is not None and not list(folder.glob("*.spm")):
            from huggingface_hub import snapshot_download

            # Marian's vocabularies have an ending of their own.
            folder = Path(snapshot_download(name, revision=revision, allow_patterns=["*.spm"]))
    if not (folder / "config.json").is_file():
        raise DataError(f"{folder}: no config.json, so this is not a Hugging Face model folder. Take {SUITABLE}.")
    return name if revision else str(folder), folder, revision


def _files_digest(folder: Path, patterns: Sequence[str]) -> str:
    files = sorted({path for pattern in patterns for path in folder.glob(pattern)})
    return digest_of({path.name: sha256_of(path) for path in files})


def _new_tokens(row: Sequence[int], end: int) -> int:
    """Tokens up to and with the end; a row without end is padded or cut, and counts whole."""
    return row.index(end) + 1 if end in row else len(row)
