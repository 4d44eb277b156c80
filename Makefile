# minicontain: `make help` lists the targets.

SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
PREFIX ?= /usr/local
DESTDIR ?=
# Where the kernel of the tests' virtual machine is kept.
VM_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/minicontain/vm
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(shell find core ffi python -name '*.rs' -o -name '*.toml' -o -name '*.py' -o -name '*.pyi' -o -name '*.ld' 2>/dev/null | grep -v -e __pycache__ -e /target/)

.PHONY: help demo build test test-rust test-python test-user test-v2 lint bench header install clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/installed ## build the Python module (in .venv) and run a container through it
	$(BIN)/python examples/demo.py

build: $(VENV)/installed target/release/libminicontain.so ## build the Python module (in .venv) and the C library

test: lint test-rust test-python test-user test-v2 ## install what the tests need, and run everything
	@echo "all tests passed"

test-rust: $(VENV)/tools target/release/libminicontain.so ## Rust tests, as the caller
	cargo test --workspace --exclude minicontain-python

test-python: test-rust $(VENV)/tools $(VENV)/installed ## Python, C and cross-face tests, as the caller
	$(BIN)/python -m pytest -q -ra --durations=10 pytests

test-user: test-rust $(VENV)/tools $(VENV)/installed ## the same again as an ordinary user, when started as root
	PYTHON=$(PYTHON) pytests/as-user

test-v2: test-rust $(VENV)/tools $(VENV)/installed ## what cgroups matter to, on a virtual machine with version 2
	MINICONTAIN_VM_CACHE='$(VM_CACHE)' pytests/vm/run-tests

lint: $(VENV)/tools $(VENV)/installed ## formatting, clippy, ruff, mypy, stubtest
	cargo fmt --all --check
	rustfmt --check --edition 2024 core/init/main.rs
	cargo clippy --workspace --all-targets -- -D warnings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest minicontain

bench: $(VENV)/installed target/release/libminicontain.so ## measure beside other tools; writes benches/build/results.md, limits.md, networks.md
	$(BIN)/python benches/run.py
	$(BIN)/python benches/alive.py
	$(BIN)/python benches/limits.py
	$(BIN)/python benches/networks.py

header: ## regenerate include/minicontain.h
	MINICONTAIN_UPDATE_HEADER=1 cargo test -p minicontain-ffi --test header

install: target/release/libminicontain.so ## install the C library: PREFIX=/usr/local DESTDIR=
	PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' sh ffi/install.sh

clean: ## remove what was built
	rm -rf target $(VENV) benches/build

target/release/libminicontain.so: $(SOURCES) Cargo.lock
	cargo build --release -p minicontain-ffi
	@touch $@

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV) || { pytests/install-packages python3-venv && $(PYTHON) -m venv --clear $(VENV); }

$(VENV)/installed: $(SOURCES) pyproject.toml Cargo.lock | $(VENV)/bin/python
	@echo "building the Python module in $(VENV), with all of the Rust core: the first time takes some minutes"
	@$(BIN)/pip install --quiet --disable-pip-version-check .
	@touch $@

$(VENV)/tools: pytests/requirements.txt pytests/install-packages | $(VENV)/bin/python
	pytests/install-packages
	$(BIN)/pip install --quiet --disable-pip-version-check -r pytests/requirements.txt
	@touch $@
