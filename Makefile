# make up: a running market. make test: everything that is tested. Both set up what they need, the first time.
#
#   make up ARGS="--port 8081"     any option of `exchange up`
#   make PYTHON=python3.13 up      another Python than python3

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: up test check bench torture cluster soak simulate million historian restart fuzz attack page-bench lock vulnerabilities vendor \
  screenshots browser clean

up: $(VENV)/.installed
	@exec $(BIN)/exchange up $(ARGS)

test: export PYTHONDONTWRITEBYTECODE :=
# Hundreds of processes are started: none but the first should compile the program.
test: check browser
	$(BIN)/python -m pytest --numprocesses 3 --dist loadscope --no-loadscope-reorder $(ARGS)

check: $(VENV)/.developing
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(VENV)/.installed
	$(BIN)/exchange bench $(ARGS)

# Fifty rounds of load in each of which something is killed, and ten thousand simulated disasters.
torture: $(VENV)/.developing
	$(BIN)/python -m tests.e2e.torture --rounds 50 $(ARGS)

# Three NATS servers and two of each worker: every disaster three times, how long users waited, and the reckoning.
cluster: $(VENV)/.developing
	$(BIN)/python -m tests.e2e.cluster --rounds 3 $(ARGS)

# Twenty minutes at 2 000 orders a second: memory, open files and latency at the end as at the beginning.
soak: $(VENV)/.developing
	$(BIN)/python -m tests.e2e.soak $(ARGS)

simulate: $(VENV)/.developing
	$(BIN)/python -m tests.simulation.test_simulation --seeds 10000 $(ARGS)

# Two hundred thousand hostile messages to a running market, and what a trader notices of greedy clients.
fuzz: $(VENV)/.developing
	$(BIN)/python -m tests.e2e.fuzz $(ARGS)

attack: $(VENV)/.developing
	$(BIN)/python -m tests.e2e.attack $(ARGS)

# How the page feels in a real browser: loading, frames while a book moves fifty times a second, its heap over ten minutes.
page-bench: $(VENV)/.developing browser
	$(BIN)/python -m tests.browser.page_bench $(ARGS)

# requirements.lock: every package that is installed for using the market, by version and hash, for all platforms.
lock: $(VENV)/.developing
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --custom-compile-command "make lock" --output-file requirements.lock pyproject.toml $(ARGS)

# Whether any of them is known to be vulnerable, by the Python Packaging Advisory Database, which pypi.org has and mirrors have not.
vulnerabilities: $(VENV)/.developing
	@$(BIN)/pip-audit --requirement requirements.lock --require-hashes --disable-pip --strict $(ARGS) || { \
	  echo "make vulnerabilities: a table above names what is vulnerable. An ERROR says that pypi.org could not be asked: nothing is known" \
	  "then, neither good nor bad; ask where it can be reached, or OSV with ARGS='--vulnerability-service osv'" >&2; exit 1; }

# A million orders through ledger, replay and history: digests compared at every checkpoint, figures printed.
million: $(VENV)/.developing
	$(BIN)/python -m tests.ledger.million $(ARGS)

# The historian under the worst flow for a minute, killed at random; a market of a million orders, killed and started again.
historian: $(VENV)/.developing
	$(BIN)/python -m tests.ledger.historian_load $(ARGS)

restart: $(VENV)/.developing
	$(BIN)/python -m tests.e2e.restart $(ARGS)

# The page's libraries, bundled anew from the versions in web/vendor/package-lock.json. Needs npm; the result is committed.
vendor:
	cd web/vendor && npm ci && node build.js

# docs/screenshots: every screen of a real market with bots, in both themes and on a phone.
screenshots: $(VENV)/.developing browser
	$(BIN)/python -m tests.browser.screenshots $(ARGS)

# The page is tested in a real browser, its logic by node's own test runner, and all of it behind a real nginx.
browser:
	@command -v chromium >/dev/null && command -v node >/dev/null && command -v nginx >/dev/null && command -v openssl >/dev/null || { \
	  command -v apt-get >/dev/null || { echo "the tests need chromium, node, nginx and openssl; install them" >&2; exit 1; }; \
	  $(SUDO) apt-get update && $(SUDO) apt-get install --yes --no-install-recommends chromium nodejs nginx-light openssl; }

# Stamps: whatever is up to date costs nothing. An installation for developing is one for using, too.
$(VENV)/.installed: pyproject.toml requirements.lock .ci/venv
	@$(PYTHON) .ci/venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/.developing: pyproject.toml .ci/venv
	@$(PYTHON) .ci/venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
