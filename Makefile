# Every target makes its own environment in .venv first; nothing else on the machine is changed,
# but for Debian's chromium, which `make test` installs where it is root and the browser is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Each process begins with tests that stand together, so what they set up once is set up once; whoever
# is done takes tests of the others. Tests that judge time count their own process's, not the clock.
# One process more than there are cores: some tests wait for a node, a block or a child.
PROCESSES = $(shell $(BIN)/python -c 'import os; print(min(4, 1 + os.cpu_count()))')
SIDE_BY_SIDE = -n $(PROCESSES) --dist worksteal
# What `make check ROOM=...` runs: the room's tests, without those that wait for something or take long.
QUICK := not (slow or node or ezkl or statistical)
ROOMS_TESTS = $(or $(wildcard tests/$(ROOM)),$(TESTS_OF_$(ROOM)),tests/unit)
TESTS_OF_cli := tests/e2e
TESTS_OF_compact := tests/contracts/native
TESTS_OF_evm := tests/chain
TESTS_OF_market := tests/chain
export VERIFAI_HOME ?= $(CURDIR)/$(VENV)/verifai-home
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo test check campaign lint rust docs bench gas contracts lock clean chromium

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml requirements.lock $(shell find circuits -name '*.rs' -o -name Cargo.lock -o -name Cargo.toml | grep -v /target/)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or later is needed")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	MATURIN_PEP517_ARGS='--features extension-module,testing' \
	  $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

demo: $(STAMP) ## train, prove, publish and audit a digit classifier
	$(BIN)/verifai demo

test: $(STAMP) chromium ## lint, build the documentation, then all tests
	$(MAKE) -j3 lint rust docs
	$(BIN)/python -m pytest -q $(SIDE_BY_SIDE)

check: $(STAMP) ## one room, in a minute: make check ROOM=graph
	@test -e verifai/$(or $(ROOM),none) || { echo "no room verifai/$(ROOM): make check ROOM=graph"; exit 1; }
	$(BIN)/ruff check verifai/$(ROOM) $(ROOMS_TESTS)
	$(BIN)/ruff format --check verifai/$(ROOM) $(ROOMS_TESTS)
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -m "$(QUICK)" $(ROOMS_TESTS)

campaign: $(STAMP) ## all that CI tries a part of, in full: hours; writes the figures of docs/security.md
	VERIFAI_CAMPAIGN=1 $(BIN)/python -m pytest -q $(SIDE_BY_SIDE) -o faulthandler_timeout=0 -m statistical
	$(BIN)/python circuits/fuzz/run.py --seconds 600
	$(BIN)/python -m tests.hostile.figures --write

lint: $(STAMP) ## formatting, types, import rules, contract artefacts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

rust: $(STAMP) ## format, lint and test the proving core; needs a Rust toolchain
	@command -v cargo >/dev/null || echo "cargo is not installed: the proving core is not tested"
	@if command -v cargo >/dev/null; then set -ex; cd circuits; \
	  cargo fmt --check; \
	  cargo clippy --quiet --locked --all-targets -- -D warnings; \
	  cargo test --quiet --locked --lib --bins --tests; \
	  VERIFAI_NATIVE=$(CURDIR)/verifai \
	    $(CURDIR)/$(BIN)/python -m pytest -q -c ../pyproject.toml --rootdir . crates/python/tests vectors; \
	fi

docs: $(STAMP) ## build the documentation, warnings are errors
	$(BIN)/python -m sphinx -q -W -b html docs docs/_build/html

gas: $(STAMP) ## measure the gas of publishing, and write docs/gas.md
	$(BIN)/python -m benchmarks.gas --write

bench: $(STAMP) ## measure this machine
	$(BIN)/python -m pytest -q benchmarks/bench_*.py --benchmark-only
	@command -v cargo >/dev/null || echo "cargo is not installed: the kernels in Rust are not measured"
	@if command -v cargo >/dev/null; then set -ex; cd circuits; \
	  for kernel in field:field curve:msm sumcheck:sumcheck commitment:opening; do \
	    cargo run --quiet --release --locked -p verifai-$${kernel%:*} --example bench_$${kernel#*:}; \
	  done; \
	fi

contracts: $(STAMP) ## rebuild the shipped contract artefacts
	$(BIN)/python -m verifai.contracts.build

lock: ## resolve requirements.lock anew
	uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-emit-index-url \
	  --no-header --all-extras --group dev pyproject.toml -o requirements.lock

chromium:
	@command -v chromium >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	  && apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
	  || echo "chromium is not installed: the browser test will be skipped"

clean: ## remove the environment and everything built
	rm -rf $(VENV) docs/_build demo-output build dist .pytest_cache .mypy_cache .ruff_cache
