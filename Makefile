# Everything sets itself up: Python, make and a package index are enough. uv is used where it is.
#   make run    the hub with a made-up institution on 127.0.0.1:8080
#   make test   lint, types, layers and all tests, against those peers whose runtime is there

SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8080
UV := $(shell command -v uv 2>/dev/null)
RUN_STAMP := $(VENV)/.installed-run
DEV_STAMP := $(VENV)/.installed-dev

.PHONY: run test test-faults test-peers bench bench-large lock clean
.DELETE_ON_ERROR:

run: $(RUN_STAMP)
	@$(BIN)/crohub demo --port $(PORT)

test: $(DEV_STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -m "not faults" -n 3 --dist loadscope

test-faults: $(DEV_STAMP)
	$(BIN)/python -m pytest -q -m faults

# Installs what the counterparts that others wrote need, and leaves none of them out.
test-peers: $(DEV_STAMP)
	@sh tests/peers/install.sh
	CROHUB_ALL_PEERS=1 $(BIN)/python -m pytest -q -m peer

bench: $(DEV_STAMP)
	$(BIN)/python -m benchmarks

# A million statements, then three million records for the views, on each database: an hour; what it
# printed last is in docs/large.json.
# A million changes by six writers, and whether the feed gives each once: two minutes.
bench-large: $(DEV_STAMP)
	$(BIN)/python -m benchmarks.large
	$(BIN)/python -m benchmarks.feed_load

# The lock files carry hashes and no address: wherever the packages come from, they are these.
# pip is among them: older ones do not find a pin with extras.
lock:
	echo pip | uv pip compile -q - --python-version 3.11 --universal --generate-hashes \
	  --no-emit-index-url -o requirements/pip.txt
	uv pip compile -q pyproject.toml --python-version 3.11 --universal --generate-hashes \
	  --no-emit-index-url --no-strip-extras --extra postgres --extra sandbox --group build -o requirements/run.txt
	uv pip compile -q pyproject.toml --python-version 3.11 --universal --generate-hashes \
	  --no-emit-index-url --no-strip-extras --extra postgres --extra sandbox --extra splink --group dev -o requirements/dev.txt

clean:
	rm -rf $(VENV) run

# Installed again only when what is to be installed has changed. What `make test` installs is all
# that `make run` needs, too.
$(RUN_STAMP): requirements/run.txt requirements/pip.txt pyproject.toml
	@if [ -e $(DEV_STAMP) ]; then $(MAKE) --no-print-directory $(DEV_STAMP); \
	else $(MAKE) --no-print-directory install LOCK=requirements/run.txt; fi
	@touch $@

$(DEV_STAMP): requirements/dev.txt requirements/pip.txt pyproject.toml
	@$(MAKE) --no-print-directory install LOCK=requirements/dev.txt
	@touch $@ $(RUN_STAMP)

.PHONY: install
ifneq ($(UV),)
install:
	@[ -x $(BIN)/python ] || $(UV) venv -q --python "$(PYTHON)" $(VENV)
	@$(UV) pip install -q --python $(BIN)/python --compile-bytecode --require-hashes -r $(LOCK)
	@$(UV) pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
else
install:
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip -q
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/pip.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $(LOCK)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
endif
