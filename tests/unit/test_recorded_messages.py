"""Recorded messages of exchanges, made here in the shapes that exchanges send and recorders write."""

import gzip
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opportunities.domain import Investor
from opportunities.errors import MarketDataError, Unsuitable
from opportunities.market.archive import load, save
from opportunities.market.recorded import binance
from opportunities.market.recorded.events import Key
from opportunities.market.recorded.files import from_directory
from opportunities.market.snapshot import MarketSnapshot
from opportunities.strategies import load as strategy
from opportunities.strategies import names
from tests.unit.recordings import at

NOW = at(100.5)  # 2024-03-05 04:30 UTC
SPOT, LINEAR, INVERSE = "api.binance.com/api/v3", "fapi.binance.com/fapi/v1", "dapi.binance.com/dapi/v1"


def answer(address: str, body: Any, seconds: float = -5.0) -> str:
    return f"https://{address} -> {NOW + seconds}: {json.dumps(body)}"


def came(body: Any, seconds: float = -5.0) -> str:
    return f"{NOW + seconds}: {json.dumps(body)}"


def streamed(body: Any, seconds: float = -5.0) -> str:
    return f"{round((NOW + seconds) * 1e9)} {json.dumps(body)}"


def write(directory: Path, *lines: str, name: str = "recording", packed: bool = True) -> Path:
    path = directory / f"{name}.gz" if packed else directory / name
    text = "\n".join(lines).encode() + b"\n"
    path.write_bytes(gzip.compress(text) if packed else text)
    return path


def depth(update: Any = 10, price: float = 100.0, **more: Any) -> dict[str, Any]:
    return {
        "lastUpdateId": update,
        "bids": [[f"{price - i}", f"{i}.5"] for i in range(1, 4)],
        "asks": [[f"{price + i}", f"{i}.25"] for i in range(1, 4)],
        **more,
    }


def instrument(symbol: str, size: float | None = None) -> dict[str, Any]:
    return {
        "symbol": symbol,
        **({} if size is None else {"contractSize": size}),
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.1"},
            {"filterType": "LOT_SIZE", "stepSize": "1", "minQty": "2"},
            {"filterType": "MIN_NOTIONAL", "notional": "5"},
        ],
    }


def snapshot(directory: Path, as_of: int = NOW) -> MarketSnapshot:
    found = from_directory([directory], as_of)
    assert save(load(save(found))) == save(found)
    return found


@pytest.mark.parametrize("packed", [True, False])
def test_answers_give_books_quotes_and_the_rules_of_orders(tmp_path: Path, packed: bool) -> None:
    write(
        tmp_path,
        answer(f"{SPOT}/exchangeInfo", {"symbols": [instrument("BTCUSDT"), instrument("ETHBTC")]}),
        answer(f"{SPOT}/depth?symbol=BTCUSDT&limit=1000", depth()),
        answer(f"{SPOT}/depth?symbol=ETHBTC&limit=1000", depth()),
        answer(f"{SPOT}/ticker/24hr", [{"symbol": "ADAUSDT", "bidPrice": "2", "askPrice": "3", "quoteVolume": "7"}]),
        'configuration: {"l2_book": ["BTC-USDT"]}',
        packed=packed,
    )
    found = snapshot(tmp_path)
    assert found.spot
    assert found.spot.books
    assert found.spot.rules
    assert found.spot.symbols == ("BTC/USDT", "ADA/USDT")
    assert list(found.spot.bid) == [99.0, 2.0]
    assert list(found.spot.ask) == [101.0, 3.0]
    assert found.spot.volume_24h_usd[1] == 7.0
    assert list(found.spot.books.bid_size[0]) == [1.5, 2.5, 3.5]
    assert (found.spot.rules.tick[0], found.spot.rules.lot[0]) == (0.1, 1.0)
    assert found.spot.rules.minimum_notional_usd[0] == 5.0
    assert found.excluded == {"instrument not quoted in dollars": 1, "not quoted in dollars": 1}
    assert found.freshness["spot"] == NOW - 5


@pytest.mark.parametrize(
    ("kind", "name", "symbol"),
    [
        ("cm", "BTCUSD_PERP", "BTC/USD:BTC"),
        ("cm", "BNBUSD_PERP", "BNB/USD:BNB"),
        ("cm", "DOTUSD_PERP", "DOT/USD:DOT"),
        ("cm", "bnbusd_240927", "BNB/USD:BNB-240927"),
        ("usdm", "BNBUSDT", "BNB/USDT:USDT"),
        ("usdm", "DOTUSDT_240927", "DOT/USDT:USDT-240927"),
        ("usdm", "BTCUSDC", "BTC/USDC:USDC"),
        ("spot", "BNBBUSD", "BNB/BUSD"),
        ("spot", "DOTTUSD", "DOT/TUSD"),
        ("spot", "BUSDUSDT", "BUSD/USDT"),
    ],
)
def test_a_name_is_split_where_its_exchange_does(kind: str, name: str, symbol: str) -> None:
    assert binance.named(kind, name) == Key("binance", symbol)


@pytest.mark.parametrize(
    ("kind", "name"), [("cm", "BTCUSDT"), ("usdm", "BTCETH"), ("spot", "ETHBTC"), ("spot", "USDT")]
)
def test_a_name_of_what_is_not_quoted_in_dollars_is_none(kind: str, name: str) -> None:
    assert binance.named(kind, name) is None


def test_a_first_line_may_be_long_and_in_any_script(tmp_path: Path) -> None:
    said = json.dumps({"symbols": [], "note": "€" * 50_000}, ensure_ascii=False)
    for shift in ("", " ", "  "):  # one of them is cut within a character
        write(
            tmp_path,
            f"https://{SPOT}/exchangeInfo -> {NOW - 5}: {shift}{said}".replace(": " + shift + "{", ": {" + shift),
            answer(f"{SPOT}/depth?symbol=BTCUSDT", depth()),
        )
        assert snapshot(tmp_path).spot


def test_contracts_are_as_large_as_their_exchange_says(tmp_path: Path) -> None:
    listed = [instrument("BTCUSD_PERP", 50), instrument("BTCUSD_240329", 50), instrument("ETHUSD_PERP", 20)]
    write(
        tmp_path,
        answer(f"{INVERSE}/depth?symbol=BTCUSD_PERP", depth()),
        answer(f"{INVERSE}/depth?symbol=BTCUSD_240329", depth(price=110.0)),
        answer(
            f"{INVERSE}/premiumIndex",
            [
                {
                    "symbol": "BTCUSD_PERP",
                    "markPrice": "100.5",
                    "indexPrice": "100.25",
                    "lastFundingRate": "0.0003",
                    "nextFundingTime": (NOW + 600) * 1000,
                }
            ],
        ),
        answer(f"{INVERSE}/exchangeInfo", {"symbols": listed}),
    )
    found = snapshot(tmp_path)
    perpetuals, futures = found.perpetuals, found.futures
    assert perpetuals
    assert perpetuals.books
    assert perpetuals.rules
    assert futures
    assert perpetuals.symbols == ("BTC/USD:BTC",)
    assert perpetuals.books.bid_size[0] == pytest.approx([1.5 * 50 / 99, 2.5 * 50 / 98, 3.5 * 50 / 97], rel=1e-12)
    assert (perpetuals.rules.contract_size[0], perpetuals.rules.minimum_notional_usd[0]) == (50, 100)
    assert (perpetuals.mark[0], perpetuals.index[0], perpetuals.funding_rate[0]) == (100.5, 100.25, 0.0003)
    assert (perpetuals.funding_interval_hours[0], perpetuals.next_funding_time[0]) == (8, NOW + 600)
    assert (futures.symbols, futures.bid[0]) == (("BTC/USD:BTC-240329",), 109.0)
    assert futures.index[0] == 100.5  # no index of its own was recorded: its perpetual's mark
    assert "contract sizes" not in found.assumptions
    assert found.assumptions["funding intervals"] == "8 hours, as neither said nor shown, for BTC/USD:BTC"
    assert found.assumptions["marks"].endswith("for BTC/USD:BTC-240329")
    assert found.assumptions["indices"] == "the mark of their coin's perpetual for BTC/USD:BTC-240329"
    assert found.excluded == {"instrument without a quote": 1}


def changes(kind: str) -> list[dict[str, Any]]:
    """Twenty changes of a book, the updates 1 to 40 two by two, as spot's or the contracts' stream numbers them."""
    rng = np.random.default_rng(3)
    rows = []
    for i in range(20):
        away, size = rng.integers(1, 12, 2), rng.integers(0, 3, 2)
        own = {"pu": 2 * i, "T": (NOW + i) * 1000} if kind == "usdm" else {}
        sides = {"b": [[f"{100 - away[0]}", f"{size[0]}"]], "a": [[f"{100 + away[1]}", f"{size[1]}"]]}
        rows.append({"e": "depthUpdate", "s": "BTCUSDT", "U": 2 * i + 1, "u": 2 * i + 2, **own, **sides})
    return rows


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


def test_what_came_after_the_moment_changes_nothing_but_its_count(tmp_path: Path) -> None:
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


def ticker(name: str, **values: Any) -> dict[str, Any]:
    data = {
        "instrument_name": name,
        "best_bid_price": 0.05,
        "best_ask_price": 0.06,
        "best_bid_amount": 7.0,
        "best_ask_amount": 8.0,
        "mark_price": 0.055,
        "index_price": 100.0,
        "open_interest": 40.0,
        "stats": {"volume_usd": 9.0},
        **values,
    }
    return {"jsonrpc": "2.0", "method": "subscription", "params": {"channel": f"ticker.{name}.raw", "data": data}}


def test_deribits_subscriptions_give_options_and_contracts(tmp_path: Path) -> None:
    option = {"mark_iv": 62.0, "underlying_price": 102.0, "underlying_index": "BTC-29MAR24"}
    prices = {"best_bid_price": 99.0, "best_ask_price": 101.0, "mark_price": 100.5}
    book = {
        "type": "snapshot",
        "instrument_name": "BTC-PERPETUAL",
        "change_id": 5,
        "bids": [["new", 99.0, 990.0], ["new", 98.0, 980.0]],
        "asks": [["new", 101.0, 2020.0]],
    }
    change = {**book, "type": "change", "prev_change_id": 5, "change_id": 9, "asks": [], "bids": [["delete", 98.0, 0]]}
    write(
        tmp_path,
        "wss://www.deribit.com/ws/api/v2 <-> 1709613000.5",
        'wss://www.deribit.com/ws/api/v2 <- 1709613000.6: {"id": 1}',
        came({"jsonrpc": "2.0", "id": 1, "result": ["ticker.BTC-PERPETUAL.raw"]}),
        came(ticker("BTC-29MAR24-100-C", **option)),
        came(ticker("BTC_USDC-29MAR24-100-C")),
        came(ticker("BTC-PERPETUAL", **prices, funding_8h=0.0001)),
        came(ticker("BTC-29MAR24", **prices)),
        *(
            came({"jsonrpc": "2.0", "method": "subscription", "params": {"channel": "book.BTC.raw", "data": data}})
            for data in (book, change)
        ),
        came({"jsonrpc": "2.0", "method": "subscription", "params": {"channel": "trades.BTC.raw", "data": []}}),
    )
    found = snapshot(tmp_path)
    assert found.options
    assert found.perpetuals
    assert found.perpetuals.books
    assert found.futures
    assert found.options.symbols == ("BTC/USD:BTC-240329-100-C",)
    row = {name: getattr(found.options, name)[0] for name in ("bid", "ask", "bid_size", "mark", "mark_iv", "forward")}
    assert row == {"bid": 0.05, "ask": 0.06, "bid_size": 7.0, "mark": 0.055, "mark_iv": 0.62, "forward": 102.0}
    assert found.options.open_interest_usd[0] == 4_000.0
    assert (found.perpetuals.symbols, found.perpetuals.exchanges) == (("BTC/USD:BTC",), ("deribit",))
    assert found.perpetuals.books.bid_size[0, 0] == pytest.approx(10.0, rel=1e-12)
    assert np.isnan(found.perpetuals.books.bid_size[0, 1:]).all()
    assert found.perpetuals.books.ask_size[0, 0] == pytest.approx(20.0, rel=1e-12)
    assert (found.perpetuals.funding_rate[0], found.perpetuals.next_funding_time[0]) == (0.0001, at(104))
    assert not {"funding intervals", "marks", "indices", "contract sizes"} & set(found.assumptions)
    assert found.perpetuals.open_interest_usd[0] == 40.0
    assert (found.futures.symbols, found.futures.mark[0]) == (("BTC/USD:BTC-240329",), 100.5)
    assert set(found.fees) == {"deribit"}
    assert found.excluded == {
        "message that is not read": 1,
        "option not quoted in coin": 1,
        "single trade: no strategy judges these": 1,
    }


def test_deribits_order_book_answers_are_books_and_tickers(tmp_path: Path) -> None:
    """As `public/get_order_book` answers: a ticker, and the levels beside it."""
    prices = {"best_bid_price": 99.0, "best_ask_price": 101.0, "mark_price": 100.5, "funding_8h": 0.0001}
    levels = {"bids": [[99.0, 990.0], [98.0, 980.0]], "asks": [[101.0, 2020.0]], "change_id": 7}
    asked = "www.deribit.com/api/v2/public/get_order_book?instrument_name"
    for name, sides in (("BTC-PERPETUAL", levels), ("BTC_USDC-29MAR24-100-C", levels)):
        row = ticker(name, **prices, **sides)["params"]["data"]
        lines = [answer(f"{asked}={name}", {"jsonrpc": "2.0", "result": row})]
        write(tmp_path, *lines, name=name)
    found = snapshot(tmp_path)
    assert found.perpetuals
    assert found.perpetuals.books
    assert found.perpetuals.books.bid_size[0] == pytest.approx([10.0, 10.0], rel=1e-12)
    assert found.perpetuals.books.ask_price[0, 0] == 101.0
    assert (found.perpetuals.mark[0], found.perpetuals.funding_rate[0]) == (100.5, 0.0001)
    assert found.excluded == {"option not quoted in coin": 1}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("BTC_USDC", "spot market of deribit, which is not read"),
        ("XRP_USDC-29MAR24-0d5-C", "option not quoted in coin"),
        ("BTC-FS-29MAR24_PERP", "instrument of deribit of another kind, which is not read"),
    ],
)
def test_what_deribit_has_beside_contracts_and_options_in_coin_is_counted_as_what_it_is(
    tmp_path: Path, name: str, reason: str
) -> None:
    listed = {"instrument_name": name, "contract_size": 1.0, "min_trade_amount": 1.0, "tick_size": 1.0}
    at = "www.deribit.com/api/v2/public/get_instruments"
    write(tmp_path, *quoted_everywhere(), came(ticker(name)), answer(at, {"jsonrpc": "2.0", "result": [listed]}))
    assert snapshot(tmp_path).excluded == {reason: 1, f"listed {reason}": 1}


@pytest.mark.parametrize(("seconds", "left"), [(-1, 0), (0, 1), (1, 1)])
def test_a_contract_that_has_expired_is_counted(tmp_path: Path, seconds: int, left: int) -> None:
    """The 5th of March at 8:00 UTC is 3.5 hours after the others' moment."""
    expiry = at(104)
    lines = [answer(f"{SPOT}/depth?symbol=BTCUSDT", depth(), expiry - NOW - 5)]
    lines += [answer(f"{LINEAR}/depth?symbol=BTCUSDT_240305", depth(), expiry - NOW - 5)]
    lines += [came(ticker("BTC-5MAR24-100-C"), expiry - NOW - 5)]
    write(tmp_path, *lines)
    found = snapshot(tmp_path, expiry + seconds)
    assert (found.futures is None, found.options is None) == (bool(left), bool(left))
    assert found.excluded == ({"expired": 2} if left else {})


def test_hyperliquids_books_are_of_perpetuals_in_usdc(tmp_path: Path) -> None:
    levels = [[{"px": f"{100 + side * i}", "sz": f"{i}", "n": 1} for i in (1, 2)] for side in (-1, 1)]
    write(
        tmp_path,
        streamed({"channel": "l2Book", "data": {"coin": "BTC", "levels": levels, "time": 1}}),
        streamed({"channel": "trades", "data": []}),
    )
    found = snapshot(tmp_path)
    assert found.perpetuals
    assert found.perpetuals.symbols == ("BTC/USDC:USDC",)
    assert found.perpetuals.exchanges == ("hyperliquid",)
    assert (found.perpetuals.bid[0], found.perpetuals.ask[0], found.perpetuals.inverse[0]) == (99.0, 101.0, 0)


def test_what_no_market_can_be_made_of_is_named_by_what_was_asked(tmp_path: Path) -> None:
    write(
        tmp_path,
        answer("www.okx.com/api/v5/public/instruments?instType=SPOT", {"code": "0", "data": []}),
        answer(f"{SPOT}/klines?symbol=BTCUSDT", [[1, 2]]),
        answer(f"{SPOT}/depth?symbol=BTCUSDT", depth(), -901),
    )
    with pytest.raises(MarketDataError, match="No recorded market is usable") as refused:
        snapshot(tmp_path)
    for reason in (
        "1 answer of www.okx.com/api/v5/public/instruments, which is not read",
        "1 answer to klines of binance, which is not read",
        "1 order book of another time",
    ):
        assert reason in str(refused.value)


BROKEN = {
    "no JSON": ("1709613000.5: {", "its body is no JSON"),
    "no message": ("hello", "'hello' is no recorded message"),
    "no address": (f"https://[abc -> {NOW - 5}: {{}}", "it answers no address .Invalid IPv6"),
    "no day": (
        answer(f"{LINEAR}/depth?symbol=BTCUSDT_991399", depth()),
        "it is not what its exchange sends .ValueError",
    ),
    "no update": (answer(f"{SPOT}/depth?symbol=BTCUSDT", depth("1")), "'1' is not the number of an update"),
    "no symbols": (answer(f"{SPOT}/exchangeInfo", {}), "it is not what its exchange sends .KeyError.'symbols'"),
    "no size": (answer(f"{SPOT}/depth?symbol=BTCUSDT", depth(bids=[["1", "0"]])), "is not a positive price and size"),
    "no numbers": (came(ticker("BTC-PERPETUAL") | {"params": {"channel": "ticker.x"}}), "KeyError.'data'"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_message_is_named_by_file_line_and_cause(tmp_path: Path, name: str) -> None:
    line, cause = BROKEN[name]
    path = write(tmp_path, "configuration: {}", line)
    with pytest.raises(MarketDataError, match=f"^{path}, line 2: .*{cause}"):
        snapshot(tmp_path)


@pytest.mark.parametrize("name", ["a", "z"])
def test_recorded_rules_count_for_what_another_file_quotes(tmp_path: Path, name: str) -> None:
    """Also where the quotes are the younger ones, and whichever file is read first."""
    listed = answer(f"{SPOT}/exchangeInfo", {"symbols": [instrument("BTCUSDT"), instrument("ADAUSDT")]}, -100)
    coined = answer(f"{INVERSE}/exchangeInfo", {"symbols": [instrument("BTCUSD_PERP", 50)]}, -100)
    write(tmp_path, listed, coined, name=name)
    for market in ("spot_btcusdt", "cm_btcusd_perp"):
        document = {side: depth()[side] for side in ("bids", "asks")} | {"E": (NOW - 5) * 1000}
        (tmp_path / f"{market}_20240305_depth3.json").write_text(json.dumps(document))
    found = snapshot(tmp_path)
    assert found.spot
    assert found.spot.rules
    assert (found.spot.symbols, found.spot.rules.tick[0]) == (("BTC/USDT",), 0.1)
    assert found.perpetuals
    assert found.perpetuals.books
    assert found.perpetuals.rules
    assert (found.perpetuals.rules.contract_size[0], found.perpetuals.rules.tick[0]) == (50, 0.1)
    assert found.perpetuals.books.bid_size[0] == pytest.approx([1.5 * 50 / 99, 2.5 * 50 / 98, 3.5 * 50 / 97], rel=1e-12)
    assert "contract sizes" not in found.assumptions
    assert found.excluded == {"instrument without a quote": 1}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_message_behind_the_moments_minute_is_not_looked_at(tmp_path: Path, name: str) -> None:
    line = BROKEN[name][0].replace(str(NOW - 5), str(NOW + 60)).replace("1709613000.5", str(NOW + 60))
    write(tmp_path, answer(f"{SPOT}/depth?symbol=BTCUSDT", depth()), came({}, 60), line, came({}, 61))
    assert snapshot(tmp_path).excluded == {"message after the moment": 3}


@pytest.mark.parametrize("end", range(1, 60, 7))
def test_a_last_line_that_was_cut_off_is_counted(tmp_path: Path, end: int) -> None:
    book, cut = answer(f"{SPOT}/depth?symbol=BTCUSDT", depth()), streamed({"stream": "btcusdt@depth", "data": {}})[:end]
    path = write(tmp_path, book, cut, packed=False)
    path.write_bytes(path.read_bytes()[:-1])
    assert snapshot(tmp_path).excluded == {"message that was cut off": 1}
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(MarketDataError, match=f"^{path}, line 2: "):
        snapshot(tmp_path)


@pytest.mark.parametrize("field", ["markPrice", "nextFundingTime", "lastFundingRate"])
def test_a_number_that_no_float_can_hold_is_none(tmp_path: Path, field: str) -> None:
    for huge in (10**400, 10**300, f"1{'0' * 400}"):
        row = {"symbol": "BTCUSDT", "markPrice": "100", "indexPrice": "100", "lastFundingRate": "0.0001"}
        quotes = answer(f"{LINEAR}/premiumIndex", row | {"nextFundingTime": (NOW + 600) * 1000} | {field: huge})
        write(tmp_path, answer(f"{LINEAR}/depth?symbol=BTCUSDT", depth()), quotes)
        assert snapshot(tmp_path).perpetuals


def test_a_level_that_no_float_can_hold_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, answer(f"{SPOT}/depth?symbol=BTCUSDT", depth(bids=[[10**400, 1]])))
    with pytest.raises(MarketDataError, match=f"^{path}, line 1: .*is not a positive price and size"):
        snapshot(tmp_path)


MINUTES = (
    "snapshot_timestamp_ms,instrument_name,candle_close_time_ms,candle_open,candle_close,"
    "perp_futures_best_bid,perp_futures_best_ask\n"
)


def minute(name: str, seconds: float, closes: float, quotes: str = ",") -> str:
    return f"{round((NOW + seconds) * 1000)},{name},{round((NOW + closes) * 1000)},100,104,{quotes}\n"


@pytest.mark.parametrize(("closes", "price"), [(0, 104.0), (1, 100.0)])
def test_a_minute_candle_tells_its_close_once_it_is_closed(tmp_path: Path, closes: int, price: float) -> None:
    rows = [minute("ETH-PERPETUAL", -30, closes), minute("BTC-PERPETUAL", 20, closes, "99,101")]
    later = [minute("BTC-PERPETUAL", 60, 90, "1,2"), minute("BTC-PERPETUAL", -901, -900, "1,2")]
    (tmp_path / "perps.csv").write_text(MINUTES + "".join([*rows, *later]))
    found = snapshot(tmp_path)
    perpetuals = found.perpetuals
    assert perpetuals
    assert perpetuals.symbols == ("BTC/USD:BTC", "ETH/USD:ETH")
    assert perpetuals.exchanges == ("deribit", "deribit")
    assert list(perpetuals.inverse) == [1, 1]
    assert list(perpetuals.mark) == [price, price]
    assert found.assumptions["marks"].endswith("as no mark was recorded, for BTC/USD:BTC, ETH/USD:ETH")
    assert list(perpetuals.bid) == [99.0, pytest.approx(price * (1 - 2.5e-4))]
    assert perpetuals.candles == {}
    assert found.excluded == {"minute candle of another time": 2}


@pytest.mark.parametrize("newest", ["a.csv", "b.csv"])
def test_the_newest_minute_candle_counts_whatever_its_file_is_called(tmp_path: Path, newest: str) -> None:
    for name in ("a.csv", "b.csv"):
        seconds, quotes = (-60, "99,101") if name == newest else (-600, "89,91")
        (tmp_path / name).write_text(MINUTES + minute("BTC-PERPETUAL", seconds, 0, quotes))
    found = snapshot(tmp_path)
    assert found.perpetuals
    assert (found.perpetuals.bid[0], found.freshness["perpetuals"]) == (99.0, NOW - 60)
    assert found.excluded == {"minute candle with a newer one": 1}


def test_a_table_of_minutes_names_what_is_no_perpetual(tmp_path: Path) -> None:
    path = tmp_path / "perps.csv"
    path.write_text(MINUTES + minute("BTC-29MAR24", 0, 1))
    with pytest.raises(MarketDataError, match=f"^{path}, row 1: 'BTC-29MAR24' is not the name of a perpetual"):
        snapshot(tmp_path)


def test_minute_candles_have_the_rules_that_their_exchange_was_recorded_to_say(tmp_path: Path) -> None:
    row = {"instrument_name": "BTC-PERPETUAL", "contract_size": 10.0, "min_trade_amount": 10.0, "tick_size": 0.5}
    said = {"jsonrpc": "2.0", "result": [row]}
    write(tmp_path, answer("www.deribit.com/api/v2/public/get_instruments?currency=BTC", said, -100))
    (tmp_path / "perps.csv").write_text(MINUTES + minute("BTC-PERPETUAL", -30, 0))
    found = snapshot(tmp_path)
    assert found.perpetuals
    assert found.perpetuals.rules
    assert (found.perpetuals.rules.contract_size[0], found.perpetuals.rules.tick[0]) == (10.0, 0.5)


def quoted_everywhere() -> Iterable[str]:
    for symbol in ("BTCUSD_PERP", "ETHUSD_PERP"):
        yield answer(f"{INVERSE}/depth?symbol={symbol}", depth())
    for symbol in ("BTCUSDT", "ETHUSDT"):
        yield answer(f"{LINEAR}/depth?symbol={symbol}", depth())
        yield answer(f"{SPOT}/depth?symbol={symbol}", depth())


@pytest.mark.parametrize("name", names())
def test_no_strategy_finds_anything_in_quotes_alone_and_all_say_why(tmp_path: Path, name: str) -> None:
    write(tmp_path, *quoted_everywhere())
    market = snapshot(tmp_path)
    with pytest.raises(Unsuitable, match=r"\w+ \w+"):
        strategy(name)(market, Investor(capital_usd=50_000.0, holdings={"BTC": 1.0}))
