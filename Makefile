# `make run` and `make test` are all that a newcomer needs; `make help` lists the rest.
PORT ?= 8501
PYTHON ?= python3
BIN := .venv/bin
# What is compiled once is there for the next of the many processes that a run of the tests starts.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-quick pytest lint types bench bench-quality fmt lock presets preset validate-config recommend help

run: .venv/.run  ## start Cairn on http://localhost:8501 (PORT=9000 for another port)
	@exec $(BIN)/streamlit run app.py --server.port $(PORT)

test: .venv/.dev lint  ## linters, import contracts, types, all tests
	@$(MAKE) --no-print-directory -j 2 types pytest

pytest: .venv/.dev
	$(BIN)/python -m pytest -n 3

test-quick: .venv/.dev  ## the tests without browser and kills, in about a minute
	$(BIN)/python -m pytest -n 4 -m "not browser and not kills"

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: .venv/.dev
	$(BIN)/mypy

bench: .venv/.dev  ## ratios, CPU seconds and memory to bench.json
	$(BIN)/python -m tests.bench

bench-quality: .venv/.dev  ## quotes and merges on labelled sets: QUOTES=path PAIRS=path
	$(BIN)/python -m tests.bench.quality

fmt: .venv/.dev  ## format and sort imports
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

lock: .venv/.dev  ## compile the pinned requirements from the short lists
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes requirements-dev.in -o requirements-dev.txt

presets: .venv/.run  ## what calls do when a provider fails: the presets
	@$(BIN)/python -m core.calls.preset_tool list

preset: .venv/.run  ## all figures of one: make preset NAME=production
	@$(BIN)/python -m core.calls.preset_tool show "$$NAME"

validate-config: .venv/.run  ## check what the environment sets, or CONFIG='{"retry_attempts": 4}'
	@$(BIN)/python -m core.calls.preset_tool validate "$$CONFIG"

recommend: .venv/.run  ## the preset for ENVIRONMENT, and why
	@$(BIN)/python -m core.calls.preset_tool recommend

help:
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*##/\t/' | expand -t 17

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.run: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
