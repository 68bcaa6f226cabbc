# What to type. `make` alone lists the targets; each installs what it needs first.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install develop demo run test test-code test-browser bench lint messages docs lock clean
.NOTPARALLEL:

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v "$$p"; break; }; done)
COVERAGE_MIN ?= 0
WORKERS ?= 4
BROWSER_WORKERS ?= 2

BIN := .venv/bin
RUNTIME := .venv/.runtime
DEV := .venv/.dev
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
COMPILE := env -u UV_INDEX -u UV_FIND_LINKS $(BIN)/uv pip compile pyproject.toml --group build \
	--universal --fork-strategy fewest --generate-hashes --no-header --no-config --quiet
# Lock files and vendored files are full of hashes; the tests of redaction hold made-up secrets.
NO_SECRETS := ':!*.lock' ':!assets/vendor' ':!tests/browser/vendor' ':!tests/unit/core/test_logs.py'
SECRET_OPTIONS := --disable-plugin HexHighEntropyString --disable-plugin Base64HighEntropyString
BROWSER := SE_CHROMEDRIVER=/usr/bin/chromedriver SE_OFFLINE=true SE_AVOID_STATS=true

help: ## List the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 22

demo: $(RUNTIME) ## Serve http://127.0.0.1:8050 with simulated data, offline
	@$(BIN)/chocofactory demo

run: $(RUNTIME) ## Serve http://127.0.0.1:8050 with real data
	@$(BIN)/chocofactory run

install: $(RUNTIME) ## Install what it needs to run, into .venv

develop: $(DEV) ## Install everything to work on it

test: test-code test-browser ## Run all tests and show the coverage
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --fail-under=$(COVERAGE_MIN)

# Tests run side by side, more than there are cores: they wait for the disk half of the time. None of them should take
# all cores for its sums.
test-code test-browser: export OMP_NUM_THREADS = 1
test-code test-browser: export OPENBLAS_NUM_THREADS = 1

test-code: $(DEV) # unit, contract and integration tests
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -n $(WORKERS) tests/unit tests/contract tests/integration

test-browser: $(DEV) # drives a real Chromium; without one they skip and say so
	@scripts/debian-packages chromium chromium-driver || true
	@$(BROWSER) $(BIN)/coverage run -m pytest -n $(BROWSER_WORKERS) --headless --show-capture=no tests/browser

bench: $(DEV) ## Run the benchmarks
	@$(BIN)/pytest -o addopts=-ra -o python_files="bench_*.py" --capture=no --benchmark-only --benchmark-columns=min,median,max,rounds tests/bench

lint: $(DEV) ## Check style, types, layers, secrets and known vulnerabilities
	@scripts/debian-packages git
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@git ls-files -z -- $(NO_SECRETS) | xargs -0 $(BIN)/detect-secrets-hook $(SECRET_OPTIONS)
	@$(BIN)/python scripts/audit_dependencies.py

messages: $(DEV) ## Bring the message catalogs in step with the code
	@$(BIN)/python -m components.catalogs

docs: $(RUNTIME) ## Write docs/configuration.md from the settings
	@$(BIN)/chocofactory config --markdown > docs/configuration.md.new
	@mv docs/configuration.md.new docs/configuration.md

lock: $(DEV) ## Write the lock files from pyproject.toml, keeping versions that still fit
	@$(COMPILE) $(UPGRADE) -o requirements.lock >/dev/null
	@$(COMPILE) $(UPGRADE) --extra dev -c requirements.lock -o requirements-dev.lock >/dev/null

clean: ## Remove the virtual environment and all caches; data stay
	rm -rf .venv .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .benchmarks

define install
	@scripts/debian-packages libgomp1 || true
	@echo "Installing $(1) (a few minutes the first time)"
	@$(PIP) install --require-hashes -r $(1)
	@$(PIP) install --no-deps --no-build-isolation -e .
endef

$(RUNTIME): requirements.lock pyproject.toml | $(BIN)/pip
	$(call install,requirements.lock)
	@touch $(RUNTIME)

$(DEV): requirements-dev.lock pyproject.toml | $(BIN)/pip
	$(call install,requirements-dev.lock)
	@touch $(DEV) $(RUNTIME)

$(BIN)/pip:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or later. Run as root: apt-get install -y python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		scripts/debian-packages "$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
	@$(PYTHON) -m venv --clear .venv
