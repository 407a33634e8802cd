# `make help` lists the targets. Everything runs in .venv, made from the lock (requirements.txt).
PYTHON ?= python3
BIN := .venv/bin
HTML := _build/html
PORT ?= 8000
# Workers for the tests: one a core. They take one test after another in the order of
# tests/conftest.py, the longest first; tests that share something costly go to the same worker.
WORKERS ?= auto
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder
# For `make package`.
VERSIONS ?= newest

.DEFAULT_GOAL := help
.PHONY: help book serve lab lint test browser package bench gpu accuracy mutation pages notebooks student lock clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/.ready: requirements.txt pyproject.toml tools/environment.py
	@command -v $(PYTHON) >/dev/null || { echo "softmax-lab: there is no $(PYTHON): install Python 3.11 or newer, or name one with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) tools/environment.py

# One thread for matrix products: sums in the same order on every machine, and as many workers as
# cores do not fight over them.
book test: export OMP_NUM_THREADS := 1

book: .venv/.ready ## execute every chapter and build the HTML, warnings as errors
	@$(BIN)/jupyter-book build . -W -n --keep-going -q
	@echo "The book is at $(HTML)/index.html"

serve: book ## build the book and show it on localhost (PORT=8000)
	@echo "Open http://localhost:$(PORT) (Ctrl-C ends it)"
	@$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory $(HTML)

lab: .venv/.ready ## open the notebooks in JupyterLab
	@$(BIN)/jupyter lab book

lint: .venv/.ready ## ruff's lint and format, and mypy, as CI runs them
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

# The book takes what comes out of the notebooks here, and executes none again.
test: lint ## lint, every notebook, the book, doctests, tests, the built pages
	@$(PYTEST) book
	@$(MAKE) --no-print-directory book
	@$(PYTEST) tests softmax_lab

browser: book ## look at every built page in Chromium: links, phone, dark, axe, print (minutes)
	@$(PYTEST) tests/browser tests/figures/test_charts.py

package: ## test the package alone, on the oldest or newest libraries (VERSIONS=oldest)
	@$(PYTHON) tools/package.py $(VERSIONS)

bench: .venv/.ready ## speed and memory against SciPy and torch, as ratios (minutes)
	@$(BIN)/python -m benchmarks

gpu: .venv/.ready ## test the torch side on a GPU and measure its kernels there (minutes)
	@$(BIN)/python -m benchmarks.gpu card
	@SOFTMAX_LAB_REQUIRE_TRITON=1 $(BIN)/pytest tests/torch -k "cuda or kernels"
	@SOFTMAX_LAB_KERNELS=1 $(BIN)/python -m benchmarks.gpu

accuracy: .venv/.ready ## write the errors in ulp of ours, SciPy, torch, JAX against mpmath
	@$(BIN)/python -m benchmarks.accuracy

mutation: .venv/.ready ## mutate the solutions, or MODULES="numpy torch/_rows" of the package (minutes, hours)
	@$(BIN)/python tools/mutation.py $(MODULES)

pages: book ## picture every page (_build/screenshots) and measure it (docs/pages.md)
	@$(BIN)/python -m tools.pages screenshots
	@$(BIN)/python -m tools.pages measure

notebooks: .venv/.ready ## strip the notebooks, and take their starters out for `softmax-lab start`
	@$(BIN)/python tools/notebooks.py
	@$(BIN)/python -m tools.starters

student: .venv/.ready ## write the notebooks without solutions, to hand out (_build/student)
	@$(BIN)/python -m tools.student

lock: ## write the lock anew: the newest versions that pyproject.toml allows, torch as pinned
	@$(PYTHON) tools/lock.py

clean: ## remove what was built (the environment stays; rm -r .venv removes it)
	@rm -rf _build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis mutants
