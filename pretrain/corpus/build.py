"""From WET files to text a language: the stages in their order. Repeating it repeats nothing that is done."""

from __future__ import annotations

import shutil

from xlmr_bench.errors import UsageError
from xlmr_bench.files import locked

from .cutoffs import read_cutoffs
from .documents import Documents
from .folder import BUCKETS, Corpus
from .identify import Identifier
from .launch import Launcher, carry_out
from .perplexity import LanguageModels
from .regroup import Regrouping, settle_cutoffs, settle_parts
from .stages import Hashing, Repeats


def build(corpus: Corpus, launcher: Launcher) -> None:
    """Make the corpus, continuing where an earlier command stopped.

    Raises UsageError for a folder that was begun with something else, XlmrBenchError where another command is at work
    in it or an item failed.
    """
    _check(corpus)
    with locked(corpus.out / ".lock", f"the corpus in {corpus.out}"):
        corpus.settle()
        logs = corpus.out / "logs"
        for stage in (Hashing(corpus), Repeats(corpus), Documents(corpus)):
            carry_out(stage, logs / stage.name, launcher)
        settle_cutoffs(corpus)
        settle_parts(corpus)
        regrouping = Regrouping(corpus)
        carry_out(regrouping, logs / regrouping.name, launcher)
        # What killed tasks had begun; now none is running, on no machine.
        for scratch in sorted(corpus.out.glob("*/.*/")) + sorted(corpus.out.glob("text/*/.*/")):
            shutil.rmtree(scratch, ignore_errors=True)


def _check(corpus: Corpus) -> None:
    """Everything that can be known to be wrong before the first hour of work."""
    if not corpus.wet:
        raise UsageError("there is no WET file to work on: name a folder of *.wet.gz or a list made by `corpus list`.")
    for name in corpus.keep:
        if name not in BUCKETS:
            raise UsageError(f"--keep {name}: buckets are {', '.join(BUCKETS)}.")
    if corpus.models is not None:
        LanguageModels(corpus.models)
    if corpus.cutoffs is not None:
        read_cutoffs(corpus.cutoffs)
        if corpus.models is None:
            raise UsageError("--cutoffs needs --models: without language models there is no perplexity.")
    Identifier.load(corpus.lid, corpus.threshold)
