# `make demo` and `make test` are the two commands of the README. They install what they need, except
# libgl1 and libglib2.0-0 on a bare Debian, which OpenCV loads.
PYTHON ?= $(firstword $(foreach p,python3.12 python3.11 python3,$(shell $(p) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null && echo $(p))))
BIN := .venv/bin
PORT ?= 4200

.PHONY: demo test check format docs lock ui bench
demo: .venv/installed
	$(BIN)/stillwalk video=demo

test: .venv/installed
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile  # the tests of a file run in one process and share its set-up

check: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/installed
	$(BIN)/python -m tests.benchmarks.bench $(VIDEO)

ui: .venv/installed
	$(BIN)/stillwalk ui --port $(PORT)

docs: .venv/installed
	$(BIN)/python -m tests.support.settings_page

lock:
	uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --extra dev pyproject.toml -o requirements.txt

.venv/installed: requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Stillwalk needs Python 3.11 or 3.12, but none is on the PATH; install one, or run make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@
