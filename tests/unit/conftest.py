from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from opportunities.aws import clients
from opportunities.aws.dynamodb import Table
from opportunities.aws.store import Store
from tests.support.doubles import Recorder, StaleReads
from tests.support.moto_direct import DirectDynamoDB
from tests.support.template import table

TABLE = "opportunity-scan"


@pytest.fixture(scope="module", autouse=True)
def _forgotten(request: pytest.FixtureRequest) -> Iterator[None]:
    """Forgets the markets that a module of tests has made when it ends: all together they take gigabytes."""
    yield
    for one in vars(request.module).values():
        if hasattr(one, "cache_clear"):
            one.cache_clear()


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    """moto's DynamoDB, without the wire, with the template's table in it."""
    with mock_aws():
        client = DirectDynamoDB()
        client.create_table(TableName=TABLE, **table())
        yield client


@pytest.fixture
def recorded(dynamodb: Any) -> Recorder:
    """The table as the handlers see it: every call is kept, and a read that is not consistent is stale."""
    return Recorder(StaleReads(dynamodb))


@pytest.fixture
def store(recorded: Recorder) -> Store:
    return Store(Table(recorded, TABLE))


class Workflows:
    """Step Functions for tests of the handlers: keeps what was started and stopped, or raises what it is told to."""

    def __init__(self) -> None:
        self.started: list[dict[str, Any]] = []
        self.stopped: list[str] = []
        self.error: Exception | None = None

    def start_execution(self, **arguments: Any) -> dict[str, Any]:
        if self.error:
            raise self.error
        self.started.append(arguments)
        return {}

    def stop_execution(self, **arguments: Any) -> dict[str, Any]:
        if self.error:
            raise self.error
        self.stopped.append(arguments["executionArn"])
        return {}


@pytest.fixture
def workflows() -> Workflows:
    return Workflows()


@pytest.fixture
def lambdas(recorded: Recorder, workflows: Workflows, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment and the clients of a deployed API Lambda."""
    stand_ins = {"dynamodb": recorded, "stepfunctions": workflows}
    monkeypatch.setattr(clients, "client", stand_ins.__getitem__)
    for name, value in {
        "TABLE_NAME": TABLE,
        "STATE_MACHINE_ARN": "arn:aws:states:eu-central-1:123456789012:stateMachine:scan",
        "WORKFLOW_TYPE": "STANDARD",
        "SNAPSHOT_SECONDS": "300",
        "SCANS_PER_MINUTE": "30",
    }.items():
        monkeypatch.setenv(name, value)
