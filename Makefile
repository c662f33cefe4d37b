# make demo: the main job in a few minutes; make test: all tests. Both build .venv first unless PYTHON names an interpreter.
VENV := .venv
PYTHON ?= $(VENV)/bin/python
LOWEST := $(shell sed -n 's/.*ultralytics>=\([0-9.]*\).*/\1/p' setup.cfg)

.PHONY: demo test test-lowest lint

demo: $(if $(filter $(VENV)/bin/python,$(PYTHON)),$(VENV)/ready)
	$(PYTHON) -m gjadet_yolo demo out=demo force=true

test: $(if $(filter $(VENV)/bin/python,$(PYTHON)),$(VENV)/ready)
	$(PYTHON) -m pytest

test-lowest: .venv-lowest/ready # the suite against the lowest supported Ultralytics
	.venv-lowest/bin/python -m pytest

lint: $(if $(filter $(VENV)/bin/python,$(PYTHON)),$(VENV)/ready)
	$(PYTHON) -m ruff check . && $(PYTHON) -m ruff format --check .

$(VENV)/ready: setup.cfg setup.py pyproject.toml
	python3 -m venv $(VENV)
	$(VENV)/bin/python -m pip install --upgrade pip
	$(VENV)/bin/python -m pip install -e '.[dev]'
	touch $@

.venv-lowest/ready: setup.cfg setup.py pyproject.toml
	python3 -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --upgrade pip
	.venv-lowest/bin/python -m pip install -e '.[dev]' 'ultralytics==$(LOWEST)'
	touch $@
