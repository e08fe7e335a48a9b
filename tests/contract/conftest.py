from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from moto import mock_aws

from infra.local.stack.emulator import Emulator
from opportunities.aws.dynamodb import Table
from opportunities.aws.store import Store
from tests.support import dynamodb_local
from tests.support.moto_direct import DirectDynamoDB
from tests.support.template import table


@pytest.fixture(scope="session")
def dynamodb_local_client() -> Iterator[Any]:
    with dynamodb_local.running() as client:
        yield client


@pytest.fixture
def moto_client() -> Iterator[Any]:
    with mock_aws():
        yield dynamodb_local.client("https://dynamodb.us-east-1.amazonaws.com")


@pytest.fixture
def moto_direct_client() -> Iterator[Any]:
    with mock_aws():
        yield DirectDynamoDB()


@pytest.fixture(scope="session")
def ministack_client(ministack: Emulator) -> Any:
    return ministack.client("dynamodb")


@pytest.fixture(params=["moto", "moto_direct", "dynamodb_local", "ministack"])
def store(request: pytest.FixtureRequest) -> Store:
    """A store over a fresh table with the template's keys, on each implementation of DynamoDB in turn."""
    client = request.getfixturevalue(f"{request.param}_client")
    name = f"opportunity-scan-{uuid4().hex}"
    client.create_table(TableName=name, **table())
    return Store(Table(client, name))
