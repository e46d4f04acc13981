# make test    set up .venv and run the whole test suite
# make corpus  run the tests that are too long for every day
# make run     set up .venv and execute the notebooks into build/, as notebooks and as pages
# make lab     set up .venv and open JupyterLab
# make bench   how fast, beside matrix products and PyTorch: see docs/speed.md
# make handout, make autograder   what students start from, and the zip for Gradescope: see docs/staff.md

PYTHON ?= python3
BIN = .venv/bin

.PHONY: test corpus run lab bench handout autograder clean

test: .venv/installed
	$(BIN)/python -m pytest

corpus: .venv/installed
	$(BIN)/python -m pytest -m corpus

run: .venv/installed
	$(BIN)/python -m deeplearning.run_notebooks

lab: .venv/installed
	$(BIN)/jupyter lab

bench: .venv/installed
	$(BIN)/python -m benchmarks

handout: .venv/installed
	$(BIN)/python -m grading.handout

autograder: .venv/installed
	$(BIN)/python -m grading.autograder

.venv/installed: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -r requirements.txt
	touch $@

clean:
	rm -rf .venv build
