# Everything a newcomer needs: `make demo`, `make test`. Only Python 3.11+, git and make must be there.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
RUN := $(PY) -m xlmr_bench

.PHONY: setup demo test test-all check notebooks bench clean
.DELETE_ON_ERROR:

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check torch==2.13.0 --constraint constraints.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[dev,notebooks]' --constraint constraints.txt
	@touch $@

# The main job in miniature: make a model, fine-tune it on English, test 15 languages; then the same with
# translated training sets of five languages. Repeating it repeats no work.
demo: setup
	test -d demo/tiny || $(RUN) init --size tiny --tokenizer miniature demo/tiny
	$(RUN) run xnli --model demo/tiny --output demo/runs
	$(RUN) run xnli --model demo/tiny --output demo/runs --protocol translate-train-all --languages en,fr,ru,sw,zh --set epochs=3

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

bench: setup
	$(PY) tests/performance/bench_finetune.py

clean:
	rm -rf demo $(VENV)
