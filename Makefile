# Every target starts from a bare Debian 12 with root: it installs what is missing, and nothing twice.
.DELETE_ON_ERROR:
.PHONY: help setup control-plane accept test bench lint clean

PYTHON ?= python3
VENV := .venv
CONTROL_PLANE := .venv-control-plane
READY := $(VENV)/.ready
SYSTEM := iproute2 mmdebstrap openssh-client python3-venv util-linux \
	fonts-dejavu-core libharfbuzz-subset0 libpango-1.0-0 libpangoft2-1.0-0
# What readers open reports and captures with, and an administrator asks a firewall with; so do the tests.
TESTED_WITH := chromium curl poppler-utils tshark

help:
	@echo "make accept   build the guide's deployment in simulation and prove every use case of it"
	@echo "make test     the project's own tests, some twenty minutes"
	@echo "make bench    what it costs, beside its peers (half an hour; BENCH='--runs 1 --sites 1,2' for a look)"
	@echo "make lint     style, types, import arrows"
	@echo "make setup    only install what the lab needs"
	@echo "make control-plane"
	@echo "              only install OpenStack's services, for 'rempart lab up --cloud' (600 MB)"
	@echo "make clean    remove the labs that run, both Python environments, build/ and the tools' caches"

setup: $(READY)

$(READY): requirements.lock pyproject.toml Makefile tools/install-system-packages
	@tools/install-system-packages $(SYSTEM)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

accept: setup
	$(VENV)/bin/pytest features/

# OpenStack's own services, which a lab that is a cloud runs on loopback; so does tests/cloud.
control-plane:
	@PYTHON=$(PYTHON) tools/install-control-plane $(CONTROL_PLANE)

TESTS := REMPART_CONTROL_PLANE=$(CURDIR)/$(CONTROL_PLANE) $(VENV)/bin/pytest tests/

# First what needs no lab in two workers, beside a third that has the labs which mostly wait. Then, alone, labs that are timed.
test: setup control-plane
	@tools/install-system-packages $(TESTED_WITH)
	$(TESTS) -m "not timed" -n 3 --dist loadfile
	$(TESTS) -m timed

bench: setup
	$(VENV)/bin/python -m benchmarks $(BENCH)

lint: setup
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

clean:
	@if [ -x $(VENV)/bin/rempart ]; then $(VENV)/bin/rempart lab down --all; fi
	rm -rf $(VENV) $(CONTROL_PLANE) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
