# make bench: set up, score the smoke matrix, print where the report is.   make test: set up, run every test.
# More: make docs, lint, setup, wheels, constraints, clean.  ARGS="..." is handed on to pytest. JOBS=0: tests in one process.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MEMBERS := harness reports benchmarks $(patsubst %/pyproject.toml,%,$(wildcard kits/*/pyproject.toml plugins/*/pyproject.toml))
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints/workspace.txt
ARGS ?=
# Of `make bench`: two worker processes take three quarters of the time of one; ENGINE=local scores in one.
ENGINE ?= local:2
JOBS ?= auto
# Trained weights that `make bench` fetches once, 154 MB; `make bench WEIGHTS=` leaves them out.
WEIGHTS ?= lpips_alex dinov2_small_saliency

# Whatever the shell says: without bytecode every process compiles the libraries that it imports, a third of its time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: bench test docs lint setup wheels constraints clean
.DEFAULT_GOAL := bench

bench: $(VENV)/.ready
	@test -z "$(strip $(WEIGHTS))" || $(BIN)/foresight-bench weights fetch $(WEIGHTS) || echo "make: going on without the weights that failed; make bench WEIGHTS= does not ask for them"
	$(BIN)/pytest benchmarks/ --benchmark-quiet --engine $(ENGINE) $(ARGS)

test: $(VENV)/.ready-dev-docs-exporters $(VENV)/.ready-peft
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses $(JOBS) --maxprocesses 8 --dist loadfile --no-loadscope-reorder $(ARGS)

# The site, without a network; a broken link or any other warning is an error.
docs: $(VENV)/.ready-docs
	$(BIN)/python docs/generated.py
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --builder html docs site
	@echo "site: site/index.html"

lint: $(VENV)/.ready-dev-docs-exporters $(VENV)/.ready-peft
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(addsuffix /src,$(filter-out benchmarks,$(MEMBERS)))

# What scoring needs and no more; GROUPS="tests ray" adds groups of pyproject.toml.
GROUPS ?=
setup: $(VENV)/.ready $(addprefix $(VENV)/.ready-,$(GROUPS))

# A plugin folder that was copied in changes MEMBERS' files, so it is installed by the next make.
$(VENV)/.ready: pyproject.toml constraints/workspace.txt $(addsuffix /pyproject.toml,$(MEMBERS))
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "make: $(PYTHON) -m venv failed; install Python 3.11 or newer with its venv module, or set PYTHON=..."; exit 1; }
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: Python 3.11 or newer is needed, found $$($(BIN)/python --version); set PYTHON=python3.12, remove $(VENV) and try again"; exit 1; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement constraints/uv.txt
	$(INSTALL) $(addprefix --editable ,$(MEMBERS))
	@touch $@

# Groups of pyproject.toml upon that, by the name of the mark: .ready-docs, .ready-dev-docs-exporters.
$(VENV)/.ready-%: $(VENV)/.ready
	$(INSTALL) $(addprefix --group ,$(subst -, ,$*))
	@touch $@

# Every distribution, for environments without a checkout: pip install dist/*.whl
wheels: $(VENV)/.ready
	$(BIN)/uv build --all-packages --wheel --out-dir dist

# Pins with hashes, without hosts or paths.
constraints: $(VENV)/.ready
	$(BIN)/python constraints/compile.py

clean:
	rm -rf $(VENV) .tox .foresight
