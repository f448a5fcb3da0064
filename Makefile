# make train    install what is needed, then train softmax regression on the digits that ship with scikit-learn
# make test     install what is needed, then run the linters, the type checker and the tests
# make help     the other targets
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help install install-dev train test test-gpu test-long test-all test-processors test-lowest lint typecheck bench book lock clean

help:
	@echo "make install    create $(VENV) with linnet and what it needs to run, at the locked versions"
	@echo "make install-dev  install, then all extras and what testing needs"
	@echo "make train      install, then train softmax regression on digits (ARGS='data=diabetes ...' to change it)"
	@echo "make test       install-dev, then lint, type-check and test in two processes (ARGS='-k name' to choose)"
	@echo "make test-long  the tests that are left out there because they take long"
	@echo "make test-gpu   the tests that need a GPU, which skip themselves elsewhere"
	@echo "make test-all   both, and the coverage of lines"
	@echo "make test-processors  the tests that hold numbers, as other processors would compute them"
	@echo "make test-lowest      the core with the oldest versions that pyproject.toml admits"
	@echo "make lint       ruff check and format check, and the order of imports between rooms"
	@echo "make typecheck  mypy"
	@echo "make bench      time linnet against its peers, write tests/benchmarks/RESULTS.md (ARGS='epoch startup' to choose)"
	@echo "make book       write build/book: a page of each experiment, their index, and the API reference"
	@echo "make lock       resolve requirements.lock and requirements-dev.lock from pyproject.toml"
	@echo "make clean      remove $(VENV) and caches"

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

# Stamps are written last, so an interrupted installation is taken up again by the next call.
$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' \
	  || { echo "linnet needs Python 3.10 to 3.13, found $$($(PYTHON) --version 2>&1); try: make install PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

train: install
	$(BIN)/linnet train $(ARGS)

# On a busy machine, threads that wait by spinning take the time of those that they wait for.
test test-long test-all test-processors test-lowest: export OMP_WAIT_POLICY = PASSIVE

# As many processes as this, of one thread each: two that share two cores take longer with two threads.
PROCESSES ?= 2
test: export OMP_NUM_THREADS ?= 1
PYTEST := $(BIN)/python -m pytest --numprocesses $(PROCESSES)

test: lint typecheck
	$(PYTEST) -m "not long" --durations=20 $(ARGS)

test-long: install-dev
	$(PYTEST) -m long --durations=20 $(ARGS)

test-gpu: install-dev
	$(BIN)/python -m pytest -rs tests/gpu $(ARGS)

test-all: lint typecheck
	$(PYTEST) --durations=20 --cov --cov-report=term:skip-covered $(ARGS)

# Stand-ins for other processors: an old one, with torch's kernels without vector instructions, its BLAS as it computes
# everywhere, and sums that one thread adds up; and one with AVX2, where two threads add.
ENVIRONMENTS := "ATEN_CPU_CAPABILITY=default MKL_CBWR=COMPATIBLE OMP_NUM_THREADS=1" \
  "ATEN_CPU_CAPABILITY=avx2 OMP_NUM_THREADS=2"
NUMBERS := tests/losses tests/optimizers tests/solvers tests/answers/test_nist_answers.py $(patsubst \
  %,'tests/experiments/test_experiments.py::test_first_seed_gives_the_recorded_figures[%]', \
  analytic_solution estimation_error lasso_path learning_rate_sweep polynomial_normal softmax_overflow)

test-processors: install-dev
	@for environment in $(ENVIRONMENTS); do \
	  echo "$$environment"; env $$environment $(PYTEST) -q $(NUMBERS) $(ARGS) || exit 1; \
	done

# An environment of its own, with the oldest versions that pyproject.toml admits of what it names.
LOWEST := .venv-lowest
CORE := tests/config tests/losses tests/optimizers tests/solvers tests/test_penalties.py tests/test_schedules.py

test-lowest: $(LOWEST)/.installed
	$(LOWEST)/bin/python -m pytest -m "not long" $(CORE) $(ARGS)

$(LOWEST)/.installed: pyproject.toml | $(VENV)/.installed
	$(PIP) uv
	$(PYTHON) -m venv --clear $(LOWEST)
	$(BIN)/uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct --editable '.[dev,export]'
	@touch $@

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache --no-logo

typecheck: install-dev
	$(BIN)/mypy

bench: install-dev
	$(BIN)/python tests/benchmarks/run_all.py $(ARGS)

# Works without a network.
book: install-dev
	$(BIN)/python tests/support/api_reference.py build/book/api
	$(BIN)/linnet report --book build/book

# uv resolves for every supported Python and platform at once; it is needed for this target only.
RESOLVE := $(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-header --no-annotate \
  --no-emit-index-url pyproject.toml

lock: install
	$(PIP) uv
	$(RESOLVE) --all-extras --output-file requirements-dev.lock
	$(RESOLVE) --constraint requirements-dev.lock --output-file requirements.lock

clean:
	rm -rf $(VENV) $(LOWEST) build .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis src/*.egg-info
