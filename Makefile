# `make` lists the recipes. They use the virtual environment that the README's commands make.
.DEFAULT_GOAL := help
BIN := .venv/bin
SHARED := .venv-shared/bin

help: ## list the recipes
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

lint: ## lint, types and import contracts; changes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: ## all tests
	$(BIN)/pytest

shared: ## all tests on shared stores, with a real PostgreSQL
	$(SHARED)/pytest --store shared

check: lint test ## what has to pass before a commit

fix: ## mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

run: ## open the app
	$(BIN)/streamlit run app.py

sync: ## one sync from the command line
	$(BIN)/python -m leadlib sync

bench: ## the benchmarks, with ratios
	$(BIN)/python -m benchmarks.rerun

.PHONY: help lint test shared check fix run sync bench
