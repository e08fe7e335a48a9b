"""`support/item_size.py` against an outside judge: what DynamoDB Local charges for items about a unit's boundary."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from opportunities.aws.dynamodb import Item, Table
from opportunities.aws.items import StoredResult
from opportunities.aws.store import Store
from opportunities.domain import Investor
from tests.support.builders import NOW, USER, outcome, scan
from tests.support.item_size import size
from tests.support.template import table

WRITE_UNIT, READ_UNIT = 1024, 4096
PLAIN = "item-size"


@pytest.fixture(scope="module")
def dynamodb(dynamodb_local_client: Any) -> Any:
    """With a table that has no index, so that a write costs what its item weighs."""
    dynamodb_local_client.create_table(
        TableName=PLAIN,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return dynamodb_local_client


def charged(dynamodb: Any, item: Item, length: int) -> tuple[float, float]:
    """Units for writing and for reading the item, padded to a length that `size` says."""
    key = {"pk": {"S": uuid4().hex}}  # a new one: a write is charged for the larger of what was and what is there
    padded = {**item, **key, "padding": {"B": b""}}
    padded["padding"] = {"B": bytes(length - size(padded))}
    of_write = dynamodb.put_item(TableName=PLAIN, Item=padded, ReturnConsumedCapacity="TOTAL")
    of_read = dynamodb.get_item(TableName=PLAIN, Key=key, ConsistentRead=True, ReturnConsumedCapacity="TOTAL")
    return of_write["ConsumedCapacity"]["CapacityUnits"], of_read["ConsumedCapacity"]["CapacityUnits"]


def assert_sized(dynamodb: Any, item: Item, *, within: int) -> None:
    """The last byte that fits into `within` is charged less than the one after it."""
    writes, reads = within / WRITE_UNIT, -(-within // READ_UNIT)
    assert charged(dynamodb, item, within) == (writes, reads)
    assert charged(dynamodb, item, within + 1) == (writes + 1, reads + (within % READ_UNIT == 0))


NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=6).map(
    lambda number: {"N": f"{number:f}"}
)
FLOATS = st.floats(min_value=1e-120, max_value=1e120).map(lambda number: {"N": repr(number)})
SCALARS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(lambda text: {"S": text}),
    NUMBERS,
    FLOATS,
    st.binary(max_size=20).map(lambda some: {"B": some}),
    st.booleans().map(lambda yes: {"BOOL": yes}),
    st.just({"NULL": True}),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda some: {"L": some}),
        st.dictionaries(st.text("abcé", min_size=1, max_size=4), inner, max_size=4).map(lambda some: {"M": some}),
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(VALUES)
@example({"BOOL": False})
@example({"N": "0"})
@example({"N": "-1.2"})
@example({"N": "120"})
@example({"L": [{"N": "1"}, {"M": {}}]})
def test_a_value_is_as_large_as_dynamodb_says(dynamodb: Any, value: dict[str, Any]) -> None:
    assert_sized(dynamodb, {"value": value}, within=WRITE_UNIT)
    assert_sized(dynamodb, {"value": value}, within=READ_UNIT)


def test_every_item_that_the_store_writes_is_as_large_as_dynamodb_says(dynamodb: Any) -> None:
    name = f"opportunity-scan-{uuid4().hex}"
    dynamodb.create_table(TableName=name, **table())
    store = Store(Table(dynamodb, name))
    running, ended = scan(request="r" * 64), scan(scan_id="scan_" + "f" * 32)
    for one in (running, ended):
        store.put_scan(one)
    store.take_over(USER, running.scan_id, NOW)
    store.cancel_scan(USER, ended.scan_id, NOW)
    store.delete_scan(ended, NOW)
    store.put_investor(USER, Investor(capital_usd=50_000, holdings={"BTC": 0.4}))
    store.count_request(USER, int(NOW) // 60, 30)
    dynamodb.update_item(  # as BeginScanning does
        TableName=name,
        Key={"pk": {"S": f"USER#{USER}"}, "sk": {"S": f"SCAN#{running.scan_id}"}},
        UpdateExpression="SET #state = :scanning, snapshot_key = :key",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":scanning": {"S": "scanning"}, ":key": {"S": "windows/simulated-7/1795291200"}},
    )
    assert store.record_outcome(USER, running.scan_id, "risk_management", outcome(), NOW)
    result = StoredResult("risk_management", [{"symbol": "BTC/USDT"}], 0, 7, {"source": "simulated"}, {"version": 1})
    store.put_result(USER, running.scan_id, result, running.expires_at, NOW)
    store.put_result(USER, running.scan_id, replace(result, strategy="é", opportunities=[]), running.expires_at, NOW)
    written = dynamodb.scan(TableName=name, ConsistentRead=True)["Items"]
    assert len(written) == 6
    assert {kind for item in written for value in item.values() for kind in value} == {"S", "N", "B", "L", "M", "BOOL"}
    for item in written:
        assert_sized(dynamodb, item, within=WRITE_UNIT)
