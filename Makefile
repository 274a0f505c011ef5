# Everything a newcomer needs: `make demo`, `make test`. Only Python 3.11+, git and make must be there.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
RUN := $(PY) -m xlmr_bench
PRETRAIN := $(PY) -m pretrain
DEMO_RUN = $(RUN) run xnli --output demo/runs --languages en,fr,ru,sw,zh --seed 1-3

.PHONY: setup demo demo-pretrained demo-random test test-all check notebooks bench clean
.DELETE_ON_ERROR:

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check torch==2.13.0 --constraint constraints.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[dev,notebooks]' --constraint constraints.txt
	@touch $@

# Everything once, in miniature: text -> vocabulary -> shards -> a pretrained model; then XNLI with it and with the same
# model untrained, fine-tuned on English and on translations, three seeds each. Repeating it repeats no work.
# Models this small gain nothing from a second thread, so the two sides run side by side.
demo: setup
	test -d demo/world || $(RUN) data miniature demo/world
	test -f demo/bpe.model || $(PRETRAIN) vocab demo/world/text demo/bpe.model --type bpe --size 2400 --character-coverage 1
	$(PRETRAIN) shard demo/world/text demo/shards --tokenizer demo/bpe.model
	OMP_NUM_THREADS=1 $(MAKE) --no-print-directory --jobs 2 demo-pretrained demo-random
	$(PY) tests/demo_claims.py demo

demo-pretrained:
	test -f demo/pretraining/FINISHED || \
	  $(PRETRAIN) train pretrain/configs/miniature.toml data.shards=demo/shards output=demo/pretraining
	test -d demo/pretrained || $(PRETRAIN) export demo/pretraining demo/pretrained
	$(DEMO_RUN) --model demo/pretrained
	$(DEMO_RUN) --model demo/pretrained --protocol translate-train-all --set epochs=2

demo-random:
	test -d demo/random || $(RUN) init --size mini --tokenizer demo/bpe.model demo/random
	$(DEMO_RUN) --model demo/random
	$(DEMO_RUN) --model demo/random --protocol translate-train-all --set epochs=2

test: setup
	$(PY) -m pytest

test-all: setup
	$(PY) -m pytest -m 'slow or not slow'

check: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m nbstripout --verify notebooks/*.ipynb

notebooks: setup
	mkdir -p demo/notebooks
	for notebook in notebooks/*.ipynb; do \
	  $(PY) -m papermill --execution-timeout 600 --no-progress-bar $$notebook demo/$$notebook || exit 1; \
	done

# Ours beside what a user would pick instead, in an environment of its own; RESULTS.md. BENCH='--only ner --rounds 7'
bench: setup
	PYTHONPATH=tests $(PY) -m performance $(BENCH)

clean:
	rm -rf demo $(VENV) .venv-peers
