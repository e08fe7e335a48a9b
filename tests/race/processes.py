"""The processes of a race run: API workers, which share nothing but DynamoDB Local, and the workflow's stand-in."""

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config

from opportunities.aws import clients
from tests.race.faults import FAULTS
from tests.support.doubles import LaggingReads
from tests.support.local_http import Reply, Request, server

TABLE = "opportunity-scan"
SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Site:
    """Where everything of one run is; `fault` names what is broken on purpose."""

    dynamodb_url: str
    states_url: str = ""
    fault: str | None = None

    def enter(self) -> None:
        """Makes this process one of the run's: the environment and the DynamoDB client of a deployed Lambda."""
        os.environ.update(
            {
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_ENDPOINT_URL_DYNAMODB": self.dynamodb_url,
                "AWS_ENDPOINT_URL_SFN": self.states_url,
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
                "TABLE_NAME": TABLE,
                "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:000000000000:stateMachine:scan",
                "WORKFLOW_TYPE": "STANDARD",
                "SNAPSHOT_SECONDS": str(10**10),  # one window: twins must not fall into two
                "SCANS_PER_MINUTE": "30",
            }
        )
        # one worker serves many callers at a time, a Lambda one
        config = Config(max_pool_connections=64)
        made = {"dynamodb": self._dynamodb(config)}
        if self.states_url:
            made["stepfunctions"] = botocore.session.Session().create_client("stepfunctions", config=config)
        clients.client = made.__getitem__  # type: ignore[assignment]

    def _dynamodb(self, config: Config) -> Any:
        client = LaggingReads(botocore.session.Session().create_client("dynamodb", config=config))
        return FAULTS[self.fault](client) if self.fault else client


@contextmanager
def serving(respond: Callable[[Site], Callable[[Request], Reply]], site: Site, processes: int) -> Iterator[list[int]]:
    """So many processes that each serve `respond(site)` on a port of their own: the ports."""
    with ExitStack() as stack:
        yield [stack.enter_context(_process(respond, site)) for _ in range(processes)]


@contextmanager
def _process(respond: Callable[[Site], Callable[[Request], Reply]], site: Site) -> Iterator[int]:
    here, there = SPAWN.Pipe()
    process = SPAWN.Process(target=_serve, args=(there, respond, site), daemon=True)
    process.start()
    there.close()
    try:
        yield int(here.recv())
    finally:
        here.close()
        process.join()


def _serve(ready: Connection, respond: Callable[[Site], Callable[[Request], Reply]], site: Site) -> None:
    sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - the Lambdas' metrics, until this process ends
    site.enter()
    served = server(respond(site))
    threading.Thread(target=served.serve_forever, daemon=True).start()
    ready.send(served.server_port)
    with suppress(EOFError):  # the run has ended, or died
        ready.recv()
