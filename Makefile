# What one needs: git, make and Python 3.10 or newer. `make` sets up everything else in .venv.

PYTHON  ?= python3
VENV    ?= .venv
NETWORK ?= swarm
ARGS    ?=
# How many test files run at once, two of which may have beds (tests/support/turns.py). They begin
# with those of the bed, which take longest.
AT_ONCE ?= 3

READY := $(VENV)/.ready
PY    := $(VENV)/bin/python

.PHONY: help setup demo demo-down test lint bench deb lock clean

help:
	@echo 'make demo [NETWORK=swarm|consul]  three real hosts on this machine, WordPress across them'
	@echo 'make demo-down                    take them away again'
	@echo 'make test [ARGS="-k logs -x"]     every test, three files at once; ARGS go to pytest'
	@echo 'make lint                         ruff, mypy and the import contract'
	@echo 'make bench [ARGS="CASE ..."]      nap against Compose, as ratios'
	@echo 'make deb                          a Debian package, in dist/'
	@echo 'make lock PYTHONS="..."           resolve the exact versions anew'
	@echo 'make clean                        remove .venv and caches'

setup: $(READY)

$(READY): pyproject.toml setup.py requirements-test.lock tools/make-venv
	@tools/make-venv $(PYTHON) $(VENV)
	@touch $@

demo: $(READY)
	@$(PY) -m bed.demo --network $(NETWORK)

demo-down: $(READY)
	@$(PY) -m bed down --name demo

test: $(READY)
	@$(PY) -m pytest -n $(AT_ONCE) --dist loadfile --no-loadscope-reorder $(ARGS)

deb: $(READY)
	@$(PY) tools/deb.py dist

lint: $(READY)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --no-logo

bench: $(READY)
	@$(PY) -m bench $(ARGS)

PYTHONS ?= python3.10 python3.11 python3.12 python3.13
lock:
	@$(PYTHON) tools/lock.py $(PYTHONS)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache \
	  .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
