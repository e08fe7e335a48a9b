"""Recorded messages that cannot be read: named by file, line and cause, or counted where nothing rests on them."""

from pathlib import Path

import pytest

from opportunities.errors import MarketDataError
from tests.support.messages import LINEAR, NOW, SPOT, answer, came, depth, snapshot, streamed, ticker, write

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
