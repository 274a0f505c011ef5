"""What `run_xnli` of `transformers` imports before it does anything, and its `--help`."""

from __future__ import annotations

import sys

import datasets  # noqa: F401
import evaluate  # noqa: F401
import numpy  # noqa: F401
import transformers
from transformers import (
    AutoConfig,  # noqa: F401
    AutoModelForSequenceClassification,  # noqa: F401
    AutoTokenizer,  # noqa: F401
    DataCollatorWithPadding,  # noqa: F401
    EvalPrediction,  # noqa: F401
    HfArgumentParser,
    Trainer,  # noqa: F401
    TrainingArguments,
    default_data_collator,  # noqa: F401
    set_seed,  # noqa: F401
)
from transformers.models.xlm_roberta.modeling_xlm_roberta import XLMRobertaForSequenceClassification  # noqa: F401

if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    if sys.argv[1:]:
        HfArgumentParser(TrainingArguments).parse_args_into_dataclasses(sys.argv[1:])
