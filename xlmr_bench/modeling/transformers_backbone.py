"""Any encoder of Hugging Face's `transformers` behind the interfaces of our own: `hf:NAME` or `hf:FOLDER`.

For baselines such as mBERT, BERT, RoBERTa and XLM-100; needs the optional extra `transformers`. Nothing that comes
with a model is executed: no remote code, and of pickled weights only the tensors are read.
Shapes: B examples, T tokens (padded), K positions read by the head, H hidden size.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..errors import DataError, UsageError
from ..files import digest_of, sha256_of
from .dropout import ExampleDropout
from .transformers_calls import explained, reason
from .transformers_tokenizer import TransformersTokenizer
from .weights import find_weights

if TYPE_CHECKING:
    from .model import Source

_PREFIX = "hf:"
# What is fetched of a Hub repository: pickled weights only where there are no safetensors.
_SETTINGS = ["*.json", "*.txt", "*.model", "model*.safetensors"]
_PICKLED = ["pytorch_model*.bin"]
# How configurations spell the two dropout rates.
_DROPOUT = ("hidden_dropout_prob", "dropout")
_ATTENTION_DROPOUT = ("attention_probs_dropout_prob", "attention_dropout")


class TransformersBackbone(nn.Module):
    """A Hugging Face encoder with the forward signature of our `Encoder`.

    Dropout is the model's own, seeded from the keys of the examples in the call: a run repeats exactly, but unlike
    our encoder's its masks change with the way a step is split into micro-batches.
    """

    def __init__(self, model: Any, separator: int) -> None:
        super().__init__()
        if isinstance(getattr(model, "pooler", None), nn.Module):
            model.pooler = nn.Identity()  # our heads read hidden states; unused weights would only cost memory
        self.model = model
        self.hidden_size: int = model.config.hidden_size
        self.num_hidden_layers: int = model.config.num_hidden_layers
        self.vocab_size: int = model.get_input_embeddings().num_embeddings
        self.max_tokens = _max_tokens(model)
        self._separator = separator if (getattr(model.config, "type_vocab_size", 0) or 0) > 1 else None

    def forward(
        self,
        ids_BT: Tensor,
        lengths_B: Tensor,
        drop: ExampleDropout | None = None,
        read_BK: Tensor | None = None,
    ) -> Tensor:
        """Hidden states (B, T, H), or (B, K, H) at the positions `read_BK`; `ids_BT` is padded on the right."""
        real_BT = torch.arange(ids_BT.shape[1], device=ids_BT.device) < lengths_B[:, None]
        inputs = {"input_ids": ids_BT.long(), "attention_mask": real_BT.long()}
        if self._separator is not None:
            separators_BT = (ids_BT == self._separator).long()
            after_first_BT = separators_BT.cumsum(1) - separators_BT > 0
            inputs["token_type_ids"] = (after_first_BT & real_BT).long()
        if self.model.training != (drop is not None):
            self.model.train(drop is not None)
        with _seeded(drop):
            hidden: Tensor = self.model(**inputs).last_hidden_state
        if read_BK is None:
            return hidden
        return torch.gather(hidden, 1, read_BK.unsqueeze(-1).expand(-1, -1, hidden.shape[-1]))

    def get_input_embeddings(self) -> nn.Embedding:
        """The word embeddings."""
        embeddings: nn.Embedding = self.model.get_input_embeddings()
        return embeddings


def load_transformers(
    name_or_folder: str, dropout: float | None = None, attention_dropout: float | None = None
) -> tuple[TransformersBackbone, TransformersTokenizer]:
    """A Hub name or a local folder as an encoder (fp32, on the CPU) and its tokenizer; rates of None are the model's.

    Raises UsageError where a package is missing or the model is no encoder, DataError where files are missing,
    damaged or do not belong together.
    """
    folder, _ = locate(name_or_folder)
    tokenizer = _load_tokenizer(folder, name_or_folder)
    with explained(name_or_folder, f"{_PREFIX}{name_or_folder}"):
        from transformers import AutoModel

        config = _config(folder, name_or_folder, dropout, attention_dropout)
        find_weights(folder)
        # Never the half precision that a file may be saved in: these are the weights that training updates.
        model, report = AutoModel.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            trust_remote_code=False,
            weights_only=True,
            local_files_only=True,
            output_loading_info=True,
        )
    missing = sorted(str(key) for key in report["missing_keys"] if not str(key).startswith("pooler."))
    if missing:
        raise DataError(
            f"{name_or_folder}: {len(missing)} tensors of its {type(model).__name__} are not in the weights (first: "
            f"{missing[0]}); they would be random. Take a complete checkpoint of this architecture."
        )
    backbone = TransformersBackbone(model, tokenizer.middle[0])
    _check_rows(backbone, tokenizer, name_or_folder)
    return backbone, tokenizer


def describe_transformers(spec: str) -> Source:
    """What `hf:NAME_OR_FOLDER` is, without its weights in memory; the commit of a Hub model is its `revision`."""
    from .model import Source

    name = spec.removeprefix(_PREFIX)
    folder, revision = locate(name)
    tokenizer = _load_tokenizer(folder, name)
    with explained(name, spec), torch.device("meta"):
        import transformers

        auto: Any = transformers.AutoModel
        model = auto.from_config(_config(folder, name), trust_remote_code=False)
        backbone = TransformersBackbone(model, tokenizer.middle[0])
    _check_rows(backbone, tokenizer, name)
    digests = [sha256_of(path) for path in find_weights(folder)]
    identity = {
        "name": name if revision else folder.resolve().name,
        "spec": spec,
        "layout": "transformers",
        "architecture": type(backbone.model).__name__,
        "weights_sha256": digests[0] if len(digests) == 1 else digest_of(digests),
        "tokenizer_sha256": tokenizer.digest,
        "parameters": sum(p.numel() for p in backbone.parameters()),
        "config": backbone.model.config.to_dict(),
        "revision": revision,
    }
    return Source(spec, identity["name"], tokenizer, identity, backbone.max_tokens)


def locate(name_or_folder: str) -> tuple[Path, str | None]:
    """The local folder of a model and, for one of the Hub, the commit; fetches what the cache does not hold."""
    if Path(name_or_folder).is_dir():
        return Path(name_or_folder), None
    with explained(name_or_folder, f"{_PREFIX}{name_or_folder}"):
        from huggingface_hub import snapshot_download

        try:
            folder = Path(snapshot_download(name_or_folder, allow_patterns=_SETTINGS))
            if not any(folder.glob("model*.safetensors")):
                folder = Path(snapshot_download(name_or_folder, allow_patterns=_SETTINGS + _PICKLED))
        except Exception as e:
            raise DataError(
                f"no folder {name_or_folder!r}, and the Hugging Face Hub did not give a model of that name "
                f"({reason(e)}). Check the name; without a network, fetch it elsewhere with "
                f"`hf download {name_or_folder} --local-dir FOLDER` and give {_PREFIX}FOLDER."
            ) from e
    return folder, folder.name


def _load_tokenizer(folder: Path, where: str) -> TransformersTokenizer:
    with explained(where, f"{_PREFIX}{where}"):
        from transformers import AutoTokenizer

        return TransformersTokenizer(
            AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True), where
        )


def _config(folder: Path, where: str, dropout: float | None = None, attention_dropout: float | None = None) -> Any:
    """The model's configuration with the given dropout rates; refuses what is not an encoder."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    if config.is_encoder_decoder or getattr(config, "is_decoder", False):
        raise UsageError(f"{where} is a {config.model_type} decoder or encoder-decoder; {_PREFIX} takes encoders.")
    for rate, names in ((dropout, _DROPOUT), (attention_dropout, _ATTENTION_DROPOUT)):
        known = [n for n in names if hasattr(config, n)]
        if rate is not None and not known:
            raise UsageError(f"{where}: a {config.model_type} has none of the dropout settings {', '.join(names)}.")
        if rate is not None:
            setattr(config, known[0], rate)
    return config


def _max_tokens(model: Any) -> int:
    """The longest input. RoBERTa's kind counts positions from padding_idx + 1, so some rows hold no position."""
    for name, part in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(part, nn.Embedding):
            return part.num_embeddings - (0 if part.padding_idx is None else part.padding_idx + 1)
    limit = getattr(model.config, "max_position_embeddings", None)
    return limit if isinstance(limit, int) and limit > 0 else 512


def _check_rows(backbone: TransformersBackbone, tokenizer: TransformersTokenizer, where: str) -> None:
    if tokenizer.vocab_size > backbone.vocab_size:
        raise DataError(
            f"{where}: the tokenizer has {tokenizer.vocab_size:,} ids, the model {backbone.vocab_size:,} embeddings. "
            "They are not of one model."
        )


@contextmanager
def _seeded(drop: ExampleDropout | None) -> Iterator[None]:
    """Random numbers that follow from the keys of a forward pass alone; the generators go on as if none were drawn."""
    if drop is None:
        yield
        return
    device = drop.keys_B.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(int(digest_of(drop.keys_B.tolist())[:15], 16))
        yield
