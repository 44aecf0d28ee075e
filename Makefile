# Every target sets up what it needs: Python 3.11 or later and make are enough. `make` lists the targets.
# A variable chooses the interpreter: make PYTHON=/path/to/python3

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench screenshots clean
MAKEFLAGS += --no-print-directory
RUN := .venv/bin/python

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## make .venv and install everything into it (the other targets do this themselves)
	@PYTHON="$(PYTHON)" sh .ci/setup

demo: setup ## a whole contact centre on this machine, with pages to try; FOREVER=1: calls until Ctrl-C
	@$(RUN) -m examples.demo

test: setup ## the whole test suite, with a real Asterisk; ARGS="-k name" narrows it
	@$(RUN) -m pytest $(ARGS)

check: setup ## format, lint, types, import direction, diagrams
	@echo "acd: ruff format" && $(RUN) -m ruff format --check .
	@echo "acd: ruff" && $(RUN) -m ruff check .
	@echo "acd: mypy" && $(RUN) -m mypy
	@echo "acd: import-linter" && $(RUN) .venv/bin/lint-imports --no-cache
	@echo "acd: diagrams" && $(RUN) -m acd.testing.diagrams --check
	@echo "acd: events" && $(RUN) -m acd.testing.event_page --check
	@echo "acd: channels" && $(RUN) -m tests.api.channel_page --check

bench: setup ## measure it, side by side with what people use or would write instead
	@$(RUN) -m bench $(ARGS)

screenshots: setup ## make the documentation's pictures of pages that have changed; ARGS=--anew makes all
	@$(RUN) -m tests.pages.pictures $(ARGS)

clean: ## remove .venv and every cache
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
