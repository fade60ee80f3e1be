# make demo   runs the main job and writes the report to demo/
# make test   checks style and types, then runs the tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
# Certificates that the machine trusts, also those of a company's own.
export UV_SYSTEM_CERTS := 1
export UV_NATIVE_TLS := 1

.PHONY: env demo test lint lock clean

env: $(STAMP)

$(STAMP): requirements/dev.lock requirements/installer.lock pyproject.toml
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/installer.lock
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: env
	$(BIN)/lodeline stress china-dual-use-japan-2026 --countries JPN,ITA --out demo
	@echo "Open demo/report.html in a browser."

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/pytest -n 2

# Renew the lock files after a change of dependencies in pyproject.toml.
lock:
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -o requirements/dev.lock pyproject.toml --group dev requirements/build.in
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -o requirements/installer.lock requirements/installer.in

clean:
	rm -rf $(VENV) demo
