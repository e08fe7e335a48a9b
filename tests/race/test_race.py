"""A small race, and services broken on purpose: a check that cannot fail shows nothing."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.race.callers import Tally
from tests.race.processes import TABLE
from tests.race.run import kinds, race, unaccounted
from tests.support import dynamodb_local
from tests.support.template import table

pytestmark = pytest.mark.xdist_group("race")  # two at once would only slow each other down
PAIRS = 100


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Any]:
    with dynamodb_local.running() as client:
        client.create_table(TableName=TABLE, **table())
        yield client


def small_race(dynamodb: Any, fault: str | None = None) -> Tally:
    return race(dynamodb.meta.endpoint_url, PAIRS, 8, fault, workers=2, calling_processes=1)


def test_the_service_keeps_its_promise(dynamodb: Any) -> None:
    tally = small_race(dynamodb)
    assert tally.findings == []
    assert tally.counts["pairs"] == PAIRS  # nobody asks often enough to be refused
    assert tally.counts["scans complete"]


@pytest.mark.parametrize(
    ("fault", "noticed"),
    [
        ("eventual reads", {"not_found"}),
        ("late placeholder", {"not_found"}),
        ("unconditional updates", {"left a terminal state", "outcome changed"}),
        ("one process' memory", {"progress went back"}),
        ("lost writes", {"lost outcome"}),
        ("errors", {"no id", "too many refused"}),
        ("dead workers", {"caller died", "pairs missing"}),
    ],
)
def test_a_service_that_breaks_it_is_noticed(dynamodb: Any, fault: str, noticed: set[str]) -> None:
    tally = small_race(dynamodb, fault)
    assert noticed <= set(kinds(tally.findings))


@pytest.mark.parametrize(
    ("pairs", "refused", "found"),
    [
        (200, 0, []),
        (180, 20, []),
        (199, 0, ["pairs missing"]),
        (201, 0, ["pairs missing"]),
        (179, 21, ["too many refused"]),
        (0, 200, ["too many refused"]),
        (0, 0, ["pairs missing"]),
    ],
)
def test_each_pair_that_was_asked_for_is_accounted_for(pairs: int, refused: int, found: list[str]) -> None:
    counts = Counter({"pairs": pairs, "pairs refused": refused})
    assert list(kinds(unaccounted(counts, 200))) == found
