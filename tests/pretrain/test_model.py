"""The model under training: recomputation, compilation, masked positions only, and where it starts from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from training import launch, model_of, settings_of, train_here, weights_of

from pretrain.model import MaskedLM, build_model, encoder_config
from pretrain.settings import ModelSettings, Settings
from pretrain.shards import open_shards
from xlmr_bench.errors import DataError, UsageError
from xlmr_bench.modeling.config import PAD_ID
from xlmr_bench.modeling.dropout import ExampleDropout, example_keys

BLOCKS, LENGTH, MASKED, VOCABULARY = 3, 20, 5, 97
SMALL = Settings(
    model=ModelSettings(
        size="tiny", hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=48,
        hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.2, initializer_range=0.1,
    )
)  # fmt: skip


def small_model() -> MaskedLM:
    return build_model(SMALL, VOCABULARY, "")


def inputs() -> tuple[Tensor, Tensor, Tensor]:
    """Ids, ascending masked positions and targets."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(4, VOCABULARY, (BLOCKS, LENGTH), generator=generator)
    positions = torch.rand(BLOCKS, LENGTH, generator=generator).argsort(1)[:, :MASKED].sort(1).values
    return ids, positions, torch.randint(4, VOCABULARY, (BLOCKS, MASKED), generator=generator)


def loss_and_gradients(model: MaskedLM, drop: bool = True) -> tuple[Tensor, dict[str, Tensor]]:
    ids, positions, targets = inputs()
    masks = ExampleDropout(example_keys(1, 1, 0, BLOCKS)) if drop else None
    loss = model(ids, positions, targets, masks, 1 / targets.numel())
    loss.backward()
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    assert len(gradients) == len(list(model.named_parameters()))
    return loss.detach(), gradients


def test_recomputed_layers_have_the_same_dropout_and_gradients() -> None:
    loss, gradients = loss_and_gradients(small_model())
    model = small_model()
    for layer in model.encoder.layers:
        layer.recompute = True
    again, recomputed = loss_and_gradients(model)
    assert again == loss
    assert all(torch.equal(recomputed[name], gradient) for name, gradient in gradients.items())
    assert loss_and_gradients(small_model(), drop=False)[0] != loss


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the compiler of torch warns about torch
def test_compiled_layers_equal_plain_ones() -> None:
    loss, gradients = loss_and_gradients(small_model())
    model = small_model()
    for layer in model.encoder.layers:
        layer.compile()
    again, compiled = loss_and_gradients(model)
    torch.testing.assert_close(again, loss, rtol=1e-5, atol=1e-5)
    for name, gradient in gradients.items():
        torch.testing.assert_close(compiled[name], gradient, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_a_compiled_run_ends_where_a_plain_one_does(config: Path, unbroken: Path, tmp_path: Path) -> None:
    both = ["parallel.compile=true", "parallel.activation_checkpointing=true"]
    done = launch(1, config, tmp_path / "run", *both)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    for name, weight in weights_of(unbroken).items():
        torch.testing.assert_close(weights_of(tmp_path / "run")[name], weight, rtol=0, atol=2e-5)


def test_a_run_with_recomputation_ends_with_the_same_weights(config: Path, unbroken: Path, tmp_path: Path) -> None:
    assert train_here(config, tmp_path / "run", "parallel.activation_checkpointing=true") == 0
    for name, weight in weights_of(unbroken).items():
        torch.testing.assert_close(weights_of(tmp_path / "run")[name], weight, rtol=0, atol=1e-6)


def test_reading_the_masked_positions_alone_equals_reading_all() -> None:
    model, (ids, positions, _) = small_model(), inputs()
    everywhere = model.encoder(ids, None)
    expected = torch.gather(everywhere, 1, positions.unsqueeze(-1).expand(-1, -1, everywhere.shape[-1]))
    torch.testing.assert_close(model.encoder(ids, None, None, positions), expected, rtol=0, atol=1e-6)


def test_losses_a_token_sum_to_the_training_loss() -> None:
    model, (ids, positions, targets) = small_model(), inputs()
    one_by_one = model(ids, positions, targets)
    assert one_by_one.shape == targets.shape
    torch.testing.assert_close(one_by_one.sum() * 0.5, model(ids, positions, targets, None, 0.5).detach())


def test_fresh_weights_depend_on_the_seed_alone() -> None:
    one, same = small_model().state_dict(), small_model().state_dict()
    other = build_model(replace(SMALL, training=replace(SMALL.training, seed=2)), VOCABULARY, "").state_dict()
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["encoder.word_embeddings.weight"], other["encoder.word_embeddings.weight"])


def test_fresh_weights_are_normal_with_zero_biases_and_a_zero_pad() -> None:
    state = small_model().state_dict()
    words = state["encoder.word_embeddings.weight"]
    assert float(words.std()) == pytest.approx(0.1, rel=0.05)
    assert (words[PAD_ID] == 0).all()
    assert (state["head.bias"] == 0).all()
    norms = [m for m in small_model().modules() if isinstance(m, nn.LayerNorm)]
    assert len(norms) == 8
    assert all(bool((m.weight == 1).all()) and bool((m.bias == 0).all()) for m in norms)
    assert all(torch.isfinite(t).all() for t in state.values())


def test_the_pad_row_stays_zero_through_training(unbroken: Path) -> None:
    assert (weights_of(unbroken)["roberta.embeddings.word_embeddings.weight"][PAD_ID] == 0).all()


def test_numbers_beside_a_size_replace_its_own() -> None:
    config = encoder_config(SMALL, VOCABULARY)
    assert (config.hidden_size, config.num_hidden_layers, config.num_attention_heads) == (32, 3, 4)
    assert config.vocab_size == VOCABULARY


def test_a_run_starts_from_the_weights_of_another_one(config: Path, shards: Path, unbroken: Path) -> None:
    settings = settings_of(config, f"model.start_from={model_of(unbroken)}")
    manifest = open_shards(shards)
    model = build_model(settings, manifest.vocab_size, manifest.tokenizer_sha256)
    words = weights_of(unbroken)["roberta.embeddings.word_embeddings.weight"]
    assert torch.equal(model.encoder.word_embeddings.weight, words)


def test_a_start_of_another_shape_is_refused(config: Path, shards: Path, unbroken: Path) -> None:
    settings = settings_of(config, f"model.start_from={model_of(unbroken)}", "model.num_hidden_layers=3")
    manifest = open_shards(shards)
    with pytest.raises(UsageError, match=r"another shape than \[model\] describes .*Set model.size or its numbers"):
        build_model(settings, manifest.vocab_size, manifest.tokenizer_sha256)


def test_a_start_with_another_tokenizer_is_refused(config: Path, shards: Path, model: Path) -> None:
    manifest = open_shards(shards)
    with pytest.raises(DataError, match=r"another tokenizer than the shards.*Shard the text with its own"):
        build_model(settings_of(config, f"model.start_from={model}"), manifest.vocab_size, manifest.tokenizer_sha256)
