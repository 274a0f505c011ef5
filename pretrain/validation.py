"""Loss and perplexity of masked tokens, a language at a time, on blocks that are never trained on."""

from __future__ import annotations

import math

import torch

from .batches import Corpus
from .masking import IGNORED
from .model import MaskedLM
from .parallel import Team


@torch.no_grad()
def validate(model: MaskedLM, corpus: Corpus, team: Team) -> dict[str, dict[str, float]]:
    """Mean loss (nats a masked token), perplexity and number of masked tokens by language.

    Languages too small to keep a block back are absent. The masks are the same at every call.
    """
    model.eval()
    micro, ranks = corpus.settings.parallel.micro_batch, team.ranks
    sums: list[float] = []
    for language in range(len(corpus.languages)):
        total, count = 0.0, 0
        batches = list(corpus.validation_batches(language, micro))
        # Sharded weights are gathered in step: each process computes as many batches, some for nothing.
        for i in range(0, len(batches), ranks.world):
            own = batches[min(i + ranks.rank, len(batches) - 1)].to(ranks.device)
            losses = model(own.ids, own.positions, own.targets)
            if i + ranks.rank < len(batches):
                total += float(losses.double().sum())
                count += int((own.targets != IGNORED).sum())
        sums += [total, count]
    sums = team.sums(sums)
    found = {}
    for i, code in enumerate(corpus.languages):
        total, count = sums[2 * i], int(sums[2 * i + 1])
        if count:
            loss = total / count
            found[code] = {"loss": loss, "perplexity": perplexity(loss), "masked_tokens": count}
    return found


def perplexity(loss: float) -> float:
    """exp(loss), as far as a float goes: a model that diverges must not stop its own validation."""
    return math.exp(min(loss, 700.0))
