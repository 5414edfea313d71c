# Everything is made by these targets on a machine that has only python3, make and git.
SHELL := /bin/bash
VENV := .venv
PYTHON := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
CONTRACT := .cache/contract/openapispecification.json
CLIENTS := .cache/clients/.installed
DEMO_ARGS ?=
BENCH_ARGS ?=
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install demo test test-quick lint format rules bench lock wheel clean

help:  ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[36mmake %-12s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED)  ## Make the virtual environment .venv with everything in it

$(INSTALLED): requirements/dev.txt pyproject.toml scripts/install.sh
	scripts/install.sh $(VENV)
	@touch $@

demo: $(INSTALLED)  ## Run a whole challenge here (DEMO_ARGS: --challenge model-to-data for Docker images, --exit to stop by itself)
	scripts/demo.sh $(DEMO_ARGS)

$(CONTRACT): scripts/contract.sh
	scripts/contract.sh
	@touch $@

$(CLIENTS): $(wildcard requirements/clients-*.txt) scripts/clients.sh scripts/install.sh
	scripts/clients.sh
	@touch $@

test: lint $(CONTRACT) $(CLIENTS)  ## Run lint and every test, with a real Docker engine and a real Airflow
	scripts/chromium.sh >/dev/null
	scripts/with-engine.sh $(VENV)/bin/pytest --numprocesses 2 --dist loadscope --no-loadscope-reorder $(PYTEST_ARGS)

test-quick: $(INSTALLED) $(CONTRACT) $(CLIENTS)  ## Run the tests that need neither a Docker engine nor Airflow's processes
	scripts/chromium.sh >/dev/null
	$(VENV)/bin/pytest -m "not docker and not e2e" $(PYTEST_ARGS)

lint: $(INSTALLED)  ## Check style, types and the one-way rule of imports
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: $(INSTALLED)  ## Format the code
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

rules: $(INSTALLED)  ## Write the table of Synapse's rules and their tests into docs/local-synapse.md
	$(PYTHON) tests/contract/synapse_contract/rules_table.py

bench: $(INSTALLED)  ## Measure against plain Docker and against a CWL workflow; the last line is JSON
	scripts/with-engine.sh $(PYTHON) benchmarks/run.py $(BENCH_ARGS)

lock: $(INSTALLED)  ## Compile the pinned requirement files again
	scripts/lock.sh

wheel: $(INSTALLED)  ## Build the wheel into dist/
	$(PYTHON) -m build --wheel --installer uv

clean:  ## Remove the virtual environment and everything that was made
	rm -rf $(VENV) .cache dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
