# make test    set up .venv and run the tests
# make slow    run the tests that take longer, before a pull request
# make corpus  run the tests that take too long for every day
# make run     set up .venv and run the notebooks into build/, as notebooks and as HTML pages
# make lab     set up .venv and open JupyterLab
# make lint    run what a pull request must pass besides the tests: ruff and mypy
# make bench   measure speed against matrix products and PyTorch: see docs/speed.md
# make handout, make autograder   make what students start from, and Gradescope's zip: docs/staff.md
# make constraints                record the exact versions in .venv

PYTHON ?= python3
BIN = .venv/bin

.PHONY: test slow corpus run lab lint bench handout autograder constraints clean

test: .venv/installed
	$(BIN)/python -m pytest -n logical --dist worksteal

slow: .venv/installed
	$(BIN)/python -m pytest -n logical --dist worksteal -m slow

corpus: .venv/installed
	$(BIN)/python -m pytest -m corpus

run: .venv/installed
	$(BIN)/python -m deeplearning.run_notebooks

lab: .venv/installed
	$(BIN)/jupyter lab

lint: .venv/linters
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: .venv/installed
	$(BIN)/python -m benchmarks

handout: .venv/installed
	$(BIN)/python -m grading.handout

autograder: .venv/installed
	$(BIN)/python -m grading.autograder

constraints: .venv/installed
	$(BIN)/python -m pip freeze --exclude-editable > constraints.txt

.venv/installed: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -r requirements.txt
	touch $@

.venv/linters: requirements-dev.txt
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -r requirements-dev.txt
	touch $@

clean:
	rm -rf .venv build
