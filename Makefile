# Innkeeper. `make help` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON := .venv/bin/python
PYTEST := PYTHONPATH=lab $(PYTHON) -m pytest
WORKERS ?= 3
# Where tests have their directories: in memory if there is room. A thousand databases on a disk wait for it at each commit.
MEMORY := /dev/shm/innkeeper-tests-$(shell echo "$(CURDIR)" | cksum | cut -d ' ' -f 1)
SCRATCH := $(shell [ "$$(df -k --output=avail /dev/shm 2>/dev/null | tail -n 1)" -gt 6000000 ] 2>/dev/null && echo --basetemp=$(MEMORY))
HV ?= lxd
# The hosts that the live tests use: an ordinary one, and one with room for many machines (lab/README.md).
LAB1 := lab/lxd up lab1 --pools fast,slow --bridge br0
BIG := LAB_NO_IMAGE=1 lab/lxd up big --topology "--sockets 2 --cores 16 --threads 2 --nodes 2 --mem-gib 256 --hugepages 1024"

.PHONY: help demo venv assets check test test-fast test-live bench lab-up lab-down clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS=$$'\t' read -r t d; do printf '  make %-10s %s\n' "$$t" "$$d"; done

demo: ## a real LXD host, Innkeeper, a machine composed and started; until Ctrl-C (root or sudo)
	@exec lab/demo

venv: ## .venv with all that development needs
	@lab/venv dev

assets: ## what browsers load: style sheet, scripts, fonts (node and npm of the machine, or from PyPI)
	@lab/assets

check: venv assets ## style, types, the arrows between packages, and that every test can be collected
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PYTEST) --collect-only -qq >/dev/null || $(PYTEST) --collect-only -qq

test: check lab-up ## everything: installs what is missing, starts real servers (root or sudo)
	$(PYTEST) -p no_skips -m "not live and not postgres" -n $(WORKERS) --dist loadscope $(SCRATCH)
	$(PYTEST) -p no_skips -m "postgres and not live" -n $(WORKERS) --dist loadfile $(SCRATCH)
	@rm -rf $(MEMORY)
	$(PYTEST) -p no_skips -m live

test-fast: venv assets ## what needs no root, no servers and no patience; under a minute
	$(PYTEST) -m "not live and not postgres and not slow" -n $(WORKERS) --dist loadscope

test-live: venv assets ## HV=lxd: the tests against that real hypervisor
	@[ "$(HV)" = lxd ] || { echo "HV=$(HV): there is only lxd" >&2; exit 2; }
	@$(LAB1)
	@$(BIG)
	$(PYTEST) -p no_skips -m "live and not postgres"

bench: venv assets ## the figures we promise, and their bars; QUICK=1: fewer rounds, bars x 1.3
	@$(LAB1)
	@$(BIG)
	@lab/postgres up
	QUICK=$(QUICK) $(PYTHON) -m bench

lab-up: ## the servers and the browser that the tests use
	@lab/packages browser
	@$(LAB1)
	@$(BIG)
	@lab/postgres up

lab-down: ## stop them; their state stays
	@lab/lxd down --all
	@lab/postgres down

clean: ## stop them, forget their state, remove what was built
	@lab/lxd purge --all
	@lab/postgres purge
	rm -rf $(MEMORY) .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache src/.import_linter_cache
