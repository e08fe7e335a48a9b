"""Recorded option chains: Deribit's snapshots and exports, with chains made here by inverse Black-76."""

import csv
import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from math import log, sqrt
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from opportunities.errors import MarketDataError
from opportunities.market.archive.file import load, save
from opportunities.market.option_chains import deribit_contract, deribit_expiry
from opportunities.market.snapshot import MarketSnapshot, Options
from opscan.recorded.files import from_directory
from tests.support.recordings import at, candles, write

NOW = at(100.5)  # 2024-03-05 04:30 UTC
MARCH, NEXT_DAY = "29MAR24", "6MAR24"
FORWARDS = {MARCH: 102.0, NEXT_DAY: 100.25}
INDEX = 100.0
SIGMA = 0.6
COLUMNS = (
    *("timestamp", "instrument_name", "option_type", "strike", "expiry_datetime", "bid_price", "ask_price"),
    *("mark_price", "futures_price", "futures_instrument_name", "implied_volatility", "open_interest", "index_price"),
    "volume_usd",
)

type Row = dict[str, object]
type Change = Callable[[list[Row]], object]


def premium(day: str, strike: float, *, call: bool) -> float:
    """Black 1976 on the forward, in coin."""
    expiry = deribit_expiry(day)
    assert expiry
    years, forward = (expiry - NOW) / (365 * 86_400), FORWARDS[day]
    deviation = SIGMA * sqrt(years)
    d1 = log(forward / strike) / deviation + deviation / 2
    sign = 1 if call else -1
    value = sign * (forward * norm.cdf(sign * d1) - strike * norm.cdf(sign * (d1 - deviation)))
    return float(value / forward)


def chain(seconds: int = -20, days: tuple[str, ...] = (MARCH, NEXT_DAY)) -> list[Row]:
    """Rows of a snapshot so many seconds after the moment; the next day's expiry has no future of its own."""
    rows: list[Row] = []
    for day in days:
        for strike in range(80, 125, 5):
            for call in (True, False):
                mark = premium(day, strike, call=call)
                rows.append(
                    {
                        "timestamp": datetime.fromtimestamp(NOW + seconds, UTC).isoformat(),
                        "instrument_name": f"BTC-{day}-{strike}-{'C' if call else 'P'}",
                        "option_type": "call" if call else "put",
                        "strike": float(strike),
                        "expiry_datetime": "",
                        "bid_price": mark * 0.98,
                        "ask_price": mark * 1.02,
                        "mark_price": mark,
                        "futures_price": FORWARDS[day] if day == MARCH else "",
                        "futures_instrument_name": "",
                        "implied_volatility": SIGMA,
                        "open_interest": 3.0,
                        "index_price": INDEX,
                        "volume_usd": 5.0,
                    }
                )
    return rows


def write_chain(directory: Path, rows: list[Row], seconds: int = -20, *, packed: bool = True) -> Path:
    name = f"deribit_options_snapshot_{datetime.fromtimestamp(NOW + seconds, UTC):%Y%m%dT%H%M%SZ}.csv"
    path = directory / (name + ".gz" * packed)
    directory.mkdir(exist_ok=True)
    with gzip.open(path, "wt", newline="") if packed else path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


EXPORT = "Instrument,Volume,Open,Rho,Theta,Vega,Gamma,Δ|Delta,Last,Size,IV Bid,Bid,Mark,Ask,IV Ask,Size"


def write_export(directory: Path, day: str = MARCH, lines: list[str] | None = None) -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / f"BTC-{day}-export.csv"
    path.write_text("\n".join([EXPORT, *(lines or export_lines(day))]), encoding="utf-8")
    return path


def export_lines(day: str = MARCH) -> list[str]:
    """The highest strike has no bids."""
    lines = []
    for strike in range(80, 125, 5):
        for kind in "CP":
            mark = premium(day, strike, call=kind == "C")
            bid = "-,-,-" if strike == 120 else f"7,58,{mark * 0.99:.8f}"
            name = f"BTC-{day}-{strike}-{kind}"
            lines.append(f"{name},2,10,0,0,0,0,0,0.1,{bid},{mark:.8f},{mark * 1.01:.8f},62,9")
    return lines


def record_spot(directory: Path, price: float = 100.0) -> float:
    rows = candles(101, price=price)
    write(directory, "BTC_USDT-1h.feather", rows)
    return float(rows[99][4])


def options_of(snapshot: MarketSnapshot) -> Options:
    assert snapshot.options
    return snapshot.options


@pytest.mark.parametrize("packed", [True, False])
def test_a_chain_is_read_as_it_was_quoted(tmp_path: Path, packed: bool) -> None:
    write_chain(tmp_path, chain(), packed=packed)
    snapshot = from_directory([tmp_path], NOW)
    options = options_of(snapshot)
    assert len(options.symbols) == 36
    i = options.symbols.index("BTC/USD:BTC-240329-105-C")
    mark = premium(MARCH, 105, call=True)
    assert (options.bid[i], options.ask[i], options.mark[i]) == pytest.approx((mark * 0.98, mark * 1.02, mark))
    assert (options.strike[i], options.call[i], options.inverse[i]) == (105, 1, 1)
    assert options.expiry[i] == datetime(2024, 3, 29, 8, tzinfo=UTC).timestamp()
    assert (options.mark_iv == SIGMA).all()
    assert options.open_interest_usd == pytest.approx(3 * INDEX)
    assert set(options.exchanges) == {"deribit"}
    assert snapshot.fees["deribit"].option_cap == 0.125
    assert snapshot.freshness["options"] == NOW - 20
    assert save(load(save(snapshot))) == save(snapshot)
    assert set(snapshot.missing) == {"spot", "perpetuals", "futures", "books"}


def test_an_expiry_without_a_future_has_the_forward_that_its_parity_implies(tmp_path: Path) -> None:
    write_chain(tmp_path, chain())
    snapshot = from_directory([tmp_path], NOW)
    options = options_of(snapshot)
    near = options.expiry == deribit_expiry(NEXT_DAY)
    assert options.forward[near] == pytest.approx(FORWARDS[NEXT_DAY], rel=1e-9)
    assert (options.forward[~near] == FORWARDS[MARCH]).all()
    assert snapshot.assumptions["option forwards"].endswith("of BTC 2024-03-06")


@pytest.mark.parametrize(("seconds", "belongs"), [(-86_400, True), (-86_401, False), (59, True), (60, False)])
def test_a_chain_belongs_to_a_day_and_to_the_moments_own_minute(tmp_path: Path, seconds: int, belongs: bool) -> None:
    record_spot(tmp_path)
    write_chain(tmp_path, chain(seconds, days=(MARCH,)), seconds)
    snapshot = from_directory([tmp_path], NOW)
    assert (snapshot.options is not None) is belongs
    if belongs:
        assert snapshot.freshness["options"] <= NOW
        assert f"recorded {abs(seconds)} s" in snapshot.assumptions["options"]
    else:
        assert "options" in snapshot.missing
        assert snapshot.excluded["option chain of another time"] == 1


def test_the_newest_chain_counts(tmp_path: Path) -> None:
    write_chain(tmp_path, chain(-3_000, days=(MARCH,)), -3_000)
    write_chain(tmp_path, chain(-20), -20)
    snapshot = from_directory([tmp_path], NOW)
    assert len(options_of(snapshot).symbols) == 36
    assert snapshot.excluded["option chain with a newer one"] == 1


def test_nothing_quoted_after_the_moments_minute_is_used(tmp_path: Path) -> None:
    rows = chain()
    later = datetime.fromtimestamp(NOW + 61, UTC).isoformat()
    write_chain(tmp_path / "known", rows[:30])
    write_chain(tmp_path / "later", rows[:30] + [row | {"timestamp": later, "bid_price": -9} for row in rows[30:]])
    known, changed = (from_directory([tmp_path / name], NOW) for name in ("known", "later"))
    assert np.array_equal(options_of(known).bid, options_of(changed).bid)
    assert changed.excluded["quoted after the moment"] == 6


def test_options_that_are_not_quoted_in_coin_are_counted(tmp_path: Path) -> None:
    rows = chain()
    rows[0]["instrument_name"] = "SOL_USDC-29MAR24-100-C"
    write_chain(tmp_path, rows)
    snapshot = from_directory([tmp_path], NOW)
    assert len(options_of(snapshot).symbols) == 35
    assert snapshot.excluded["option not quoted in coin"] == 1


BAD_CHAINS: dict[str, tuple[Change, str]] = {
    "name": (lambda rows: rows[3].update(instrument_name="BTC-31FEB24-90-P"), "row 4: 'BTC-31FEB24-90-P' is not the"),
    "kind": (lambda rows: rows[3].update(option_type="call"), "row 4: BTC-29MAR24-85-P is called a 'call'"),
    "strike": (lambda rows: rows[3].update(strike=86), "row 4: BTC-29MAR24-85-P is given the strike 86.0"),
    "twice": (lambda rows: rows.insert(4, rows[3]), "row 5: it repeats BTC-29MAR24-85-P"),
    "negative": (lambda rows: rows[3].update(bid_price=-0.1), "row 4: the bid_price -0.1 is not a number from 0 on"),
    "infinite": (lambda rows: rows[3].update(mark_price="inf"), "row 4: the mark_price inf is not"),
    "text": (lambda rows: rows[3].update(ask_price="soon"), "row 4: the ask_price 'soon' is not a number"),
    "date": (lambda rows: rows[3].update(timestamp="today"), "row 4: the date 'today' is neither"),
}


@pytest.mark.parametrize("name", BAD_CHAINS)
def test_a_broken_chain_is_named_by_file_row_and_cause(tmp_path: Path, name: str) -> None:
    change, cause = BAD_CHAINS[name]
    rows = chain()
    change(rows)
    path = write_chain(tmp_path, rows)
    with pytest.raises(MarketDataError) as refused:
        from_directory([tmp_path], NOW)
    assert str(refused.value).startswith(f"{path}, {cause}")


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    path = write_chain(tmp_path, chain())
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(MarketDataError, match=f"^{path}: it cannot be read as CSV"):
        from_directory([tmp_path], NOW)


def test_a_name_that_says_no_moment_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deribit_options_snapshot_20241399T000000Z.csv"
    path.write_text(",".join(COLUMNS))
    with pytest.raises(MarketDataError, match="its name says 20241399T000000Z, which is no moment"):
        from_directory([tmp_path], NOW)


def test_an_export_counts_where_its_forward_fits_the_price(tmp_path: Path) -> None:
    price = record_spot(tmp_path, price=100 * 100 / record_spot(tmp_path) * 1.01)
    write_export(tmp_path)
    snapshot = from_directory([tmp_path], NOW)
    options = options_of(snapshot)
    assert len(options.symbols) == 18
    assert options.forward == pytest.approx(FORWARDS[MARCH], rel=1e-6)
    assert (options.index == price).all()
    i = options.symbols.index("BTC/USD:BTC-240329-100-P")
    mark = premium(MARCH, 100, call=False)
    assert (options.bid[i], options.mark[i], options.ask[i]) == pytest.approx(
        (mark * 0.99, mark, mark * 1.01), abs=1e-7
    )
    assert (options.bid_size[i], options.ask_size[i]) == (7, 9)
    assert options.mark_iv[i] == pytest.approx(0.60)
    assert options.open_interest_usd[i] == pytest.approx(10 * price)
    assert options.volume_24h_usd[i] == pytest.approx(2 * mark * price, rel=1e-5)
    last = options.symbols.index("BTC/USD:BTC-240329-120-C")
    assert np.isnan([options.bid[last], options.bid_size[last], options.mark_iv[last]]).all()
    assert "BTC 2024-03-29 (+" in snapshot.assumptions["exported options"]


@pytest.mark.parametrize(
    ("day", "scale", "reason"),
    [
        ("1MAR24", 1.0, "option export of an expiry that is past"),
        (MARCH, 1.1, "option export whose forward does not fit the moment's price"),
    ],
)
def test_an_export_of_another_moment_is_counted(tmp_path: Path, day: str, scale: float, reason: str) -> None:
    record_spot(tmp_path, price=100 * 100 / record_spot(tmp_path) * scale)
    lines = [line.replace(MARCH, day) for line in export_lines()]
    write_export(tmp_path, day, lines)
    snapshot = from_directory([tmp_path], NOW)
    assert snapshot.options is None
    assert snapshot.excluded[reason] == 1


def test_export_without_a_price_to_compare_does_not_count(tmp_path: Path) -> None:
    write(tmp_path, "ETH_USDT-1h.feather", candles(101))
    write_export(tmp_path)
    assert from_directory([tmp_path], NOW).options is None


def test_an_export_beside_a_chain_adds_only_the_expiries_that_the_chain_lacks(tmp_path: Path) -> None:
    record_spot(tmp_path, price=100 * 100 / record_spot(tmp_path) * 1.01)
    write_chain(tmp_path, chain())
    write_export(tmp_path)
    snapshot = from_directory([tmp_path], NOW)
    assert len(options_of(snapshot).symbols) == 36
    assert "exported options" not in snapshot.assumptions


def test_two_exports_of_one_expiry_are_refused_unless_another_moment_or_a_chain_leaves_them_out(
    tmp_path: Path,
) -> None:
    record_spot(tmp_path, price=100 * 100 / record_spot(tmp_path) * 1.01)
    again = write_export(tmp_path).rename(tmp_path / "BTC-29MAR24-export (1).csv")
    first = write_export(tmp_path)
    with pytest.raises(MarketDataError) as refused:
        from_directory([tmp_path], NOW)
    assert str(refused.value) == f"{first}: it records the same as {again}; leave one of them out."
    write_chain(tmp_path, chain())
    assert len(options_of(from_directory([tmp_path], NOW)).symbols) == 36


def test_an_export_in_another_layout_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "BTC-29MAR24-export.csv"
    path.write_text("Instrument,Bid\nBTC-29MAR24-100-C,1")
    with pytest.raises(
        MarketDataError, match=f"^{path}: it does not have Volume, Open, IV Bid, Mark, Ask, IV Ask, Size"
    ):
        from_directory([tmp_path], NOW)


@pytest.mark.parametrize("name", ["BTC-29MAR24-0-C", "BTC-29MAR24-100-X", "BTC-PERPETUAL", "BTC-32MAR24-1-C", ""])
def test_other_instruments_are_not_taken_for_options(name: str) -> None:
    assert deribit_contract(name) is None
