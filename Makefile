# `make demo` and `make test` are the two commands of the README. They install what they need, except
# libgl1 and libglib2.0-0 on a bare Debian, which OpenCV loads.
PYTHON ?= $(firstword $(foreach p,python3.13 python3.12 python3.11 python3,$(shell $(p) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $(p))))
# uv installs three times faster than pip; both check the hashes of the lock.
UV := $(shell command -v uv)
ifdef UV
MAKE_VENV = uv venv --quiet --clear --python $(PYTHON) .venv
INSTALL = uv pip install --quiet --python $(BIN)/python --no-deps
else
MAKE_VENV = $(PYTHON) -m venv .venv
INSTALL = $(BIN)/pip install --quiet --disable-pip-version-check --no-deps
endif
BIN := .venv/bin
PORT ?= 4200

.PHONY: demo test check format docs lock ui bench models-extra
demo: .venv/installed
	$(BIN)/stillwalk video=demo

test: .venv/installed-dev
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder  # a file's tests share its set-up; tests/conftest.py orders

check: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/installed-dev
	$(BIN)/python -m tests.benchmarks.bench $(VIDEO)

ui: .venv/installed
	$(BIN)/stillwalk ui --port $(PORT)

docs: .venv/installed-dev
	$(BIN)/python -m tests.support.settings_page

models-extra: .venv/installed
	$(BIN)/stillwalk models --extra

# Two locks: what a run needs, and with it what tests, checks and benchmarks need. They take opencv-python, of the extra
# opencv, in the place of opencv-contrib-python: both own the folder cv2. That must not stand in pyproject.toml, where
# `uv pip install .` would read it, and install neither.
LOCK = echo opencv-contrib-python | uv pip compile --quiet --excludes - --universal --generate-hashes --no-emit-index-url \
  --no-header pyproject.toml
lock:
	$(LOCK) --extra build --extra opencv -o requirements.txt
	$(LOCK) --extra dev --extra opencv -c requirements.txt -o requirements-dev.txt

.venv/installed: requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Stillwalk needs Python 3.11, 3.12 or 3.13, but none is on the PATH; install one, or run make PYTHON=/path/to/python3.13"; exit 1; }
	$(MAKE_VENV)
	$(INSTALL) --require-hashes -r requirements.txt
	$(INSTALL) --no-build-isolation -e .
	$(BIN)/stillwalk models
	touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	$(INSTALL) --require-hashes -r requirements-dev.txt
	touch $@
