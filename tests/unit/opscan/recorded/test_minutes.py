"""Deribit's minute candles of perpetuals, as tables."""

from pathlib import Path

import pytest

from opportunities.errors import MarketDataError
from tests.support.messages import MINUTES, NOW, answer, minute, snapshot, write


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
