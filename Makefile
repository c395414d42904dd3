# `make` alone lists what there is. Every target sets up .venv first (a moment when it is up to date).

.DEFAULT_GOAL := help
.PHONY: help setup models demo test lint clean

PYTHON := .venv/bin/python
WORKERS ?= 2
PYTEST_FLAGS ?=

help:  ## this list
	@echo "Vantage: spatial-reasoning datasets from 3D scenes."
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "Start with 'make demo' and open build/demo/report.html. One test: make test PYTEST_FLAGS='-k depth'."

setup:  ## create .venv with Python 3.11 and the pinned packages
	@bash scripts/setup.sh

demo: setup  ## build small datasets from procedural rooms, score baselines, write build/demo/report.html
	$(PYTHON) scripts/demo.py --out build/demo

models: setup  ## the same, with what runs and trains models and scores captions: torch, peft, a server for the tests
	@bash scripts/setup.sh models,serve,train,captions

test: models lint  ## lint, type check and run the tests (WORKERS=2, PYTEST_FLAGS=...)
	$(PYTHON) -m pytest -q -rs -n $(WORKERS) $(PYTEST_FLAGS)

lint: setup  ## ruff and mypy
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy

clean:  ## remove build/ and the caches; .venv stays (rm -rf .venv to start from nothing)
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -path ./.venv -prune -o -name __pycache__ -type d -print | xargs rm -rf
