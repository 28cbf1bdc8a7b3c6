# `make` alone lists what there is to do.
#
# Everything is installed in .venv. Two stamp files keep it up to date with the lock files: one for what
# the service needs, and one for what the tests need as well, so that `make serve` downloads no test tools.
# The services that the benchmarks compare with are installed in .venv-bench.

# Which Python makes .venv; by default the newest suitable one (scripts/preflight).
PYTHON ?=
# Passed on to the program that the target runs.
ARGS ?=
# Processes that the tests run in. More than there are cores: they wait for the database a lot.
TEST_WORKERS ?= 4

# Container images often set it. Without bytecode files, every process that a test starts compiles taskmgr
# again, and every test worker compiles all tests.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
PIP = $(BIN)/python -m pip --quiet --quiet --no-input --disable-pip-version-check
# A lock file names every package, so pip must not resolve anything: up to version 23.2 it looks up locked
# packages that are required with extras again, and fails once one of them has a newer release.
INSTALL_LOCKED = $(PIP) install --no-deps --require-hashes --only-binary :all: --requirement
# Because nothing is resolved, an incomplete lock file would go unnoticed until an import fails.
CHECK_COMPLETE = report=$$($(BIN)/python -m pip check) || { echo "$$report" >&2; exit 1; }
# Pinned, so that a new release of it cannot change how `make lock` works.
UV := uv==0.13.9

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install serve test test-fast check bench bench-scale lock clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo 'make serve ARGS="--bind 127.0.0.1:8080"   passes arguments on; so do test, test-fast, bench and lock'
	@echo 'make install PYTHON=python3.12            chooses the Python of a new .venv'

install: .venv/installed ## Make .venv with the locked dependencies and the taskmgr command
	@echo "taskmgr is installed: $(BIN)/taskmgr"

serve: .venv/installed ## Start the service, with a MongoDB of its own, on http://127.0.0.1:5000
	@echo "In another terminal, '. $(BIN)/activate' puts the taskmgr command on the path."
	@exec $(BIN)/taskmgr serve $(ARGS)

test: check ## Run the linters, then the whole test suite on a real MongoDB
	$(BIN)/python -m pytest -n $(TEST_WORKERS) $(ARGS)

test-fast: .venv/installed-dev ## Run the unit tests and the API's tests, without the slow ones
	$(BIN)/python -m pytest -n $(TEST_WORKERS) -m "not slow" tests/unit tests/api $(ARGS)

check: .venv/installed-dev ## Run the linters (of the OpenAPI document too), the types and the import contracts
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check
	$(BIN)/python -m mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tests.api.clients.lint

bench: .venv/installed .venv-bench/installed ## Measure the service beside the bare database and two peers (5 minutes)
	@$(BIN)/python -m benchmarks.compare $(ARGS)

bench-scale: .venv/installed ## Measure the service on 10,000 to 1,000,000 tasks (20 minutes, 4 GB of disk)
	@$(BIN)/python -m benchmarks.scale $(ARGS)

lock: .venv/made-in ## Write the lock files anew from pyproject.toml (ARGS=--upgrade for newer versions)
	@$(PIP) install --no-deps $(UV)
	@sh scripts/lock $(BIN)/python $(ARGS)
	@echo "Locked: requirements.txt, requirements-dev.txt, benchmarks/requirements.txt"

clean: ## Remove .venv and everything else that is generated; your data stays
	rm -rf .venv .venv-bench build dist *.egg-info htmlcov .coverage .coverage.* .hypothesis
	rm -rf .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# An environment does not survive being moved or copied (it would go on running the old clone), nor
# the loss of the Python that it was made with: it is made anew.
INTACT := $(shell test "$$(cat .venv/made-in 2>/dev/null)" = "$$(pwd -P)" -a -x $(BIN)/python && echo yes)
ifneq ($(INTACT),yes)
.PHONY: .venv/made-in
endif

# Half an environment is removed, so that the next run starts over.
.venv/made-in:
	@python=$$(sh scripts/preflight $(if $(PYTHON),"$(PYTHON)")) && \
	echo "Making .venv with $$python" && \
	{ "$$python" -m venv --clear .venv && pwd -P > $@ || { rm -rf .venv; exit 1; }; }

.venv/installed: .venv/made-in requirements.txt pyproject.toml
	@echo "Installing the locked dependencies (50 MB the first time, most of it MongoDB)"
	@$(INSTALL_LOCKED) requirements.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@$(CHECK_COMPLETE)
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	@echo "Installing the locked test tools (40 MB the first time)"
	@$(INSTALL_LOCKED) requirements-dev.txt
	@$(CHECK_COMPLETE)
	@touch $@

.venv-bench/installed: private BIN := .venv-bench/bin
.venv-bench/installed: .venv/installed benchmarks/requirements.txt
	@echo "Making .venv-bench, with the services that ours is measured against (30 MB the first time)"
	@.venv/bin/python -m venv --clear .venv-bench
	@$(INSTALL_LOCKED) benchmarks/requirements.txt
	@$(CHECK_COMPLETE)
	@touch $@
