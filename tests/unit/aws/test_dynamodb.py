"""DynamoDB's answers that an emulator never gives: what is asked again, what is refused, and how much at a time."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from opportunities.aws.dynamodb import ConditionFailed, Table
from opportunities.aws.store import Store
from opportunities.errors import Unavailable
from tests.support.api import client_error
from tests.support.builders import NOW, SCAN_ID, USER

# What the API reference of DynamoDB calls worth another try.
PASSES = [
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
]


class Answers:
    """A DynamoDB that answers as it is told, or raises, and keeps what it was asked."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers
        self.asked: list[dict[str, Any]] = []

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.asked.append(arguments)
            answer = self._answers[operation]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


@pytest.mark.parametrize("code", PASSES)
def test_transient_database_errors_mean_a_busy_database(code: str) -> None:
    store = Store(Table(Answers(get_item=client_error(code, 400)), "t"))
    with pytest.raises(Unavailable, match="The database is busy; try again in a moment"):
        store.scan(USER, SCAN_ID)


def test_lasting_database_errors_crash_as_they_are() -> None:
    with pytest.raises(ClientError, match="AccessDeniedException"):
        Store(Table(Answers(get_item=client_error("AccessDeniedException", 400)), "t")).scan(USER, SCAN_ID)


def test_a_database_out_of_reach_is_said_to_be_silent() -> None:
    silent = ReadTimeoutError(endpoint_url="https://dynamodb")
    with pytest.raises(Unavailable, match="does not answer; try again in a moment"):
        Store(Table(Answers(get_item=silent), "t")).scan(USER, SCAN_ID)


def test_a_page_of_which_a_part_was_not_read_is_no_page() -> None:
    key = {"pk": {"S": f"USER#{USER}"}, "sk": {"S": f"SCAN#{SCAN_ID}"}}
    part = {"Responses": {"t": []}, "UnprocessedKeys": {"t": {"Keys": [key]}}}
    with pytest.raises(Unavailable, match="busy"):
        Store(Table(Answers(query={"Items": [key]}, batch_get_item=part), "t")).list_scans(
            USER, 0, NOW, limit=9, after=None
        )


def test_no_scans_are_not_looked_up() -> None:
    nothing = Answers(query={"Items": []})
    assert Store(Table(nothing, "t")).list_scans(USER, 0, NOW, limit=9, after=None) == ([], None)
    assert len(nothing.asked) == 1


@pytest.mark.parametrize(("count", "batches"), [(0, []), (25, [25]), (26, [25, 1])])
def test_results_are_deleted_twenty_five_at_a_time_the_most_that_dynamodb_takes(count: int, batches: list[int]) -> None:
    keys = [{"pk": {"S": "p"}, "sk": {"S": str(number)}} for number in range(count)]
    client = Answers(query={"Items": [{**key, "body": {"S": "x"}} for key in keys]}, batch_write_item={})
    Store(Table(client, "t")).delete_results(USER, SCAN_ID)
    asked, *deleted = client.asked
    assert asked["ProjectionExpression"] == "pk, sk"  # results are up to 400 KB each
    requests = [one["RequestItems"]["t"] for one in deleted]
    assert [len(some) for some in requests] == batches
    assert [one["DeleteRequest"]["Key"] for some in requests for one in some] == keys


def test_results_that_were_not_all_deleted_are_asked_for_again() -> None:
    key = {"pk": {"S": "p"}, "sk": {"S": "s"}}
    client = Answers(query={"Items": [key]}, batch_write_item={"UnprocessedItems": [key]})
    with pytest.raises(Unavailable, match="busy"):
        Store(Table(client, "t")).delete_results(USER, SCAN_ID)


def test_a_condition_that_did_not_hold_tells_no_log_what_is_stored() -> None:
    failed = ConditionFailed({"investor": {"S": "private"}})
    assert (str(failed), failed.item) == (
        "the condition of a write did not hold",
        {"investor": {"S": "private"}},
    )


def test_a_minutes_count_is_kept_for_a_minute_longer() -> None:
    """TTL deletes it some time after that; the clocks of the workers need not agree to the second."""
    client = Answers(update_item={})
    assert Store(Table(client, "t")).count_request(USER, 7, 30)
    (asked,) = client.asked
    assert asked["ExpressionAttributeValues"][":expires_at"] == {"N": "540"}
