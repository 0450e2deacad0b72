# make book, make test: both set up everything they need in .venv, once.
PYTHON ?= python3
BIN := .venv/bin
SETUP := .venv/.setup
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup book pdf test notebooks lock

help:
	@echo "make book       build the book into _build/html"
	@echo "make pdf        print the book into _build/adaptact.pdf, with Chromium"
	@echo "make test       all checks"
	@echo "make notebooks  refresh the outputs stored in notebooks/"
	@echo "make lock       resolve requirements.lock anew from pyproject.toml"

setup: $(SETUP)

$(SETUP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

book: $(SETUP)
	$(BIN)/python book/build.py html

pdf: $(SETUP)
	$(BIN)/python book/build.py pdf

test: $(SETUP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --nbval-lax -n 2 --dist loadfile

notebooks: $(SETUP)
	$(BIN)/python book/build.py refresh

lock:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet uv
	( echo "# Every package that make installs, for Python 3.11 and later on Linux, macOS and Windows."; \
	  echo "# Made from pyproject.toml by 'make lock'; do not edit."; \
	  $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --extra dev --extra search --extra flows --extra cluster \
	    --no-header --no-annotate --no-emit-index-url --quiet ) > requirements.lock
