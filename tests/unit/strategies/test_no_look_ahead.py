"""What comes after a moment changes nothing that any strategy says of that moment, through the sources themselves.

The simulated market is one that goes on: an earlier moment's past, cut out of a later capture, is the same past. A
recording is of files that go on: rows, books and chains after the moment, and the bar that was still open, don't count.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from opportunities import strategies
from opportunities.domain import Investor
from opportunities.market.planted import complex_strategy
from opportunities.market.planted.demo import plant_of, planted_market
from opportunities.market.simulated import simulated
from opportunities.market.snapshot import Candles, MarketSnapshot, Options, Perpetuals
from opscan.recorded.files import from_directory
from tests.benchmarks.strategies_report import investor_of
from tests.support.derivatives import cut
from tests.support.recordings import HOUR, write

# Half an hour into a bar.
MOMENT = 1_795_291_200 + 1800
LATER = MOMENT + 5 * HOUR
INVESTOR = Investor(capital_usd=50_000.0, holdings={"BTC": 1.0, "ETH": 8.0, "SOL": 150.0})
PAYMENTS = 200
RECORDED_HOURS = 1000
AFTERWARDS = 3


def as_known(market: MarketSnapshot, source: MarketSnapshot, lengths: dict[str, int]) -> MarketSnapshot:
    """The market at `MOMENT` with the candles and payments that `source` shows until then."""

    def section(part: Any, shown: Any) -> Any:
        past = {name: last(each, lengths[name]) for name, each in cut(shown.candles, MOMENT).items()}
        return replace(part, candles=past)

    assert market.perpetuals is not None
    assert source.perpetuals is not None
    rates, times = payments(source.perpetuals)
    perpetuals = replace(section(market.perpetuals, source.perpetuals), funding_history=rates, funding_time=times)
    return replace(market, spot=section(market.spot, source.spot), perpetuals=perpetuals)


def last(candles: Candles, bars: int) -> Candles:
    columns = {field.name: getattr(candles, field.name)[..., -bars:] for field in fields(candles)[1:]}
    return replace(candles, **columns)


def payments(contracts: Perpetuals) -> tuple[Any, Any]:
    """The last payments until the moment, of each contract."""
    known = [(contracts.funding_time[row] <= MOMENT).nonzero()[0][-PAYMENTS:] for row in range(len(contracts.symbols))]
    return (
        np.array([contracts.funding_history[row, these] for row, these in enumerate(known)]),
        np.array([contracts.funding_time[row, these] for row, these in enumerate(known)]),
    )


@cache
def fair(seed: int) -> tuple[MarketSnapshot, MarketSnapshot]:
    """A fair market with the past as it was known, and as a later capture shows it."""
    now, then = (simulated(seed, at, fair=True) for at in (MOMENT, LATER))
    assert then.spot is not None
    lengths = {name: each.close.shape[1] for name, each in cut(then.spot.candles, MOMENT).items()}
    return as_known(now, now, lengths), as_known(now, then, lengths)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", strategies.names())
def test_a_later_capture_of_the_simulated_market_shows_the_same_past(name: str, seed: int) -> None:
    found = []
    for market in fair(seed):
        planted, _ = plant_of(name)(market, seed, 1.0)
        found.append(strategies.load(name)(planted, investor_of(name, planted)))
    assert found[0].opportunities
    assert found[0] == found[1]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The demo market written as recordings that end with the moment's last closed bar, and as ones that go on."""
    # of its kinds, the box is the one that recordings can have: of one exchange, books of dollar pairs, no futures
    market, _ = complex_strategy.plant(planted_market(7, MOMENT), 3, 1.0)
    known, longer = (tmp_path_factory.mktemp(name) for name in ("known", "longer"))
    record(market, known, afterwards=0)
    record(market, longer, afterwards=AFTERWARDS)
    return known, longer


def record(market: MarketSnapshot, directory: Path, *, afterwards: int) -> None:
    assert market.spot is not None
    assert market.perpetuals is not None
    assert market.options is not None
    for section, kind in ((market.spot, ""), (market.perpetuals, "-futures")):
        candles = section.candles["1h"]
        for row in first_of_each(section):
            symbol = section.symbols[row].replace("/", "_").replace(":", "_")
            write(directory, f"{symbol}-1h{kind}.feather", list(bars(candles, row, afterwards)))
            record_book(section, row, directory, afterwards)
            if kind:
                write(directory, f"{symbol}-8h-funding_rate.feather", list(paid(market.perpetuals, row, afterwards)))
    record_chain(market.options, directory, MOMENT - 20, 1.0)
    if afterwards:
        record_chain(market.options, directory, MOMENT + 600, 1.5)


def first_of_each(section: Any) -> list[int]:
    """The first listing of each pair in dollars that has candles: a recording is of one exchange."""
    first: dict[str, int] = {}
    for row, symbol in enumerate(section.symbols[: len(section.candles["1h"].close)]):
        if "/USDT" in symbol:
            first.setdefault(symbol, row)
    return list(first.values())


def bars(candles: Candles, row: int, afterwards: int) -> Iterator[list[float]]:
    """Recorded bars; those after the moment, the one still open first, are as unlike what came before as can be."""
    columns = (candles.open, candles.high, candles.low, candles.close, candles.volume)
    for i in range(-RECORDED_HOURS, 0):
        yield [float(candles.open_time[i]) * 1000, *(float(column[row, i]) for column in columns)]
    price, volume = float(candles.close[row, -1]), float(candles.volume[row, -1])
    for i in range(afterwards):
        at = float(candles.open_time[-1] + (i + 1) * HOUR) * 1000
        yield [at, price, price * 9, price / 9, price * (5 if i % 2 else 0.2), volume * 40]


def paid(contracts: Perpetuals, row: int, afterwards: int) -> Iterator[list[float]]:
    interval = int(contracts.funding_interval_hours[row]) * HOUR
    times = [int(time) for time in contracts.funding_time[row] if time]
    rates = contracts.funding_history[row][-len(times) :]
    for time, rate in zip(times, rates, strict=True):
        yield [time * 1000.0, float(rate), 0.0, 0.0, 0.0, 0.0]
    for i in range(afterwards):
        yield [(times[-1] + (i + 1) * interval) * 1000.0, 0.01, 0.0, 0.0, 0.0, 0.0]


def record_book(section: Any, row: int, directory: Path, afterwards: int) -> None:
    """The book seconds before the moment, and where the recording goes on, another of minutes after it."""
    if section.books is None or row >= len(section.books.bid_price):
        return
    name = section.symbols[row].partition(":")[0].replace("/", "").lower()
    kind = "spot" if ":" not in section.symbols[row] else "usdm"
    for at, scale in ((MOMENT - 10, 1.0), *(((MOMENT + 300, 1.7),) if afterwards else ())):
        levels = {
            side: [
                [str(float(price) * scale), str(float(size))]
                for price, size in zip(
                    getattr(section.books, f"{column}_price")[row],
                    getattr(section.books, f"{column}_size")[row],
                    strict=True,
                )
                if np.isfinite(price)
            ]
            for side, column in (("bids", "bid"), ("asks", "ask"))
        }
        folder = directory / f"books at {at}"
        folder.mkdir(exist_ok=True)
        path = folder / f"{kind}_{name}_{datetime.fromtimestamp(at, UTC):%Y%m%d}_depth1000.json"
        path.write_text(json.dumps({**levels, "E": at * 1000}))


def record_chain(options: Options, directory: Path, at: int, scale: float) -> None:
    """The coin-quoted options as Deribit's chains are recorded; later ones have other prices."""
    path = directory / f"deribit_options_snapshot_{datetime.fromtimestamp(at, UTC):%Y%m%dT%H%M%SZ}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            (
                *("timestamp", "instrument_name", "option_type", "strike", "expiry_datetime", "bid_price", "ask_price"),
                *("mark_price", "futures_price", "futures_instrument_name", "implied_volatility", "open_interest"),
                *("index_price", "volume_usd"),
            )
        )
        for row in np.flatnonzero(options.inverse).tolist():
            coin = options.symbols[row].partition("/")[0]
            day = datetime.fromtimestamp(int(options.expiry[row]), UTC)
            kind = "C" if options.call[row] else "P"
            instrument = f"{coin}-{day.day}{day:%b%y}-{options.strike[row]:g}-{kind}".upper()
            prices = [float(getattr(options, name)[row]) * scale for name in ("bid", "ask", "mark")]
            writer.writerow(
                (
                    *(datetime.fromtimestamp(at, UTC).isoformat(), instrument, {"C": "call", "P": "put"}[kind]),
                    *(float(options.strike[row]), "", prices[0], prices[1], prices[2], float(options.forward[row]), ""),
                    *(float(options.mark_iv[row]), 5.0, float(options.index[row]), 1e8),
                )
            )


@pytest.mark.parametrize("name", strategies.names())
def test_a_recording_that_goes_on_gives_the_same_findings(name: str, recordings: tuple[Path, Path]) -> None:
    known, longer = (recorded(path) for path in recordings)
    found = strategies.load(name)(known, INVESTOR)
    assert found.opportunities
    assert strategies.load(name)(longer, INVESTOR) == found


def test_the_recording_that_goes_on_says_something_else_later(recordings: tuple[Path, Path]) -> None:
    now, then = (from_directory([recordings[1]], at) for at in (MOMENT, MOMENT + 2 * HOUR))
    assert now.spot is not None
    assert then.spot is not None
    assert now.options is not None
    assert then.options is not None
    known = dict(zip(now.spot.symbols, now.spot.last, strict=True))
    ratio = [last / known[symbol] for symbol, last in zip(then.spot.symbols, then.spot.last, strict=True)]
    assert np.abs(np.log(ratio)).min() > 0.5
    assert np.nanmedian(then.options.mark) > 1.2 * np.nanmedian(now.options.mark)


@cache
def recorded(directory: Path) -> MarketSnapshot:
    return from_directory([directory], MOMENT)
