# Everything here works on a machine with Python and make; uv and Python 3.13 are brought where they are missing.
#   make scan ARGS="--symbol BTC,ETH --top 5"
#   make test ARGS="-k status"

UV_VERSION := 0.13.9
# pyenv's interpreter counts even where its shims are not on the PATH
PYENV := $(lastword $(wildcard $(HOME)/.pyenv/versions/3.13*/bin))
PATH := $(PATH)$(PYENV:%=:%)
UV := $(or $(shell command -v uv 2>/dev/null),.uv/bin/uv)
export PATH
# a virtual environment that happens to be active is not ours
unexport VIRTUAL_ENV UV_PROJECT_ENVIRONMENT PYTHONPATH PYTHONHOME

BIN := .venv/bin
EMULATOR := infra/local/emulator
CHECKS := infra/checks
CHECKS_BIN := .opscan/env/checks/bin
FUZZ := tests/fuzz
# what needs a local stack of its own has it in a directory of its name, or of this one
OWN_STACK = OPSCAN_HOME=$(CURDIR)/.opscan/$(or $(STACK),$@)
LAYERS := api capture numeric
LOCKED := . $(EMULATOR) $(CHECKS) $(FUZZ)

.DEFAULT_GOAL := help
.PHONY: help scan test check up down bench race mutants load strategies-report layers openapi licences audit permissions \
  crash-matrix stateful express fuzz fuzz-stack verify short short-stack short-rest

help: ## show this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

scan: .venv/ready .opscan/env/ready ## scan the simulated market on the local stack, started if it is down (ARGS="...")
	@$(BIN)/opscan scan $(ARGS)

up: .venv/ready .opscan/env/ready ## start the local stack, or deploy anew to the one that runs
	@$(BIN)/opscan up

down: .venv/ready ## end the local stack
	@$(BIN)/opscan down

test: .venv/ready .opscan/env/ready ## run every test (ARGS="...")
	$(BIN)/pytest -n 2 --dist loadgroup $(ARGS)

check: .venv/ready .opscan/env/checks-ready ## locks, format, lint, types, import rules, retired words, template, its security, layers, licences
	@for project in $(LOCKED); do \
	  $(UV) lock -q --check --project $$project || \
	    { echo "$$project/uv.lock is not what its pyproject.toml asks for: run \`uv lock --project $$project\`."; exit 1; }; \
	done
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	SAM_CLI_TELEMETRY=0 __SAM_CLI_APP_DIR=$(CURDIR)/.opscan/sam $(BIN)/sam validate --lint --region us-east-1
	$(CHECKS_BIN)/cfn-lint template.yaml --append-rules cfn_lint_serverless.rules
	@mkdir -p .opscan/cache
	$(BIN)/python -m infra.checks.expanded > .opscan/template.yaml
	XDG_CACHE_HOME=$(CURDIR)/.opscan/cache TMPDIR=$(CURDIR)/.opscan/cache $(CHECKS_BIN)/checkov --config-file $(CHECKS)/checkov.yaml
	$(BIN)/python -m infra.checks.licences --check
	@for layer in $(LAYERS); do \
	  $(UV) export -q --frozen --only-group layer-$$layer --no-emit-project --no-header | \
	    diff - infra/layers/$$layer/requirements.txt || \
	    { echo "infra/layers/$$layer/requirements.txt is not what uv.lock says: run \`make layers\`."; exit 1; }; \
	done

bench: .venv/ready ## count what a scan costs on DynamoDB Local, and time the rest as ratios (ROUNDS=1 PAIRED=4)
	$(BIN)/python -m tests.benchmarks.units
	$(BIN)/python -m tests.benchmarks.imports $(ROUNDS:%=--rounds %)
	$(BIN)/python -m tests.benchmarks.snapshots $(ROUNDS:%=--rounds %)
	$(BIN)/python -m tests.benchmarks.speed $(ROUNDS:%=--rounds %) $(PAIRED:%=--paired %)

race: .venv/ready ## poll each scan the moment its id is known, 32 at a time, on DynamoDB Local (PAIRS=5000)
	$(BIN)/python -m tests.race.run --pairs $(or $(PAIRS),5000)

mutants: .venv/ready ## change the code that the promise rests on, and see that tests notice (ARGS="aws/store services/cancel")
	$(BIN)/python -m tests.mutants.run $(ARGS)

load: .venv/ready .opscan/env/ready ## fifty callers for two minutes, on a local stack of their own (ARGS="--callers 4")
	$(OWN_STACK) $(BIN)/python -m tests.load.load $(ARGS)

strategies-report: .venv/ready ## measure every strategy, into docs/strategies.md (some minutes; ARGS="--seeds 2 --to FILE")
	$(BIN)/python -m tests.benchmarks.strategies_report $(ARGS)

openapi: .venv/ready ## write docs/openapi.yaml anew from the models
	$(BIN)/python -m infra.checks.openapi

layers: .venv/ready ## write the layers' requirements anew from uv.lock
	@for layer in $(LAYERS); do \
	  $(UV) export -q --frozen --only-group layer-$$layer --no-emit-project --no-header \
	    -o infra/layers/$$layer/requirements.txt; \
	done

licences: .venv/ready ## list the licences of what the layers ship, in docs/licences.md
	$(BIN)/python -m infra.checks.licences

# --strict: a package that nobody could look up is a finding, not a pass. The layers hold what the project's lock says;
# each lock by itself, for pip-audit refuses two versions of one package
audit: .venv/ready .opscan/env/checks-ready ## look for known vulnerabilities in every locked package (asks pypi.org; ARGS=--dry-run)
	@well=true; for project in $(LOCKED); do \
	  mkdir -p .opscan/audit/$$project; \
	  $(UV) export -q --frozen --project $$project --all-groups --no-emit-project --no-header \
	    -o .opscan/audit/$$project/requirements.txt && \
	  echo "$$project/uv.lock:" && \
	  $(CHECKS_BIN)/pip-audit $(ARGS) --strict --disable-pip --require-hashes --progress-spinner off \
	    -r .opscan/audit/$$project/requirements.txt || well=false; \
	done; $$well || \
	  { echo "Raise what is vulnerable (uv lock -P NAME, make layers), or answer it in docs/decisions.md and ignore it" \
	    "here by its id. What could not be audited is no pass: try again where pypi.org's JSON API answers."; exit 1; }

permissions: .venv/ready .opscan/env/ready ## take each permission away in turn; a scan on the local stack must notice (ARGS="--every 8")
	$(OWN_STACK) $(BIN)/python -m tests.permissions.run $(ARGS)

express: .venv/ready .opscan/env/ready ## the end-to-end tests on a stack whose workflow is EXPRESS (ARGS="-k status")
	$(BIN)/pytest tests/e2e --workflow-type EXPRESS $(ARGS)

crash-matrix: .venv/ready ## break every AWS call of every Lambda and of the workflow in every way, and count the points
	$(BIN)/python -m tests.reliability.crash_matrix

stateful: .venv/ready ## take 100,000 random steps with scans, against the model (STEPS=5000)
	$(BIN)/python -m tests.reliability.long_run $(STEPS)

fuzz: .venv/ready .opscan/env/fuzz-ready ## call the API in every way its description allows or forbids, 20,000 times (CASES=2000)
	$(BIN)/python -m tests.fuzz.run --cases $(or $(CASES),20000) $(EXAMPLES:%=--examples %)

fuzz-stack: .venv/ready .opscan/env/ready .opscan/env/fuzz-ready ## the same a thousand times against the local stack (CASES=2000)
	$(OWN_STACK) $(BIN)/python -m tests.fuzz.run --stack --examples $(or $(EXAMPLES),15) --cases $(or $(CASES),1000) \
	  $(PHASES:%=--phases %)

# What is too slow for every change; before a release.
verify: permissions crash-matrix stateful express mutants load fuzz fuzz-stack ## the long demonstrations
	$(BIN)/python -m tests.race.run --pairs 100000

# Every command that a document names, on the way of its long form, so that none breaks unseen; `make -j 2 short` runs the
# two halves side by side. tests/unit/docs/test_commands.py fails where one is missing.
short: short-stack short-rest ## every command that a document names, in its short form (make -j 2 short: seven minutes)

# on stacks of the tests' own, for which `make test` has built the layers
short-stack: STACK = tests
short-stack: .venv/ready .opscan/env/ready .opscan/env/fuzz-ready
	OPSCAN_HOME=$(CURDIR)/.opscan/$(STACK) $(MAKE) up
	OPSCAN_HOME=$(CURDIR)/.opscan/$(STACK) $(MAKE) scan ARGS="--top 3"
# which deploys to the stack that is up, and ends it
	$(MAKE) fuzz-stack STACK=$(STACK) CASES=20 EXAMPLES=3 PHASES=examples,fuzzing,stateful
	OPSCAN_HOME=$(CURDIR)/.opscan/$(STACK) $(MAKE) down
	$(MAKE) load STACK=$(STACK) ARGS="--callers 4 --seconds 15"
	$(MAKE) permissions STACK=$(STACK) ARGS="--every 13"
	$(MAKE) express ARGS="-k 'type or catalogue'"

short-rest: .venv/ready .opscan/env/fuzz-ready .opscan/env/checks-ready
	$(MAKE) help openapi layers licences
# without --dry-run it asks pypi.org's JSON API about each version, which not every mirror answers (404)
	$(MAKE) audit ARGS=--dry-run
	$(MAKE) race PAIRS=200
	$(MAKE) stateful STEPS=1000
	$(MAKE) bench ROUNDS=1 PAIRED=4
	$(MAKE) strategies-report ARGS="--seeds 2 --to .opscan/strategies.md"
	$(MAKE) fuzz CASES=200 EXAMPLES=2
	$(MAKE) mutants ARGS="services/pagination --every 5"
	$(MAKE) crash-matrix

.venv/ready: pyproject.toml uv.lock .python-version | $(UV)
	@infra/install.sh packages "the project's packages" $(UV) sync --frozen
	@touch $@

# The emulator's packages stay out of the project's environment, and both out of that of the Lambdas.
.opscan/env/ready: $(EMULATOR)/pyproject.toml $(EMULATOR)/uv.lock | $(UV)
	@UV_PROJECT_ENVIRONMENT=$(CURDIR)/.opscan/env/emulator \
	  infra/install.sh packages "the emulator" $(UV) sync --frozen --project $(EMULATOR) --no-default-groups
	@UV_PROJECT_ENVIRONMENT=$(CURDIR)/.opscan/env/runtime \
	  infra/install.sh packages "what its Lambdas run on" $(UV) sync --frozen --project $(EMULATOR) --only-group runtime
	@touch $@

.opscan/env/checks-ready: $(CHECKS)/pyproject.toml $(CHECKS)/uv.lock | $(UV)
	@UV_PROJECT_ENVIRONMENT=$(CURDIR)/.opscan/env/checks \
	  infra/install.sh packages "the template's scanners" $(UV) sync --frozen --project $(CHECKS)
	@touch $@

.opscan/env/fuzz-ready: $(FUZZ)/pyproject.toml $(FUZZ)/uv.lock | $(UV)
	@UV_PROJECT_ENVIRONMENT=$(CURDIR)/.opscan/env/fuzz \
	  infra/install.sh packages schemathesis $(UV) sync --frozen --project $(FUZZ)
	@touch $@

.uv/bin/uv:
	@infra/install.sh uv $(UV_VERSION)
