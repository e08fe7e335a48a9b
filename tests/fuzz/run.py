"""`make fuzz`: schemathesis calls the API in every way that its description allows or forbids, with every check on.

Against the real handlers over DynamoDB Local by default, `--stack` against the local stack. Rounds follow each other,
each with another seed, until there were `--cases` cases. Ends with 1 if any failed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from infra.local.stack import down, make_user, up
from opportunities.api.operations import OPERATIONS
from tests.fuzz.service import serving

_HERE = Path(__file__).parent
_PHASES = "examples,coverage,fuzzing,stateful"
_SCHEMATHESIS = _HERE.parents[1] / ".opscan" / "env" / "fuzz" / "bin" / "schemathesis"


@contextmanager
def _stack() -> Iterator[tuple[str, dict[str, str]]]:
    """The local stack, as `serving`."""
    try:
        stack = up(ScansPerMinute="1000000")
        yield stack.api_url, {name: make_user(stack, name) for name in ("one", "another")}
    finally:
        down()


def _round(address: str, tokens: dict[str, str], examples: int, phases: str) -> tuple[int, bool]:
    """How many cases there were, and whether all went well."""
    with tempfile.TemporaryDirectory() as directory:
        callers, report = Path(directory) / "callers.json", Path(directory) / "report.json"
        description = Path(directory) / "openapi.json"
        # from a file, or the operation that serves it is left out
        description.write_bytes(httpx.get(f"{address}/opportunities/openapi.json", trust_env=False).content)
        callers.write_text(json.dumps({"auth": [_caller(name, token) for name, token in tokens.items()]}))
        ended = subprocess.run(
            [
                *(_SCHEMATHESIS, "--config-file", _HERE / "schemathesis.toml", "run"),
                *(description, "--url", address, "--max-examples", str(examples)),
                *("--phases", phases, "--workers", "2", "--report-json-path", report),
            ],
            cwd=directory,
            env={**os.environ, "CALLERS": str(callers), "PYTHONPATH": str(_HERE)},
            check=False,
        )
        said = json.loads(report.read_text())
        if said["operations"]["tested"] != len(OPERATIONS):
            raise AssertionError(f"not every operation was called, but {said['operations']}: see the description")
        return int(said["test_cases"]["generated"]), ended.returncode == 0


def _caller(name: str, token: str) -> dict[str, Any]:
    """A user, as Web Fuzzing Commons describes one."""
    return {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {token}"}]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--examples", type=int, default=300, help="of each operation in one round")
    parser.add_argument("--phases", default=_PHASES, help="schemathesis' own; coverage alone has some 600 cases")
    parser.add_argument("--stack", action="store_true")
    asked = parser.parse_args()
    if asked.cases < 1:
        parser.error("nothing would be tried: at least one case is needed")
    with _stack() if asked.stack else serving() as (address, tokens):
        done, well = 0, True
        while well and done < asked.cases:
            cases, well = _round(address, tokens, asked.examples, asked.phases)
            done += cases
    Console().print(f"{done:,} cases", "and not one failed" if well else "until some failed")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
