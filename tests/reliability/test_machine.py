"""The stateful test, short and always the same; `make verify` goes on from a new seed each time."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.reliability.long_run import ROUND
from tests.reliability.machine import Observed, Scans
from tests.reliability.world import TABLE, World
from tests.support import dynamodb_local
from tests.support.template import table


def test_scans_are_what_the_model_says_whatever_happens() -> None:
    before = Scans.steps
    run_state_machine_as_test(Scans, settings=settings(ROUND, max_examples=120, derandomize=True))
    assert Scans.steps - before >= 5_000


def test_they_are_on_dynamodb_local() -> None:
    with dynamodb_local.running() as dynamodb:

        class OnDynamoDBLocal(Scans):
            @contextmanager
            def context(self) -> Iterator[World]:
                dynamodb.create_table(TableName=TABLE, **table())
                with pytest.MonkeyPatch.context() as patch:
                    yield World(patch, Observed(dynamodb, self.observe))
                dynamodb.delete_table(TableName=TABLE)

        before = Scans.steps
        run_state_machine_as_test(OnDynamoDBLocal, settings=settings(ROUND, max_examples=10, derandomize=True))
        assert Scans.steps - before >= 300
