"""A hundred thousand steps of the stateful test. A failing run is repeated by its seed, which it prints.

python -m tests.reliability.long_run [steps] [seed]
"""

import logging
import secrets
import sys
import time

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.reliability.machine import Scans

ROUND = settings(
    max_examples=200, stateful_step_count=50, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


def main() -> None:
    logging.disable()  # what the handlers say of the faults
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else secrets.randbelow(2**32)
    sys.stdout.write(f"{wanted} steps from seed {first}\n")
    started, number = time.monotonic(), first
    while Scans.steps < wanted:
        try:
            run_state_machine_as_test(seed(number)(type("Scans", (Scans,), {})), settings=ROUND)
        except BaseException:
            sys.stdout.write(f"To see it again: python -m tests.reliability.long_run 1 {number}\n")
            raise
        number += 1
    seconds = time.monotonic() - started
    sys.stdout.write(f"{Scans.steps} steps in {seconds:.0f} s, {Scans.steps / seconds:.0f} a second: all as modelled\n")


if __name__ == "__main__":
    main()
