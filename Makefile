# make demo   sets up and runs the main job: four live cameras, athletes tracked, in your browser
# make test   sets up and passes the tests
# make setup  prepares .venv with all that tests need

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# On a terminal pip shows how far it is; into a file it says nothing but errors.
QUIET := $(shell test -t 2 || echo --quiet)
ARGS ?=

.PHONY: demo test setup lint format clean help

help:
	@sed -n 's/^# //p' $(MAKEFILE_LIST) | head -3

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "touchline: $(PYTHON) is older than 3.11; install Python 3.11 or name another: make PYTHON=python3.12"; exit 2; }
	@echo "· making $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.core: $(VENV)/.made pyproject.toml
	@echo "· installing touchline (some 300 MB, once)"
	@$(PIP) install $(QUIET) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.made pyproject.toml
	@echo "· installing touchline and what its tests and training need (some 3 GB, once)"
	@$(PIP) install $(QUIET) --editable '.[dev,train,phone]'
	@touch $@ $(VENV)/.core

setup: $(VENV)/.dev
	@scripts/install-system-packages

demo: $(VENV)/.core
	@$(BIN)/touchline demo $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: setup lint
	$(BIN)/pytest $(ARGS)

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache
