# Every task a developer or CI runs. Needs Python 3.11 or later, git and make; nothing else.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready
WHEEL_BIN := build/venv/bin
TESTED := build/venv/.ready

.PHONY: setup demo test check docs lock bench campaign clean gone

# folder of benchmarks/, and name of a campaign there
STAGE ?= package
NAME ?= package-kills
# the compiled part: what it is made from, and that it is made again where it is gone
MADE := $(wildcard src/sealift/serve/express-*.so)
NATIVE := hatch_build.py $(wildcard native/*.zig) $(if $(word 2,$(MADE)),,gone)

setup: $(STAMP)

gone: ;

$(STAMP): requirements/bootstrap.txt requirements/dev.txt pyproject.toml $(NATIVE)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements/bootstrap.txt
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python \
		--require-hashes requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $(STAMP)

demo: setup
	$(BIN)/python examples/flights/demo.py

# The tests run on the built wheel, in an environment of its own, not on the source tree.
test: $(TESTED)
	$(WHEEL_BIN)/python -m pytest -n 3 --dist loadfile

$(TESTED): $(STAMP) $(shell find src -name '*.py' -o -path '*/template/*' -o -name '*.LICENSE') pyproject.toml
	rm -rf build/wheel
	$(BIN)/uv build --quiet --wheel --no-build-isolation --python $(BIN)/python --out-dir build/wheel
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python build/venv
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(WHEEL_BIN)/python \
		--require-hashes requirements/dev.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(WHEEL_BIN)/python \
		--no-deps build/wheel/*.whl
	touch $(TESTED)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m ziglang fmt --check native

docs: setup
	$(BIN)/python -m docs.generate

lock: setup
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --group test --group check --group demo --group build \
		pyproject.toml -o requirements/dev.txt

bench: setup
	@# bytecode, as whatever installs a package makes it, and as the rivals' environments have it
	$(BIN)/python -m compileall -q src benchmarks
	$(BIN)/python -m benchmarks.$(STAGE)
	$(BIN)/python -m docs.generate

campaign: setup
	$(BIN)/python -m benchmarks.campaign $(NAME)

clean:
	rm -rf .venv build dist src/sealift/serve/express-*.so
