"""The order of recorded messages: what was heard until the moment counts, whichever file it lies in."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opportunities.market.archive.file import save
from tests.support.messages import NOW, SPOT, answer, came, changes, depth, instrument, snapshot, streamed, write


@given(
    kind=st.sampled_from(["spot", "usdm"]), first=st.integers(0, 39), heard=st.integers(0, 20), until=st.integers(0, 24)
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_feed_is_the_book_with_all_changes_until_the_moment(
    tmp_path: Path, kind: str, first: int, heard: int, until: int
) -> None:
    """The whole book, of update `first`, came in before the change number `heard`; one change a second."""
    rows = [(float(i), {"stream": "btcusdt@depth@100ms", "data": row}) for i, row in enumerate(changes(kind))]
    rows.insert(heard, (heard - 0.5, depth(first, **({} if kind == "spot" else {"E": 1, "T": 1}))))
    write(tmp_path, *(streamed(body, seconds) for seconds, body in rows))
    bids, asks = ({float(price): float(size) for price, size in depth()[side]} for side in ("bids", "asks"))
    for i, row in enumerate(changes(kind)):
        if row["u"] > first and (i <= until or i < heard):
            bids |= {float(price): float(size) for price, size in row["b"]}
            asks |= {float(price): float(size) for price, size in row["a"]}
    found = snapshot(tmp_path, NOW + until)
    section = found.spot if kind == "spot" else found.perpetuals
    assert section
    assert section.books
    assert section.symbols == ("BTC/USDT" if kind == "spot" else "BTC/USDT:USDT",)
    for name, side, best_is_highest in (("bid", bids, True), ("ask", asks, False)):
        expected = sorted(((price, size) for price, size in side.items() if size), reverse=best_is_highest)
        prices, sizes = (getattr(section.books, f"{name}_{what}")[0] for what in ("price", "size"))
        assert list(zip(prices, sizes, strict=True))[: len(expected)] == expected
        assert np.isnan(prices[len(expected) :]).all()


def test_a_book_with_a_gap_in_its_changes_is_no_book(tmp_path: Path) -> None:
    rows = [{"stream": "btcusdt@depth", "data": row} for row in changes("spot")]
    quote = {"stream": "btcusdt@bookTicker", "data": {"s": "BTCUSDT", "b": "99", "B": "1", "a": "101", "A": "1"}}
    write(tmp_path, *map(streamed, [depth(0), *rows[:3], *rows[5:], quote]))
    found = snapshot(tmp_path)
    assert found.spot
    assert found.spot.books is None
    assert (found.spot.bid[0], found.spot.ask[0]) == (99.0, 101.0)
    assert found.excluded == {"order book whose changes have a gap": 1}


def test_an_answer_that_lags_the_stream_does_not_replace_what_was_streamed(tmp_path: Path) -> None:
    address = f"{SPOT}/depth?symbol=BTCUSDT"

    def change(first: int, last: int, price: str) -> str:
        sides = {"b": [[price, "7"]], "a": []}
        row = {"e": "depthUpdate", "s": "BTCUSDT", "U": first, "u": last, **sides}
        return streamed({"stream": "btcusdt@depth", "data": row}, last - 100)

    lines = [answer(address, depth(10), -91), change(11, 20, "99.25"), change(21, 25, "99.5")]
    write(tmp_path, *lines)
    known = snapshot(tmp_path)
    assert known.spot
    assert known.spot.books
    assert list(known.spot.books.bid_price[0, :3]) == [99.5, 99.25, 99.0]
    write(tmp_path, *lines[:2], answer(address, depth(15), -79), lines[2])
    found = snapshot(tmp_path)
    assert found.excluded == {"order book with a newer one": 1}
    assert save(replace(found, excluded={})) == save(known)
    write(tmp_path, *lines[:2], answer(address, depth(22, 101.0), -79), lines[2])
    newer = snapshot(tmp_path)
    assert newer.spot
    assert newer.spot.ask[0] == 102.0


def test_later_messages_change_nothing_but_their_count(tmp_path: Path) -> None:
    rows = [streamed({"stream": "btcusdt@depth", "data": row}, i - 10) for i, row in enumerate(changes("spot"))]
    lines = [streamed(depth(0), -11), *rows]
    later = [came({"data": "anything"}, 60), came([1], 1e6)]
    write(tmp_path, *lines[:12], *later)
    known = snapshot(tmp_path)
    write(tmp_path, *lines, *later)
    assert save(snapshot(tmp_path)) == save(known)
    assert known.excluded == {"message after the moment": 2}


def test_rules_heard_after_the_moment_count_only_where_none_were_before(tmp_path: Path) -> None:
    def said(tick: str, seconds: float) -> str:
        listed = instrument("BTCUSDT")
        listed["filters"][0]["tickSize"] = tick
        return answer(f"{SPOT}/exchangeInfo", {"symbols": [listed]}, seconds)

    book = answer(f"{SPOT}/depth?symbol=BTCUSDT", depth(), -50)
    for lines, tick in (
        ([said("0.01", -100), book, said("0.5", 30)], 0.01),
        ([book, said("0.5", 30), said("0.25", 31)], 0.5),
        ([said("0.01", -100), said("0.02", -90), book], 0.02),
    ):
        write(tmp_path, *lines)
        found = snapshot(tmp_path)
        assert found.spot
        assert found.spot.rules
        assert found.spot.rules.tick[0] == tick


def test_files_are_played_back_in_the_order_of_their_messages_and_not_of_their_names(tmp_path: Path) -> None:
    write(tmp_path, answer(f"{SPOT}/depth?symbol=BTCUSDT", depth(9, 60_000.0), -5), name="rec-10.txt", packed=False)
    write(tmp_path, answer(f"{SPOT}/depth?symbol=BTCUSDT", depth(8, 50_000.0), -600), name="rec-2.txt", packed=False)
    found = snapshot(tmp_path)
    assert found.spot
    assert found.spot.bid[0] == 59_999.0


@given(cuts=st.lists(st.integers(0, 20), max_size=4), names=st.permutations(range(5)))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_feed_may_lie_in_any_number_of_files(tmp_path: Path, cuts: list[int], names: list[int]) -> None:
    rows = [streamed({"stream": "btcusdt@depth", "data": row}, i - 20) for i, row in enumerate(changes("spot"))]
    lines = [answer(f"{SPOT}/depth?symbol=BTCUSDT", depth(0), -21), *rows]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for directory in (whole, parts):
        directory.mkdir(exist_ok=True)
        for path in directory.iterdir():
            path.unlink()
    write(whole, *lines)
    bounds = [0, *sorted(cuts), len(lines)]
    for name, begin, end in zip(names, bounds, bounds[1:], strict=False):
        if begin < end:
            write(parts, *lines[begin:end], name=f"{name}")
    assert save(snapshot(parts)) == save(snapshot(whole))
