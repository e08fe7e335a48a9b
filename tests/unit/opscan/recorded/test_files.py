"""Recorded markets: what a snapshot as of a moment takes from the files, and what it leaves out."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opportunities.domain import Fees
from opportunities.errors import MarketDataError
from opportunities.market.archive.file import save
from opportunities.market.snapshot import MarketSnapshot, Perpetuals, Spot
from opportunities.market.universe import unfit
from opscan.recorded.files import from_directory
from tests.support.recordings import BEGIN, HOUR, Row, at, candles, funding, write

NOW = at(100.5)
RATES = [0.0001, 0.0, 0.0, 0.0003, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0002, -0.0004]  # the last one is paid at 96 h


def spot_of(snapshot: MarketSnapshot) -> Spot:
    assert snapshot.spot
    return snapshot.spot


def perpetuals_of(snapshot: MarketSnapshot) -> Perpetuals:
    assert snapshot.perpetuals
    return snapshot.perpetuals


def record_spot(directory: Path, *pairs: str, hours: int = 101) -> None:
    for seed, pair in enumerate(pairs):
        write(directory, f"{pair}-1h.feather", candles(hours, seed=seed))


def record_perpetual(directory: Path, pair: str = "BTC_USDT_USDT", suffix: str = "feather") -> None:
    write(directory, f"{pair}-1h-futures.{suffix}", candles(101, seed=5))
    write(directory, f"{pair}-1h-mark.{suffix}", candles(101, seed=6))
    write(directory, f"{pair}-1h-funding_rate.{suffix}", funding(RATES))


def test_the_last_closed_bar_gives_the_prices(tmp_path: Path) -> None:
    rows = candles(101)
    write(tmp_path, "BTC_USDT-1h.feather", rows)
    spot = spot_of(from_directory([tmp_path], NOW))
    assert spot.symbols == ("BTC/USDT",)
    assert spot.last[0] == rows[99][4]
    assert spot.candles["1h"].open_time[-1] == at(99)
    assert spot.volume_24h_usd[0] == pytest.approx(sum(row[4] * row[5] for row in rows[76:100]))


@pytest.mark.parametrize(("seconds", "last"), [(-1, 98), (0, 99), (1, 99)])
def test_a_bar_counts_from_the_second_in_which_it_closes(tmp_path: Path, seconds: int, last: int) -> None:
    record_spot(tmp_path, "BTC_USDT")
    snapshot = from_directory([tmp_path], at(100) + seconds)
    assert spot_of(snapshot).candles["1h"].open_time[-1] == at(last)
    assert snapshot.freshness["spot"] == at(last + 1)


def test_only_whole_closed_bars_make_longer_candles(tmp_path: Path) -> None:
    record_spot(tmp_path, "BTC_USDT", hours=99)
    made = spot_of(from_directory([tmp_path], at(99))).candles
    assert made["4h"].open_time[-1] == at(92)
    assert made["1d"].open_time[-1] == at(72)


def test_a_later_listing_is_nan_before_and_whole_after(tmp_path: Path) -> None:
    write(tmp_path, "BTC_USDT-1h.feather", candles(101))
    write(tmp_path, "NEW_USDT-1h.feather", candles(31, begins=70))
    spot = spot_of(from_directory([tmp_path], NOW))
    new = spot.candles["1h"].close[spot.symbols.index("NEW/USDT")]
    assert np.isnan(new[:70]).all()
    assert np.isfinite(new[70:]).all()
    assert np.isfinite(spot.candles["1h"].close[0]).all()


@pytest.mark.parametrize("spread_bps", [0.0, 5.0, 20.0])
def test_quotes_are_the_assumed_spread_around_the_last_close(tmp_path: Path, spread_bps: float) -> None:
    record_spot(tmp_path, "BTC_USDT")
    snapshot = from_directory([tmp_path], NOW, spread_bps=spread_bps)
    spot = spot_of(snapshot)
    assert (spot.ask - spot.bid) / spot.last * 1e4 == pytest.approx(spread_bps)
    assert f"{spread_bps / 2:g} bps" in snapshot.assumptions["quotes"]
    assert spot.books is None
    assert "books" in snapshot.missing


def test_csv_and_feather_of_the_same_rows_make_the_same_snapshot(tmp_path: Path) -> None:
    made = []
    for suffix in ("feather", "csv"):
        directory = tmp_path / suffix
        write(directory, f"BTC_USDT-1h.{suffix}", candles(101))
        record_perpetual(directory, suffix=suffix)
        made.append(save(from_directory([directory], NOW)))
    assert made[0] == made[1]


def test_csv_dates_may_be_epoch_milliseconds(tmp_path: Path) -> None:
    lines = [",".join([str(int(row[0])), *map(repr, row[1:])]) for row in candles(101)]
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "BTC_USDT-1h.csv").write_text("date,open,high,low,close,volume\n" + "\n".join(lines))
    write(tmp_path / "other", "BTC_USDT-1h.feather", candles(101))
    assert save(from_directory([tmp_path / "text"], NOW)) == save(from_directory([tmp_path / "other"], NOW))


def test_csv_needs_no_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "BTC_USDT-1h.csv", candles(101))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert from_directory([tmp_path], NOW).spot


def test_spot_and_perpetuals_may_lie_in_several_directories(tmp_path: Path) -> None:
    record_spot(tmp_path / "spot", "BTC_USDT")
    record_perpetual(tmp_path / "perpetual")
    snapshot = from_directory([tmp_path / "spot", tmp_path / "perpetual"], NOW, exchange="venue")
    assert spot_of(snapshot).exchanges == ("venue",)
    assert perpetuals_of(snapshot).exchanges == ("venue",)
    assert set(snapshot.fees) == {"venue"}
    assert perpetuals_of(snapshot).index[0] == spot_of(snapshot).last[0]


def test_the_fees_are_the_callers(tmp_path: Path) -> None:
    record_spot(tmp_path, "BTC_USDT")
    snapshot = from_directory([tmp_path], NOW, fees=Fees(0.002, 0.0007))
    assert snapshot.fees == {"binance": Fees(0.002, 0.0007)}
    assert "20 bps spot and 7 bps" in snapshot.assumptions["fees"]


def test_the_interval_is_told_by_the_rows_and_not_by_the_name(tmp_path: Path) -> None:
    record_perpetual(tmp_path)
    perpetuals = perpetuals_of(from_directory([tmp_path], NOW))
    assert perpetuals.funding_interval_hours[0] == 8
    assert perpetuals.funding_rate[0] == RATES[-1]
    assert list(perpetuals.funding_history[0]) == RATES
    assert list(perpetuals.funding_time[0]) == [at(8 * i) for i in range(13)]
    assert perpetuals.next_funding_time[0] == at(104)
    assert np.isnan(perpetuals.open_interest_usd[0])


def test_an_interval_that_changed_is_the_new_one(tmp_path: Path) -> None:
    record_perpetual(tmp_path)
    rows = funding(RATES[:12]) + funding([0.0001, 0.0002], begins=92, hours=4)
    write(tmp_path, "BTC_USDT_USDT-1h-funding_rate.feather", rows)
    perpetuals = perpetuals_of(from_directory([tmp_path], at(98)))
    assert perpetuals.funding_interval_hours[0] == 4
    assert perpetuals.next_funding_time[0] == at(100)


def test_payments_may_be_stamped_some_milliseconds_off_their_hour(tmp_path: Path) -> None:
    record_perpetual(tmp_path)
    rows = funding(RATES)
    for i, row in enumerate(rows):
        row[0] += (0, 15, -3)[i % 3]
    write(tmp_path, "BTC_USDT_USDT-1h-funding_rate.feather", rows)
    assert list(perpetuals_of(from_directory([tmp_path], NOW)).funding_time[0]) == [at(8 * i) for i in range(13)]


@pytest.mark.parametrize(("seconds", "paid"), [(-1, 12), (0, 13), (1, 13)])
def test_a_payment_counts_from_its_second(tmp_path: Path, seconds: int, paid: int) -> None:
    record_perpetual(tmp_path)
    perpetuals = perpetuals_of(from_directory([tmp_path], at(96) + seconds))
    assert perpetuals.funding_history.shape[1] == paid
    assert perpetuals.next_funding_time[0] == at(96 if paid == 12 else 104)


def test_a_payment_may_be_five_minutes_late_in_the_recording(tmp_path: Path) -> None:
    record_perpetual(tmp_path)
    for name in ("futures", "mark"):
        write(tmp_path, f"BTC_USDT_USDT-1h-{name}.feather", candles(110))
    perpetuals = perpetuals_of(from_directory([tmp_path], at(104) + 300))
    assert perpetuals.next_funding_time[0] == at(112)
    with pytest.raises(MarketDataError, match="1 stale"):
        from_directory([tmp_path], at(104) + 301)


def test_histories_of_different_length_end_together(tmp_path: Path) -> None:
    record_perpetual(tmp_path)
    record_perpetual(tmp_path, "ETH_USDT_USDT")
    write(tmp_path, "ETH_USDT_USDT-1h-funding_rate.feather", funding([0.001, 0.002, 0.003], begins=80))
    perpetuals = perpetuals_of(from_directory([tmp_path], NOW))
    assert list(perpetuals.funding_history[1, -3:]) == [0.001, 0.002, 0.003]
    assert np.isnan(perpetuals.funding_history[1, :-3]).all()
    assert (perpetuals.funding_time[1, :-3] == 0).all()


def test_a_coin_margined_contract_has_candles_and_funding_as_a_linear_one(tmp_path: Path) -> None:
    record_spot(tmp_path, "BTC_USDT")
    record_perpetual(tmp_path)
    record_perpetual(tmp_path, "BTC_USD_BTC")
    perpetuals = perpetuals_of(from_directory([tmp_path], NOW))
    assert perpetuals.symbols == ("BTC/USD:BTC", "BTC/USDT:USDT")
    assert list(perpetuals.inverse) == [1, 0]
    for name in ("mark", "index", "funding_rate", "volume_24h_usd", "funding_history"):
        np.testing.assert_array_equal(*getattr(perpetuals, name))
    np.testing.assert_array_equal(*perpetuals.candles["1h"].volume)


def test_the_mark_is_the_recorded_one_of_the_same_hour(tmp_path: Path) -> None:
    record_perpetual(tmp_path)
    snapshot = from_directory([tmp_path], NOW)
    assert perpetuals_of(snapshot).mark[0] == candles(101, seed=6)[99][4]
    assert perpetuals_of(snapshot).index[0] == perpetuals_of(snapshot).mark[0]
    assert "marks" not in snapshot.assumptions
    assert "the mark for BTC/USDT:USDT" in snapshot.assumptions["indices"]


def test_a_mark_of_another_hour_gives_way_to_the_last_trade(tmp_path: Path) -> None:
    record_perpetual(tmp_path)
    (tmp_path / "BTC_USDT_USDT-1h-mark.feather").unlink()
    write(tmp_path, "BTC_USDT_USDT-8h-mark.feather", candles(12, seed=6, step=8))
    snapshot = from_directory([tmp_path], NOW)
    assert perpetuals_of(snapshot).mark[0] == candles(101, seed=5)[99][4]
    assert "BTC/USDT:USDT" in snapshot.assumptions["marks"]


def test_marks_need_no_volume(tmp_path: Path) -> None:
    record_perpetual(tmp_path)
    rows = [[*row[:5], np.nan] for row in candles(101, seed=6)]
    write(tmp_path, "BTC_USDT_USDT-1h-mark.feather", rows)
    assert "marks" not in from_directory([tmp_path], NOW).assumptions


def test_a_file_of_weeks_is_none_of_ours(tmp_path: Path) -> None:
    """Exchanges begin weeks on Mondays, and the epoch was a Thursday: no such bar would be on the grid of bars."""
    record_perpetual(tmp_path)
    write(tmp_path, "BTC_USDT_USDT-1w-mark.feather", [[BEGIN * 1000 + 3 * 86_400_000, 1.0, 1.0, 1.0, 1.0, 1.0]])
    (tmp_path / "BTC_USDT_USDT-1h-mark.feather").unlink()
    found = from_directory([tmp_path], NOW)
    assert found.excluded == {"file of no known kind": 1}
    assert "BTC/USDT:USDT" in found.assumptions["marks"]


ODD = st.sampled_from([0.0, -1.0, float("nan"), float("inf"), 1e9])


@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_after_the_moment_changes_anything(tmp_path: Path, data: st.DataObject) -> None:
    hours = data.draw(st.integers(60, 100))
    as_of = at(hours) + data.draw(st.integers(0, HOUR - 1))
    paid = hours // 8 + 1

    def later(rows: list[Row], known: int) -> list[Row]:
        kept = [[*row] for row in rows[: data.draw(st.integers(known, len(rows)))]]
        for row in kept[known:]:
            if data.draw(st.booleans()):
                row[1:] = [data.draw(ODD) for _ in row[1:]]
        return kept[:known] + data.draw(st.permutations(kept[known:]))

    known, changed = tmp_path / "known", tmp_path / "changed"
    for name, rows, count in (
        ("BTC_USDT-1h.feather", candles(104), hours),
        ("BTC_USDT_USDT-1h-futures.feather", candles(104, seed=2), hours),
        ("BTC_USDT_USDT-1h-mark.feather", candles(104, seed=3), hours),
        ("BTC_USDT_USDT-8h-funding_rate.feather", funding(RATES), paid),
    ):
        write(known, name, rows[:count])
        write(changed, name, later(rows, count))
    assert save(from_directory([known], as_of)) == save(from_directory([changed], as_of))


def test_foreign_markets_are_left_out_and_counted(tmp_path: Path) -> None:
    record_spot(tmp_path, "BTC_USDT", "BTCUP_USDT", "ETH3S_USDT", "USDC_USDT", "ETH_BTC", "OLD_USDT", "LATE_USDT")
    write(tmp_path, "OLD_USDT-1h.feather", candles(90))
    write(tmp_path, "LATE_USDT-1h.feather", candles(5, begins=100))
    write(tmp_path, "SOL_USDT-5m.feather", candles(5))
    write(tmp_path, "BTCUSDT.feather", candles(5))
    record_perpetual(tmp_path)
    write(tmp_path, "BTC_USDT_ETH-1h-futures.feather", candles(101))
    write(tmp_path, "ETH_USDT_USDT-1h-futures.feather", candles(101))
    write(tmp_path, "XRP_USDT_USDT-1h-futures.feather", candles(101))
    write(tmp_path, "XRP_USDT_USDT-8h-funding_rate.feather", funding(RATES[:9]))
    (tmp_path / "README.md").write_text("not a recording")
    snapshot = from_directory([tmp_path], NOW)
    assert spot_of(snapshot).symbols == ("BTC/USDT",)
    assert perpetuals_of(snapshot).symbols == ("BTC/USDT:USDT",)
    assert snapshot.excluded == {
        "leveraged token": 2,
        "pair of stable coins": 1,
        "not quoted in dollars": 1,
        "stale": 2,
        "not listed yet": 1,
        "no 1h candles": 1,
        "file of no known kind": 2,
        "settled in a third coin": 1,
        "no funding history": 1,
    }


@pytest.mark.parametrize("base", ["BTCUP", "ETHDOWN", "1INCHUP", "XRPBULL", "EOSBEAR", "BTC3L", "ADA5S"])
def test_leveraged_tokens_do_not_belong(base: str) -> None:
    assert unfit(base, "USDT") == "leveraged token"


@pytest.mark.parametrize("base", ["JUP", "SYRUP", "BTC", "SOL", "S", "1000SATS", "UP"])
def test_coins_that_only_sound_leveraged_belong(base: str) -> None:
    assert unfit(base, "USDT") is None


def test_a_series_that_misses_only_the_last_bar_is_left_out_beside_complete_ones(tmp_path: Path) -> None:
    write(tmp_path, "BTC_USDT-1h.feather", candles(101))
    write(tmp_path, "ETH_USDT-1h.feather", candles(99))
    snapshot = from_directory([tmp_path], NOW)
    assert spot_of(snapshot).symbols == ("BTC/USDT",)
    assert snapshot.excluded == {"stale": 1}


@pytest.mark.parametrize(("minutes", "usable"), [(65, True), (66, False)])
def test_series_that_ended_more_than_two_bars_and_five_minutes_ago_are_stale(
    tmp_path: Path, minutes: int, usable: bool
) -> None:
    """The last bar opened at 99 h; freqtrade counts from there."""
    write(tmp_path, "BTC_USDT-1h.feather", candles(100))
    as_of = at(100) + minutes * 60
    if usable:
        assert from_directory([tmp_path], as_of).spot
    else:
        with pytest.raises(MarketDataError, match=r"usable as of 2024-03-05 05:06:00\+00:00: 1 stale"):
            from_directory([tmp_path], as_of)


def test_section_without_spot_is_missing_and_says_so(tmp_path: Path) -> None:
    record_perpetual(tmp_path)
    snapshot = from_directory([tmp_path], NOW)
    assert snapshot.spot is None
    assert "spot" in snapshot.missing


BAD_CANDLES = {
    "gap": (lambda rows: rows.pop(7), 8, "bars are missing between 2024-03-01 06:00:00 and 2024-03-01 08:00:00"),
    "duplicate": (lambda rows: rows.insert(8, rows[7]), 9, "it repeats 2024-03-01 07:00:00"),
    "unsorted": (
        lambda rows: rows.insert(5, rows.pop(9)),
        7,
        "2024-03-01 05:00:00 comes after the later 2024-03-01 09",
    ),
    "backwards": (
        lambda rows: rows.append(rows.pop(0)),
        102,
        "2024-03-01 00:00:00 comes after the later 2024-03-05 05",
    ),
    "off the hour": (lambda rows: rows[3].__setitem__(0, rows[3][0] + 1000), 4, "no bar of 3600 seconds begins at"),
    "zero": (lambda rows: rows[3].__setitem__(1, 0.0), 4, "the open 0.0 is not a positive price"),
    "negative": (lambda rows: rows[3].__setitem__(3, -2.0), 4, "the low -2.0 is not a positive price"),
    "nan": (lambda rows: rows[3].__setitem__(4, float("nan")), 4, "the close nan is not a positive price"),
    "infinite": (lambda rows: rows[3].__setitem__(2, float("inf")), 4, "the high inf is not a positive price"),
    "high below low": (lambda rows: rows[3].__setitem__(2, rows[3][3] / 2), 4, "the high .* is below the open"),
    "low above close": (lambda rows: rows[3].__setitem__(3, rows[3][2]), 4, "the (open|close) .* is below the low"),
    "no volume": (lambda rows: rows[3].__setitem__(5, float("nan")), 4, "the volume nan is not a volume"),
    "negative volume": (lambda rows: rows[3].__setitem__(5, -1.0), 4, "the volume -1.0 is not a volume"),
    "seconds as dates": (lambda rows: rows[0].__setitem__(0, BEGIN), 1, "its date lies before 2009"),
}


@pytest.mark.parametrize("suffix", ["feather", "csv"])
@pytest.mark.parametrize("kind", sorted(BAD_CANDLES))
def test_bad_candles_are_refused_with_file_row_and_cause(tmp_path: Path, kind: str, suffix: str) -> None:
    spoil, row, cause = BAD_CANDLES[kind]
    rows = candles(102)
    spoil(rows)
    path = write(tmp_path, f"BTC_USDT-1h.{suffix}", rows)
    with pytest.raises(MarketDataError, match=f"^{path}, row {row}: .*({cause})"):
        from_directory([tmp_path], at(103))


BAD_FUNDING = {
    "gap": (lambda rows: rows.pop(4), 5, "payments are missing: 16 hours lie between"),
    "duplicate": (lambda rows: rows.insert(5, rows[4]), 6, "it repeats"),
    "backwards": (lambda rows: rows.append(rows.pop(0)), 13, "comes after the later"),
    "off the hour": (lambda rows: rows[3].__setitem__(0, rows[3][0] + 120_000), 4, "is not a full hour"),
    "nan": (lambda rows: rows[3].__setitem__(1, float("nan")), 4, "the open nan is not a funding rate"),
    "per cent and more": (lambda rows: rows[3].__setitem__(1, 1.5), 4, "the open 1.5 is not a funding rate"),
}


@pytest.mark.parametrize("suffix", ["feather", "csv"])
@pytest.mark.parametrize("kind", sorted(BAD_FUNDING))
def test_bad_funding_is_refused_with_file_row_and_cause(tmp_path: Path, kind: str, suffix: str) -> None:
    record_perpetual(tmp_path)
    (tmp_path / "BTC_USDT_USDT-1h-funding_rate.feather").unlink()
    spoil, row, cause = BAD_FUNDING[kind]
    rows = funding(RATES)
    spoil(rows)
    path = write(tmp_path, f"BTC_USDT_USDT-8h-funding_rate.{suffix}", rows)
    with pytest.raises(MarketDataError, match=f"^{path}, row {row}: .*{cause}"):
        from_directory([tmp_path], NOW)


def test_bad_marks_are_refused_with_file_row_and_cause(tmp_path: Path) -> None:
    record_perpetual(tmp_path)
    rows = candles(101, seed=6)
    del rows[20]
    path = write(tmp_path, "BTC_USDT_USDT-1h-mark.feather", rows)
    with pytest.raises(MarketDataError, match=f"^{path}, row 21: bars are missing"):
        from_directory([tmp_path], NOW)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "it has no column date or open or high or low or close or volume; it has none"),
        ("date,open,high,low,close\n", "it has no column volume; it has date, open, high, low, close"),
        ("date,open,high,low,close,volume,open\n", "two columns of one name"),
        ("date,open,high,low,close,volume\n2024-03-01T00:00Z,1,1,1,1\n", "row 1: it has 5 fields, and the header 6"),
        ("date,open,high,low,close,volume\nyesterday,1,1,1,1,1\n", "row 1: the date 'yesterday' is neither ISO 8601"),
        ("date,open,high,low,close,volume\n2024-03-01 00:00,1,1,1,1,1\n", "row 1: .* neither ISO 8601 with its zone"),
        ("date,open,high,low,close,volume\n2024-03-01T00:00Z,one,1,1,1,1\n", "row 1: the open 'one' is not a number"),
        ("date,open,high,low,close,volume\n2024-03-01T00:00Z,,1,1,1,1\n", "row 1: the open nan is not a positive"),
        ('date,open,high,low,close,volume\n"2024', "cannot be read as CSV"),
        ("date\x00\xff", "no column|cannot be read as CSV"),
    ],
)
def test_a_csv_that_is_none_of_ours_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "BTC_USDT-1h.csv"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(MarketDataError, match=f"^{path}.*{message}"):
        from_directory([tmp_path], NOW)


def test_a_feather_file_that_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "BTC_USDT-1h.feather"
    path.write_bytes(b"not feather")
    with pytest.raises(MarketDataError, match=f"^{path}: it cannot be read as Feather"):
        from_directory([tmp_path], NOW)
    write(tmp_path, path.name, candles(101), ("time", "open", "high", "low", "close", "volume"))
    with pytest.raises(MarketDataError, match=f"^{path}: it has no column date"):
        from_directory([tmp_path], NOW)


def test_feather_columns_of_other_types_are_refused(tmp_path: Path) -> None:
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import feather  # noqa: PLC0415

    path = tmp_path / "BTC_USDT-1h.feather"
    good = {name: pa.array([1.0]) for name in ("open", "high", "low", "close", "volume")}
    stamp = pa.array([BEGIN * 1000], pa.timestamp("ms"))
    none = pa.array([None], pa.timestamp("ms", "UTC"))
    for date, changes, message in (
        (stamp, {}, r"the column date holds timestamp\[ms\], not UTC"),
        (none, {}, "row 1: it has no date"),
        (pa.array([BEGIN * 1000]), {"high": pa.array(["1"])}, "the column high holds string, not numbers"),
    ):
        feather.write_feather(pa.table({"date": date, **good, **changes}), str(path))
        with pytest.raises(MarketDataError, match=message):
            from_directory([tmp_path], NOW)


def test_path_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MarketDataError, match="no recorded market; files are named like BTC_USDT-1h"):
        from_directory([tmp_path], NOW)
    with pytest.raises(MarketDataError, match="cannot be read as a directory"):
        from_directory([tmp_path / "nowhere"], NOW)


def test_two_recordings_of_one_market_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a", "BTC_USDT-1h.feather", candles(101))
    path = write(tmp_path / "b", "BTC_USDT-1h.csv", candles(101))
    with pytest.raises(MarketDataError, match=f"^{path}: it records the same as .*feather"):
        from_directory([tmp_path / "a", tmp_path / "b"], NOW)
