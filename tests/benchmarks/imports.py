"""Measures what importing the status handler costs, as a ratio to `boto3.client("dynamodb")` in the same run.

Run with `make bench`. Every measurement is a fresh process with compiled bytecode; the two alternate.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

from rich.console import Console

from tests.support.template import ROOT

STATUS = "import opportunities.handlers.status"
STATUS_AND_CLIENT = f"{STATUS}; from opportunities.aws import clients; clients.client('dynamodb')"
BOTO3 = "import boto3; boto3.client('dynamodb')"
NOTHING = "pass"


def seconds(code: str, environment: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as bytecode:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "functions"),
            "PYTHONPYCACHEPREFIX": bytecode,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        codes = (NOTHING, STATUS, STATUS_AND_CLIENT, BOTO3)
        for code in codes:
            seconds(code, environment)
        times: dict[str, list[float]] = {code: [] for code in codes}
        for _ in range(rounds):
            for code in codes:
                times[code].append(seconds(code, environment))
    medians = {code: statistics.median(taken) for code, taken in times.items()}
    base = medians[BOTO3] - medians[NOTHING]
    for name, code in (("import of the status handler", STATUS), ("the same and its client", STATUS_AND_CLIENT)):
        own = medians[code] - medians[NOTHING]
        Console().print(
            f"{name}: {own / base:.2f} of boto3.client('dynamodb') ({1000 * own:.0f} / {1000 * base:.0f} ms)"
        )


if __name__ == "__main__":
    main()
