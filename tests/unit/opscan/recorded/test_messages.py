"""What is read out of each exchange's messages, and what no market can be made of."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from opportunities.domain import Investor
from opportunities.errors import MarketDataError, Unsuitable
from opportunities.strategies import load as strategy
from opportunities.strategies import names
from opscan.recorded import binance
from opscan.recorded.events import Key
from tests.support.messages import (
    INVERSE,
    LINEAR,
    NOW,
    SPOT,
    answer,
    came,
    depth,
    instrument,
    snapshot,
    streamed,
    ticker,
    write,
)
from tests.support.recordings import at


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
def test_other_deribit_instruments_are_counted_as_what_they_are(tmp_path: Path, name: str, reason: str) -> None:
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


def test_useless_recordings_are_named_by_what_was_asked(tmp_path: Path) -> None:
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
