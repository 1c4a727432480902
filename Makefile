# make run and make test do all the set-up themselves. See README.md.

VENV_PYTHON := .venv/bin/python
# OpenMP threads that spin while they wait would take the processor from the sound.
export OMP_WAIT_POLICY := PASSIVE
export TORCH PYTHON

ifeq ($(shell uname -s),Linux)
# Windows of the tests open on a virtual screen, never on yours.
HEADLESS := $(if $(shell command -v xvfb-run),xvfb-run -a -s "-screen 0 1600x1000x24 +extension GLX +render -noreset",)
endif

.PHONY: run test setup bench soak lint format clean

run:  ## Open the app (ARGS="..." are handed to it)
	@scripts/setup app
	@$(VENV_PYTHON) main.py $(ARGS)

test:  ## Check style, types and imports, and run all tests (ARGS="..." are handed to pytest)
	@scripts/setup tests
	@$(MAKE) --no-print-directory checks
	@$(MAKE) --no-print-directory pytest

setup:  ## Only set up; TORCH=cpu or TORCH=cuda chooses the build of torch
	@scripts/setup tests --retry

bench:  ## Measure speed; writes build/bench.json
	@scripts/setup tests
	@$(MAKE) --no-print-directory measure

soak:  ## A long jam through a real JACK MIDI port; writes build/soak.json (needs FLATJAM_DATA)
	@scripts/setup tests
	@$(VENV_PYTHON) -m benchmarks.soak $(ARGS)

lint:  ## Check style, types and imports
	@scripts/setup tests
	@$(MAKE) --no-print-directory checks

format:  ## Put the code into the house style
	@scripts/setup tests
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

clean:  ## Remove what was built, the virtual environment too
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The rest is called by the targets above, once set-up has put xvfb-run where $(HEADLESS) finds it.
.PHONY: checks pytest pytest-window pytest-live pytest-rest measure

checks:
	$(VENV_PYTHON) scripts/check_files
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo

# Tests mostly wait, for sound and for processes, so three parts side by side take half as long.
PYTEST := $(VENV_PYTHON) -m pytest --reruns 1 -r fERsx
LIVE := tests/benchmarks $(addprefix tests/fmvae_core/,broker inference jam live) \
	$(wildcard tests/fmvae_core/test_cli_*.py)

pytest:
ifeq ($(strip $(ARGS)),)
	@$(MAKE) --no-print-directory -k -j3 pytest-window pytest-live pytest-rest
else
	$(HEADLESS) $(PYTEST) $(ARGS)
endif

pytest-window:
	$(HEADLESS) $(PYTEST) tests/app

pytest-live:
	$(PYTEST) $(LIVE)

pytest-rest:
	$(PYTEST) tests/fmvae_core $(addprefix --ignore=,$(LIVE))

measure:
	$(HEADLESS) $(VENV_PYTHON) -m benchmarks $(ARGS)
