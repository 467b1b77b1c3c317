# Everything that a visitor or a contributor does often is one target; `make` without a target lists them.
# ARGS is passed to the command of a target: make demo ARGS="--once --json", make test ARGS="-k pin".

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
.PHONY: help setup asterisk model demo cluster-demo test proof bench lint format lock clean

# Compiled modules are kept: a station then starts in half the time, in the tests too.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
ARGS ?=
PYTHON ?=

help: ## print this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

setup: ## install the locked Python libraries into .venv, and the system packages that a station needs
	@docker/install-system-packages run
	@PYTHON="$(PYTHON)" docker/make-venv

asterisk: setup ## find Asterisk 20 or newer, or fetch it into the cache
	@$(BIN)/haichieu asterisk --fetch >&2

model: setup ## fetch the speech model into the cache and check its digest
	@$(BIN)/haichieu model --fetch >&2

demo: ## start a station in a temporary home and prove with real calls that it works (ARGS="--once --json")
	@$(MAKE) asterisk model >&2
	@docker/install-system-packages demo >&2 || true  # it says what it uses instead
	@exec $(BIN)/haichieu demo $(ARGS)

cluster-demo: ## start three nodes with Kamailio and PostgreSQL, broadcast through them, and kill one (ARGS="--once --json")
	@$(MAKE) asterisk >&2
	@docker/install-system-packages demo province >&2
	@exec $(BIN)/haichieu cluster-demo $(ARGS)

# Three workers are on the telephone, one drives the browser, one computes. `make proof` rests less, and has three.
# In a new clone, one process compiles the tests while others fetch; else every worker would compile all of them.
# Lint runs beside all that, and has the second core while tests are compiled. Its result is printed after theirs, and
# both must succeed.
define test_and_lint
docker/install-system-packages run demo province test $${HAICHIEU_PROOF:+proof} & installing=$$!
PYTHON="$(PYTHON)" docker/make-venv
wait $$installing
lint=$$(mktemp)
trap 'rm -f "$$lint"; kill $$linting 2>/dev/null || true' EXIT
nice -n 19 $(MAKE) lint >"$$lint" 2>&1 & linting=$$!
$(BIN)/pytest --collect-only -q $(ARGS) >/dev/null 2>&1 & compiling=$$!
$(MAKE) asterisk model
wait $$compiling || true
workers=5; [ -z "$${HAICHIEU_PROOF:-}" ] || workers=3
tests=passed; $(BIN)/pytest -n $$workers --dist loadgroup --no-loadscope-reorder $(ARGS) || tests=FAILED
sources=passed; wait $$linting || sources=FAILED
printf '\n== make lint ==\n'; cat "$$lint"
echo "== lint $$sources, tests $$tests =="
[ "$$sources $$tests" = "passed passed" ]
endef

test: ## check the sources, then run every test that guards behaviour (ARGS="-k pin" selects some)
	@$(test_and_lint)

proof: ## run the long proofs as well: both databases for everything, every page in both languages, API fuzzing
	@export HAICHIEU_PROOF=1
	$(test_and_lint)

bench: ## run the benchmarks and print tables of ratios (ARGS="--only GROUP" for one group)
	@docker/install-system-packages run province test
	@$(MAKE) asterisk model
	@exec $(BIN)/python -m tests.benchmarks $(ARGS)

lint: setup ## check style, types, imports, spelling and words, without running the tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/codespell
	@$(BIN)/python -m tests.lint.words

format: setup ## format the sources
	@$(BIN)/ruff check --fix --exit-zero --quiet .
	@$(BIN)/ruff format .

lock: setup ## resolve pyproject.toml again into requirements.lock, and its parts for containers and set-up
	@$(BIN)/python -m pip install --quiet --require-hashes -r docker/installer.lock
	@compile() { $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header "$$@"; }
	@compile pyproject.toml --group dev --upgrade -o requirements.lock
	@echo setuptools | compile pyproject.toml - --constraint requirements.lock -o docker/runtime.lock
	@echo uv | compile - --upgrade -o docker/installer.lock

clean: ## remove .venv, caches and build products, but never a station's home
	@rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
