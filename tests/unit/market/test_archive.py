"""The snapshot file: what comes back, how fast, and what damaged or forged files do."""

import io
import json
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from opportunities.domain import Fees
from opportunities.errors import MarketDataError
from opportunities.market.archive.file import load, save
from opportunities.market.snapshot import (
    Books,
    Candles,
    Futures,
    MarketSnapshot,
    Options,
    Perpetuals,
    Rules,
    Spot,
)
from opportunities.maths.arrays import Floats

SECONDS = {"1h": 3600, "4h": 14_400, "1d": 86_400}
NOW = 1_712_588_400


def filled(rng: np.random.Generator, *shape: int) -> Floats:
    """Any bit pattern is a float: infinities and NaNs with payloads too."""
    return rng.integers(0, 2**64, shape, dtype=np.uint64).view(np.float64).reshape(shape)


def candles_of(rng: np.random.Generator, name: str, rows: int, bars: int) -> Candles:
    seconds = SECONDS[name]
    opens = NOW // seconds * seconds + seconds * np.arange(-bars, 0, dtype=np.int64)
    return Candles(seconds, opens, *(filled(rng, rows, bars) for _ in range(5)))


def books_of(rng: np.random.Generator, rows: int, levels: int) -> Books | None:
    return Books(*(filled(rng, rows, levels) for _ in range(4))) if levels else None


def rules_of(rng: np.random.Generator, instruments: int) -> Rules:
    return Rules(*(filled(rng, instruments) for _ in range(4)))


def spot_of(
    rng: np.random.Generator,
    listings: int,
    bars: dict[str, int],
    levels: int,
    *,
    rows: int | None = None,
    rules: Rules | None = None,
) -> Spot:
    """Candles and books of the first `rows` listings, of all of them by default."""
    rows = listings if rows is None else rows
    return Spot(
        tuple(f"S{i}/USDT" for i in range(listings)),
        ("venue",) * listings,
        **{name: filled(rng, listings) for name in ("bid", "ask", "last", "volume_24h_usd")},
        candles={name: candles_of(rng, name, rows, n) for name, n in bars.items()},
        books=books_of(rng, rows, levels),
        rules=rules,
    )


def perpetuals_of(
    rng: np.random.Generator,
    contracts: int,
    periods: int,
    *,
    rows: int = 0,
    bars: dict[str, int] | None = None,
    levels: int = 0,
    rules: Rules | None = None,
) -> Perpetuals:
    return Perpetuals(
        symbols=tuple(f"S{i}/USDT:USDT" for i in range(contracts)),
        exchanges=("venue",) * contracts,
        next_funding_time=rng.integers(0, 2**62, contracts),
        inverse=rng.integers(0, 2, contracts),
        funding_history=filled(rng, contracts, periods),
        funding_time=rng.integers(0, 2**62, (contracts, periods)),
        candles={name: candles_of(rng, name, rows, n) for name, n in (bars or {}).items()},
        books=books_of(rng, rows, levels),
        rules=rules,
        **{
            name: filled(rng, contracts)
            for name in (
                *("bid", "ask", "mark", "index", "funding_rate", "funding_interval_hours"),
                *("open_interest_usd", "volume_24h_usd"),
            )
        },
    )


def futures_of(rng: np.random.Generator, contracts: int, rules: Rules | None = None) -> Futures:
    return Futures(
        tuple(f"S{i}/USDT:USDT-241227" for i in range(contracts)),
        ("venue",) * contracts,
        **{name: filled(rng, contracts) for name in ("bid", "ask", "mark", "index")},
        expiry=rng.integers(0, 2**62, contracts),
        inverse=rng.integers(0, 2, contracts),
        open_interest_usd=filled(rng, contracts),
        volume_24h_usd=filled(rng, contracts),
        rules=rules,
    )


def options_of(rng: np.random.Generator, options: int, rules: Rules | None = None) -> Options:
    return Options(
        symbols=tuple(f"S/USD:S-241227-{i}-C" for i in range(options)),
        exchanges=("venue",) * options,
        expiry=rng.integers(0, 2**62, options),
        call=rng.integers(0, 2, options),
        inverse=rng.integers(0, 2, options),
        rules=rules,
        **{
            name: filled(rng, options)
            for name in (
                *("strike", "bid", "ask", "bid_size", "ask_size", "mark", "mark_iv", "forward", "index"),
                *("open_interest_usd", "volume_24h_usd"),
            )
        },
    )


def snapshot_of(*, spot: Spot | None, perpetuals: Perpetuals | None) -> MarketSnapshot:
    return MarketSnapshot(NOW, "test", {"venue": Fees(0.001, 0.0005)}, spot, perpetuals)


def whole() -> MarketSnapshot:
    """A market that has everything."""
    rng = np.random.default_rng(4)
    return MarketSnapshot(
        captured_at=NOW,
        source="test",
        fees={"venue": Fees(0.001, 0.0005, 0.0008, -0.0001, 0.0004, 0.1)},
        spot=spot_of(rng, 3, {"1h": 3}, 2, rows=2, rules=rules_of(rng, 3)),
        perpetuals=perpetuals_of(rng, 3, 2, rows=1, bars={"4h": 2}, levels=1, rules=rules_of(rng, 3)),
        futures=futures_of(rng, 2, rules_of(rng, 2)),
        options=options_of(rng, 4, rules_of(rng, 4)),
    )


def small() -> MarketSnapshot:
    rng = np.random.default_rng(3)
    return snapshot_of(spot=spot_of(rng, 2, {"1h": 3}, 2), perpetuals=perpetuals_of(rng, 2, 3))


TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF), max_size=8).filter(str.isprintable)
COUNTS = st.dictionaries(TEXT, st.integers(0, 2**40), max_size=3)
NOTES = st.dictionaries(TEXT, TEXT, max_size=3)


FEES = st.builds(Fees, *[st.floats(-1, 1)] * 6)
BARS = st.dictionaries(st.sampled_from(sorted(SECONDS)), st.integers(0, 9), max_size=3)


@st.composite
def snapshots(draw: st.DrawFn) -> MarketSnapshot:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))

    def rules(instruments: int) -> Rules | None:
        return rules_of(rng, instruments) if draw(st.booleans()) else None

    listings, contracts, dated, options = (draw(st.integers(0, 4)) for _ in range(4))
    rows, of_contracts = draw(st.integers(0, listings)), draw(st.integers(0, contracts))
    levels = draw(st.integers(0, 3))
    spot = spot_of(rng, listings, draw(BARS), levels, rows=rows, rules=rules(listings))
    perpetuals = perpetuals_of(
        rng,
        contracts,
        draw(st.integers(0, 5)),
        rows=of_contracts,
        bars=draw(BARS),
        levels=levels,
        rules=rules(contracts),
    )
    return MarketSnapshot(
        captured_at=draw(st.integers(NOW, NOW + 3599)),
        source=draw(TEXT),
        fees=draw(st.dictionaries(TEXT, FEES, max_size=2)),
        spot=draw(st.sampled_from([None, spot])),
        perpetuals=draw(st.sampled_from([None, perpetuals])),
        futures=draw(st.sampled_from([None, futures_of(rng, dated, rules(dated))])),
        options=draw(st.sampled_from([None, options_of(rng, options, rules(options))])),
        freshness=draw(COUNTS),
        missing=draw(NOTES),
        excluded=draw(COUNTS),
        assumptions=draw(NOTES),
    )


def same(one: Any, other: Any) -> bool:
    """Equal to the last bit, arrays included."""
    if isinstance(one, np.ndarray):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    if is_dataclass(one):
        return type(one) is type(other) and all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def arrays_in(value: object) -> list[NDArray[Any]]:
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, Mapping):
        return [array for item in value.values() for array in arrays_in(item)]
    if is_dataclass(value):
        return [array for f in fields(value) for array in arrays_in(getattr(value, f.name))]
    return []


def blocks_of(data: bytes) -> list[NDArray[Any]]:
    file, found = io.BytesIO(data), []
    while file.tell() < len(data):
        found.append(np.load(file, allow_pickle=False))
    return found


def forged(header: bytes, arrays: list[Any], write: Callable[..., None] = np.save) -> bytes:
    """A file with a right checksum, whatever is in it."""
    file = io.BytesIO()
    np.save(file, np.frombuffer(header + b" " * (-len(header) % 8), np.uint8))
    for array in arrays:
        write(file, array)
    file.write(b" " * (-file.tell() % 8))
    np.save(file, np.zeros(1, np.uint64))
    data = file.getvalue()[:-8]
    total = int(np.add.reduce(np.frombuffer(data, "<u8"), dtype=np.uint64))
    return data + total.to_bytes(8, "little")


def taken_apart(snapshot: MarketSnapshot) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    header, *arrays, _ = blocks_of(save(snapshot))
    return json.loads(header.tobytes()), arrays


@given(snapshots())
def test_a_snapshot_comes_back_equal_to_the_last_bit(snapshot: MarketSnapshot) -> None:
    assert same(load(save(snapshot)), snapshot)


@given(snapshots())
def test_the_same_snapshot_makes_the_same_bytes(snapshot: MarketSnapshot) -> None:
    data = save(snapshot)
    assert save(load(memoryview(data))) == data


def test_arrays_in_any_memory_order_are_saved() -> None:
    rng = np.random.default_rng(1)
    wide = Books(*(filled(rng, 6, 4)[::2, ::-1].T for _ in range(4)))
    spot = spot_of(rng, 4, {}, 0)
    spot = Spot(spot.symbols, spot.exchanges, spot.bid, spot.ask, spot.last, spot.volume_24h_usd, {}, wide)
    snapshot = snapshot_of(spot=spot, perpetuals=None)
    assert same(load(save(snapshot)), snapshot)


def test_numpy_alone_reads_every_block() -> None:
    snapshot = whole()
    header, *arrays, _ = blocks_of(save(snapshot))
    assert json.loads(header.tobytes())["source"] == "test"
    loaded = {array.tobytes() for array in arrays}
    assert loaded == {array.tobytes() for array in arrays_in(snapshot)}


@pytest.mark.parametrize("held", [bytes, bytearray])
def test_loaded_arrays_cannot_be_written(held: type[bytes | bytearray]) -> None:
    loaded = arrays_in(load(memoryview(held(save(whole())))))
    assert len(loaded) == 74
    for array in loaded:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_snapshot_of_unequal_columns_is_not_saved() -> None:
    rng = np.random.default_rng(1)
    spot = spot_of(rng, 3, {}, 0)
    short = Spot(spot.symbols[:2], spot.exchanges[:2], spot.bid, spot.ask, spot.last, spot.volume_24h_usd, {})
    with pytest.raises(MarketDataError, match=r"'spot\.bid' has the shape 3, not 2"):
        save(snapshot_of(spot=short, perpetuals=None))


@given(st.data())
@settings(max_examples=300)
def test_damaged_bytes_are_refused(data: st.DataObject) -> None:
    original = bytearray(save(whole()))
    damaged = bytearray(original)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        loaded = load(bytes(damaged))
    except MarketDataError:
        return
    assert same(loaded, whole())


@given(st.data())
def test_a_file_that_is_too_short_or_too_long_is_refused(data: st.DataObject) -> None:
    whole = save(small())
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    longer = whole + data.draw(st.binary(min_size=1, max_size=64).filter(any))
    for wrong in (cut, longer):
        with pytest.raises(MarketDataError):
            load(wrong)


@given(st.binary(max_size=400))
def test_bytes_that_are_no_snapshot_are_refused(data: bytes) -> None:
    with pytest.raises(MarketDataError):
        load(data)


def test_objects_are_never_unpickled() -> None:
    header, arrays = taken_apart(small())

    class Trap:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
            return (pytest.fail, ("a pickle was read",))

    arrays[0] = np.array([Trap(), Trap()], dtype=object)
    with pytest.raises(MarketDataError, match=r"'spot\.bid' is not a plain \.npy block"):
        load(forged(json.dumps(header).encode(), arrays))


def test_a_forged_file_that_is_right_is_read() -> None:
    header, arrays = taken_apart(small())
    assert same(load(forged(json.dumps(header).encode(), arrays)), small())


@pytest.mark.parametrize(
    ("section", "changes", "message"),
    [
        (None, {"arrays": ["spot.bid"]}, r"lacks the array 'spot\.ask'"),
        (None, {"arrays": ["spot.ask"]}, r"has 'spot\.ask' where 'spot\.bid' belongs"),
        (None, {"arrays": [1]}, "no usable 'arrays'"),
        (None, {"perpetuals": None}, r"unknown array 'perpetuals\.bid'"),
        (None, {"format": 2}, "format 2, not 3"),
        (None, {"futures": 3}, "no usable 'futures'"),
        (None, {"options": {"symbols": ["x"]}}, r"no usable 'options\.exchanges'"),
        (None, {"captured_at": True}, "no usable 'captured_at'"),
        (None, {"captured_at": -1}, "no usable 'captured_at'"),
        (None, {"captured_at": 1e9}, "no usable 'captured_at'"),
        (None, {"captured_at": 10**30}, "no usable 'captured_at'"),
        (None, {"source": None}, "no usable 'source'"),
        (None, {"source": "\x1b[2J"}, "no usable 'source'"),
        (None, {"fees": {"venue": {"spot_taker": "0"}}}, "no usable 'fees'"),
        (None, {"excluded": {"stale": "3"}}, "no usable 'excluded'"),
        (None, {"missing": []}, "no usable 'missing'"),
        (None, {"spot": []}, "no usable 'spot'"),
        ("spot", {"symbols": [1, 2]}, r"no usable 'spot\.symbols'"),
        ("spot", {"exchanges": ["venue"]}, "2 spot symbols on 1 exchanges"),
        ("spot", {"timeframes": {"1h": 0}}, "timeframe of 0 seconds"),
        ("spot", {"timeframes": {"2h": 7200}}, r"has 'spot\.1h\.open_time' where 'spot\.2h\.open_time' belongs"),
        ("spot", {"books": False}, r"has 'spot\.books\.bid_price' where 'perpetuals\.bid' belongs"),
    ],
)
def test_a_forged_header_is_refused_with_the_reason(
    section: str | None, changes: dict[str, object], message: str
) -> None:
    header, arrays = taken_apart(small())
    (header[section] if section else header).update(changes)
    with pytest.raises(MarketDataError, match=message):
        load(forged(json.dumps(header).encode(), arrays))


@pytest.mark.parametrize(
    ("place", "array", "message"),
    [
        (0, np.zeros(3), r"'spot\.bid' has the shape 3, not 2"),
        (0, np.zeros((2, 1)), "has the shape 2 x 1, not 2"),
        (0, np.zeros(2, np.int64), "has the type <i8, not <f8"),
        (0, np.zeros(2, np.float32), "not a plain"),
        (0, np.zeros(2, ">f8"), "not a plain"),
        (0, np.float64(1.0), "not a plain"),
        (4, np.array([0, 3600, 7201]), "not evenly spaced"),
        (4, NOW + 3600 * np.arange(-2, 1), "not evenly spaced, closed bars"),
        (5, np.zeros((2, 4)), "has the shape 2 x 4, not any x 3"),
        (5, np.zeros((3, 3)), r"spot\.1h have 3 rows, more than 2 listings"),
        (6, np.zeros((1, 3)), "has the shape 1 x 3, not 2 x 3"),
        (5, np.asfortranarray(np.zeros((2, 3))), "not a plain"),
        (25, np.zeros(1, np.uint64), r"'perpetuals\.funding_time' has the type <u8, not <i8"),
        (26, np.zeros(2), "'checksum' has the type <f8, not <u8"),
        (26, np.zeros(1, np.uint64), "more blocks than its header names"),
    ],
)
def test_a_forged_array_is_refused_with_the_reason(place: int, array: NDArray[Any], message: str) -> None:
    header, arrays = taken_apart(small())
    arrays[place:] = [array, *arrays[place + 1 :]]
    with pytest.raises(MarketDataError, match=message):
        load(forged(json.dumps(header).encode(), arrays))


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("perpetuals.4h.open", np.zeros((4, 2)), r"perpetuals\.4h have 4 rows, more than 3 listings"),
        ("perpetuals.books.bid_price", np.zeros((4, 1)), r"perpetuals\.books have 4 rows, more than 3 listings"),
        ("spot.rules.tick", np.zeros(2), r"'spot\.rules\.tick' has the shape 2, not 3"),
        ("futures.inverse", np.array([0, 2]), r"'futures\.inverse' has other values than 0 and 1"),
        ("options.call", np.array([0, 1, -1, 0]), r"'options\.call' has other values than 0 and 1"),
        ("options.expiry", np.zeros(4), r"'options\.expiry' has the type <f8, not <i8"),
        ("options.rules.lot", np.zeros(5), r"'options\.rules\.lot' has the shape 5, not 4"),
    ],
)
def test_a_forged_array_of_any_section_is_refused_with_the_reason(name: str, array: NDArray[Any], message: str) -> None:
    header, arrays = taken_apart(whole())
    arrays[header["arrays"].index(name)] = array
    with pytest.raises(MarketDataError, match=message):
        load(forged(json.dumps(header).encode(), arrays))


@pytest.mark.parametrize("section", ["spot", "perpetuals", "futures", "options"])
def test_rules_that_the_header_does_not_tell_are_refused(section: str) -> None:
    header, arrays = taken_apart(whole())
    header[section]["rules"] = False
    with pytest.raises(MarketDataError, match=rf"header (has|names an unknown array) '{section}\.rules\.contract"):
        load(forged(json.dumps(header).encode(), arrays))


@pytest.mark.parametrize("name", ["spot_taker", "spot_maker", "perpetual_maker", "option_taker", "option_cap"])
@pytest.mark.parametrize("value", [None, True, "0"])
def test_a_fee_that_is_no_number_is_refused(name: str, value: object) -> None:
    header, arrays = taken_apart(whole())
    header["fees"]["venue"][name] = value
    with pytest.raises(MarketDataError, match="no usable 'fees'"):
        load(forged(json.dumps(header).encode(), arrays))


@pytest.mark.parametrize("header", [b"", b"{", b"[]", b"[" * 100_000, b'{"format": NaN}', b"\xff", b"1" * 5000])
def test_a_header_that_is_not_our_json_is_refused(header: bytes) -> None:
    with pytest.raises(MarketDataError, match="header"):
        load(forged(header, []))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
@settings(max_examples=200)
def test_no_header_does_anything_but_load_or_be_refused(data: st.DataObject) -> None:
    header, arrays = taken_apart(whole())
    sections = [header[name] for name in ("spot", "perpetuals", "futures", "options")]
    where = data.draw(st.sampled_from([header, *sections, header["fees"]["venue"]]))
    where[data.draw(st.sampled_from(sorted(where)))] = data.draw(JSON)
    try:
        loaded = load(forged(json.dumps(header).encode(), arrays))
    except MarketDataError:
        return
    assert isinstance(loaded, MarketSnapshot)


@pytest.mark.parametrize("bars", [10**3, 10**6, 10**11, 10**12 - 1])
def test_a_size_beyond_the_file_is_refused_before_memory_is_taken(bars: int) -> None:
    header, arrays = taken_apart(small())

    def write(file: io.BytesIO, array: NDArray[Any]) -> None:
        if array.dtype != np.int64:
            return np.save(file, array)
        described = {"descr": "<i8", "fortran_order": False, "shape": (bars,)}
        return np.lib.format.write_array_header_1_0(file, described)

    tracemalloc.start()
    try:
        with pytest.raises(MarketDataError, match=r"'spot\.1h\.open_time' claims .* more than there are"):
            load(forged(json.dumps(header).encode(), arrays[:5], write))
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()
