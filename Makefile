# All that is needed is Python 3.11 or newer and make: each target sets up the rest in .venv, once.
# Another interpreter: make test PYTHON=python3.12

PYTHON ?= python3
NOW := $(shell date +%Y%m%d-%H%M%S)
OUT ?= results/demo-$(NOW)
WORKERS ?= 2
TARGET ?= lv-week
LOCK_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/runtime.stamp
STUDIO := $(VENV)/studio.stamp
DEV := $(VENV)/dev.stamp
ROOMS := agents core grid markets runs scenarios

# Nothing is compiled when it is installed, so each start would compile all that it imports if it might not keep it.
unexport PYTHONDONTWRITEBYTECODE

PIP := $(BIN)/python -m pip --disable-pip-version-check
COMPILE := build/lock/bin/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links \
	--no-emit-trusted-host --allow-unsafe --build-deps-for editable

.PHONY: help demo studio test bench lock clean typings
.DELETE_ON_ERROR:

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-6s %s\n", $$1, $$2}' Makefile

demo: $(RUNTIME) ## trade for a week on a low-voltage feeder, and say where the picture is (OUT=folder)
	@$(BIN)/peerflex run lv-week --out $(OUT)
	@echo "The run is in $(OUT); its pictures:"
	@find $(OUT) -name '*.png' | sort | grep .

studio: $(STUDIO) ## step through a week in the browser (TARGET=scenario or run)
	@$(BIN)/peerflex studio $(TARGET)

test: $(DEV) typings ## check style, types and behaviour (WORKERS=processes)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(BIN)/mypy & types=$$!; \
		$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder; tests=$$?; \
		wait $$types && exit $$tests

bench: $(DEV) ## run every benchmark, one after the other
	@failed=; for script in benchmarks/[a-z]*.py; do \
		echo "== $$script"; $(BIN)/python $$script || failed="$$failed $$script"; done; \
		test -z "$$failed" || { echo "Over budget, or broken:$$failed" >&2; exit 1; }

lock: build/lock/bin/pip-compile ## pin what .venv gets (LOCK_ARGS=--upgrade for the newest)
	CUSTOM_COMPILE_COMMAND="make lock" $(COMPILE) $(LOCK_ARGS) -o requirements.lock pyproject.toml
	CUSTOM_COMPILE_COMMAND="make lock" $(COMPILE) $(LOCK_ARGS) --extra dev --extra bench --extra studio \
		-c requirements.lock -o requirements-dev.lock pyproject.toml

clean: ## remove all that make made, but no results
	rm -rf $(VENV) build dist typings peerflex.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find $(ROOMS) src tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

define CHECK_PYTHON
import sys
if sys.version_info < (3, 11):
    sys.exit("peerflex needs Python 3.11 or newer; this is " + sys.version.split()[0] + " at " + sys.executable
        + ". Name a newer one: make PYTHON=python3.12 ...")
try:
    import ensurepip, venv
except ImportError:
    sys.exit("This Python cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv")
endef
export CHECK_PYTHON

$(RUNTIME): pyproject.toml requirements.lock
	@command -v $(PYTHON) > /dev/null || { echo "No $(PYTHON) found: install Python 3.11 or newer." >&2; exit 1; }
	@$(PYTHON) -c "$$CHECK_PYTHON"
	@echo "Setting up $(VENV) from requirements.lock (a few minutes, once)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --quiet --no-compile -r requirements.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(STUDIO): $(RUNTIME) requirements-dev.lock
	@echo "Adding the studio"
	@$(PIP) install --quiet --no-compile --constraint requirements-dev.lock nicegui
	@touch $@

$(DEV): $(RUNTIME) requirements-dev.lock
	@echo "Adding the tools of requirements-dev.lock"
	@$(PIP) install --quiet --no-compile -r requirements-dev.lock
	@touch $@

# The links let the type checker see root folder X as peerflex.X.
typings:
	@mkdir -p typings/peerflex
	@ln -sf $(ROOMS:%=../../%) $(addprefix ../../,$(wildcard src/peerflex/*.*)) typings/peerflex/

# The oldest Python decides: what it can install, newer ones can too.
build/lock/bin/pip-compile:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Lock with Python 3.11: make lock PYTHON=...")'
	@$(PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip install --quiet --upgrade pip pip-tools
