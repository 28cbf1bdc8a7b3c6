# `make` without a target lists the targets.
#
# Everything is installed in .venv. Two stamp files keep it up to date with the lock files: one for what
# the service needs, and one for what the tests need as well, so that `make serve` downloads no test tools.
# A third one keeps the dashboard up to date with its source in web/.
# The services that the benchmarks compare with are installed in .venv-bench.

# The Python that creates .venv; by default the newest suitable one (see scripts/preflight).
PYTHON ?=
# Passed on to the program that the target runs.
ARGS ?=
# Processes that run the tests. More than there are cores, because tests spend much time waiting for the database.
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
.PHONY: help install serve test test-fast test-faults check screenshots bench bench-scale bench-web lock clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo 'make serve ARGS="--bind 127.0.0.1:8080"   passes arguments on; so do test, test-fast, bench and lock'
	@echo 'make install PYTHON=python3.12            chooses the Python of a new .venv'

install: .venv/installed .venv/built-web ## Create .venv with the locked dependencies and the taskmgr command
	@echo "taskmgr is installed: $(BIN)/taskmgr"

serve: .venv/installed .venv/built-web ## Start the service with an embedded MongoDB on http://127.0.0.1:5000
	@echo "To use the taskmgr command in another terminal, run '. $(BIN)/activate' there."
	@exec $(BIN)/taskmgr serve $(ARGS)

test: check ## Run all checks, then the whole test suite against a real MongoDB
	@sh scripts/web $(BIN)/python test
	$(BIN)/python -m pytest -n $(TEST_WORKERS) $(ARGS)

# The conformance tests are slow, and every worker would generate examples for them to find that out.
test-fast: .venv/installed-dev ## Run the unit tests and the API's tests, without the slow ones
	$(BIN)/python -m pytest -n $(TEST_WORKERS) -m "not slow" --ignore tests/api/test_conformance.py \
		tests/unit tests/api $(ARGS)

test-faults: .venv/installed-dev ## Kill, pause and starve processes under load, and print what was lost (20 minutes)
	@$(BIN)/python -m tests.faults.table $(ARGS)

check: .venv/installed-dev ## Run the linters (also on the OpenAPI document), the type checkers and the import contracts
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check
	$(BIN)/python -m mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tests.api.clients.lint
	@sh scripts/web $(BIN)/python check

screenshots: .venv/installed-dev ## Take screenshots of the dashboard into build/screenshots, with the demo's data
	@$(BIN)/python -m tests.browser.screenshots $(ARGS)

bench: .venv/installed .venv-bench/installed ## Compare the service with the bare database and two peers (5 minutes)
	@$(BIN)/python -m benchmarks.compare $(ARGS)

bench-scale: .venv/installed ## Measure the service on 10,000 to 1,000,000 tasks (20 minutes, 4 GB of disk)
	@$(BIN)/python -m benchmarks.scale $(ARGS)

bench-web: .venv/installed-dev ## Measure the dashboard's board of 2,000 and 5,000 cards in Chromium (2 minutes)
	@$(BIN)/python -m benchmarks.web $(ARGS)

lock: .venv/made-in ## Update the lock files from pyproject.toml (ARGS=--upgrade for newer versions)
	@$(PIP) install --no-deps $(UV)
	@sh scripts/lock $(BIN)/python $(ARGS)
	@echo "Locked: requirements.txt, requirements-dev.txt, requirements-otel.txt, benchmarks/requirements.txt, web/requirements.txt"

clean: ## Remove .venv and all other generated files, but no data
	rm -rf .venv .venv-bench build dist taskmgr/api/dashboard web/node_modules web/src/api/schema.d.ts *.egg-info htmlcov .coverage .coverage.* .hypothesis
	rm -rf .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# .venv is created again if it was moved or copied, since its scripts would still run the old clone, or if the
# Python that created it no longer exists.
INTACT := $(shell test "$$(cat .venv/made-in 2>/dev/null)" = "$$(pwd -P)" -a -x $(BIN)/python && echo yes)
ifneq ($(INTACT),yes)
.PHONY: .venv/made-in
endif

# An incomplete environment is removed, so that the next run starts over.
.venv/made-in:
	@python=$$(sh scripts/preflight $(if $(PYTHON),"$(PYTHON)")) && \
	echo "Creating .venv with $$python" && \
	{ "$$python" -m venv --clear .venv && pwd -P > $@ || { rm -rf .venv; exit 1; }; }

.venv/installed: .venv/made-in requirements.txt pyproject.toml
	@echo "Installing the locked dependencies (50 MB the first time, most of it MongoDB)"
	@$(INSTALL_LOCKED) requirements.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@$(CHECK_COMPLETE)
	@touch $@

.venv/installed-dev: .venv/installed .venv/built-web requirements-dev.txt
	@echo "Installing the locked test tools (40 MB the first time)"
	@$(INSTALL_LOCKED) requirements-dev.txt
	@$(CHECK_COMPLETE)
	@touch $@

# Where Node or the registry is missing, the service starts without its dashboard, and the next run tries again.
.venv/built-web: .venv/made-in scripts/web $(shell find web -name node_modules -prune -o -type f ! -name schema.d.ts -print)
	@sh scripts/web $(BIN)/python build
	@! test -d taskmgr/api/dashboard || touch $@

.venv-bench/installed: private BIN := .venv-bench/bin
.venv-bench/installed: .venv/installed benchmarks/requirements.txt
	@echo "Creating .venv-bench with the services that taskmgr is compared with (30 MB the first time)"
	@.venv/bin/python -m venv --clear .venv-bench
	@$(INSTALL_LOCKED) benchmarks/requirements.txt
	@$(CHECK_COMPLETE)
	@touch $@
