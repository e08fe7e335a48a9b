"""The keys of items: no two users share one, whatever their ids are made of."""

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from opportunities.aws import items

SCAN_IDS = st.integers(0, 2**128 - 1).map("scan_{:032x}".format)
ONE = "scan_" + "1" * 32
USERS = st.text() | st.lists(st.sampled_from(["a", "#", "/", "\0", "USER#", "SCAN#", "RESULT#", "PROFILE", ONE])).map(
    "".join
)


def keys(user: str, scan_id: str, minute: int) -> set[Any]:
    """Every key that is made of one user's id; a partition key that needs no other counts with any."""
    whole = [items.scan_key(user, scan_id), items.profile_key(user), items.rate_key(user, minute)]
    return {(one["pk"]["S"], one["sk"]["S"]) for one in whole} | {(items.result_key(user, scan_id)["S"], "")}


OWN = st.tuples(USERS, SCAN_IDS, st.integers(0, 2**31))


@given(OWN, OWN)
@example(("a", ONE, 0), (f"a#{ONE}", ONE, 0))
@example((f"a#{ONE}", ONE, 0), ("a", ONE, 0))
@example(("x" * 10_240, ONE, 0), ("x" * 10_241, ONE, 0))
def test_two_users_never_have_a_key_in_common(one: tuple[str, str, int], other: tuple[str, str, int]) -> None:
    assert one[0] == other[0] or not keys(*one) & keys(*other)


@given(USERS, SCAN_IDS, SCAN_IDS)
def test_two_scans_of_one_user_have_neither_their_items_nor_their_results_in_common(
    user: str, scan_id: str, other: str
) -> None:
    assert (items.scan_key(user, scan_id) == items.scan_key(user, other)) == (scan_id == other)
    assert (items.result_key(user, scan_id) == items.result_key(user, other)) == (scan_id == other)
