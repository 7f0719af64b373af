# Every target sets up what it needs. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
export TOKENIZERS_PARALLELISM := false
export HF_HUB_DISABLE_TELEMETRY := 1

.DEFAULT_GOAL := help

$(INSTALLED): setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[all]"
	touch $@

.PHONY: help
help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: install
install: $(INSTALLED)  ## create .venv with the tested versions

.PHONY: demo
demo: $(INSTALLED)  ## the whole road on the built-in sample: dumps, corpus, encoder, report (5 to 15 minutes)
	$(BIN)/xlretrieval demo --output demo

# One thread per worker: two workers with two threads each are slower than either alone.
.PHONY: test
test: $(INSTALLED)  ## lint, then run every test, slow ones included, in parallel
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

.PHONY: check
check: $(INSTALLED)  ## lint and the quick tests
	$(BIN)/ruff check .
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

# Smaller sizes than by default, so that all of them take about 15 minutes on two cores; medians of five turns, but for
# the last four, which answer questions beside that of speed against peers.
.PHONY: bench
bench: $(INSTALLED)  ## run the benchmarks in small; results go to benchmarks/results (15 minutes)
	$(BIN)/python -m benchmarks.pretraining_step --layers 1 --max-length 512
	$(BIN)/python -m benchmarks.encoder --lengths 512 1024 --tokens 512
	$(BIN)/python -m benchmarks.encoder --lengths 512 1024 --tokens 512 --bf16
	$(BIN)/python -m benchmarks.attention_memory --lengths 512 2048
	$(BIN)/python -m benchmarks.reranking --pairs 12
	$(BIN)/python -m benchmarks.growth --lengths 512 2048 --documents 100 300
	$(BIN)/python -m benchmarks.input_pipeline --tokens 50000 --sections 2000
	$(BIN)/python -m benchmarks.start --turns 5 --help-turns 0 --layers 2
	$(BIN)/python -m benchmarks.utilisation --layers 2 --pairs 2 --rank-pairs 8
	$(BIN)/python -m benchmarks.processes --layers 1 --vocabulary 20000 --accumulate 2 --pairs 4 --length 128
	$(BIN)/python -m benchmarks.gpu
	$(BIN)/python -m benchmarks.alignment_quality --size 0.1
	$(BIN)/python -m benchmarks.wiki_workers --repeat 1 --turns 1
	$(BIN)/python -m benchmarks.search_index --documents 500 --queries 100
	$(BIN)/python -m benchmarks.exports --layers 1 --repeats 3
	$(BIN)/python -m benchmarks.report

.PHONY: clean
clean:  ## remove the environment and what runs left behind
	rm -rf $(VENV) demo runs .pytest_cache .ruff_cache .hypothesis
