# Everything starts from `make`: `make help` lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCHMARKS := over_http growth assertion_consumer console_pages imports bulk

.DEFAULT_GOAL := help
.PHONY: help install install-test run demo test fuzz bench check image audit sbom translations lock clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

install: $(VENV)/.installed ## Set up .venv from the lock file, nothing else

run: install ## Start Gatehouse on http://127.0.0.1:8000
	@$(BIN)/gatehouse serve

demo: install ## Walk from a SCIM push to a SAML sign-in, in the terminal
	@$(BIN)/gatehouse demo

test: install-test ## Run every check and every test
	@scripts/test.sh

install-test: $(VENV)/.installed-test

fuzz: $(VENV)/.installed-fuzz ## Feed each fuzzer for FUZZ seconds (60), and keep what it finds
	$(BIN)/python -m tests.fuzz.run $(or $(FUZZ),60)

bench: install-test ## Measure, and print the figures beside others' (docs/performance.md)
	@for each in $(BENCHMARKS); do $(BIN)/python benchmarks/$$each.py || missed=1; done; exit $${missed:-0}

check: install-test ## Lint, types and import directions, without the tests
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

image: ## Build the image and try it, where there is no Docker: root on Debian with buildah, debootstrap
	@$(PYTHON) scripts/try_image.py --debian

audit: install-test ## Ask whether a locked dependency has a known vulnerability
	@$(BIN)/python scripts/audit.py

sbom: install-test ## Write what Gatehouse is made of to dist/gatehouse.cdx.json (CycloneDX)
	@$(BIN)/python scripts/sbom.py

translations: install-test ## Bring the translations up to date, and list what is missing
	$(BIN)/python scripts/translations.py

lock: ## Resolve the lock files anew from pyproject.toml (needs uv)
	scripts/lock.sh

clean: ## Remove .venv (the data in data/ is kept)
	rm -rf $(VENV) *.egg-info

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Gatehouse needs Python 3.11 or newer. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing into $(VENV), about a minute the first time."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-test: requirements-test.lock $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-test.lock
	@touch $@

$(VENV)/.installed-fuzz: requirements-fuzz.lock $(VENV)/.installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-fuzz.lock
	@touch $@
