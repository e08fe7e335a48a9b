"""Where the local stack keeps its things: one directory in the repository, that can be deleted at any time."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# The tests bring up a stack of their own, beside the one that somebody is working with.
HOME = Path(os.environ.get("OPSCAN_HOME", ROOT / ".opscan"))

# `make` puts them there, from infra/local/emulator/uv.lock.
EMULATOR_PYTHON = ROOT / ".opscan/env/emulator/bin/python"
RUNTIME_PYTHON = ROOT / ".opscan/env/runtime/bin/python"
SERVE = ROOT / "infra/local/emulator/serve.py"

EMULATOR_STATE = HOME / "emulator.json"
STACK_STATE = HOME / "stack.json"
LOCK = HOME / "lock"
EMULATOR_LOG = HOME / "emulator.log"
SAM_LOG = HOME / "sam.log"
EMULATOR_TMP = HOME / "tmp"
# sam works in it, so what it builds for this machine never meets what `sam build` builds for AWS in .aws-sam
SAM_HOME = HOME / "sam"
