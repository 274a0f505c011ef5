"""Pretraining of multilingual masked language models: vocabulary, shards, trainer, plan."""
