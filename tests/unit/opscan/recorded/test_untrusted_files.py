"""Snapshot files and recordings as nobody should have written them: refused with a `MarketDataError`, or read."""

import tracemalloc
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opportunities.errors import MarketDataError
from opportunities.market.archive.file import load, save
from opportunities.market.snapshot import MarketSnapshot
from opscan.recorded.files import from_directory
from tests.support import messages
from tests.support.recordings import at, candles, write
from tests.unit.market.test_archive import whole
from tests.unit.opscan.recorded import test_books as books
from tests.unit.opscan.recorded import test_options as options

NOW = at(100.5)
many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SNAPSHOT = save(whole())
# What a mutation puts in: digits and marks that keep a text a text, and bytes that do not.
TOKENS = st.sampled_from(
    [b"-", b"1e999", b"nan", b"0", b"9" * 400, b'"', b"{", b"[" * 2000, b"null", b",", b"\n", b"\0"]
)


@st.composite
def mutated(draw: st.DrawFn, content: bytes) -> bytes:
    """The bytes with some changed, cut out, or put in."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(content)))
        match draw(st.sampled_from(["flip", "put", "cut", "end"])):
            case "flip":
                changed[begin : begin + 1] = bytes([draw(st.integers(0, 255))])
            case "put":
                changed[begin : begin + draw(st.integers(0, 8))] = draw(TOKENS | st.binary(max_size=8))
            case "cut":
                del changed[begin : begin + draw(st.integers(1, 64))]
            case "end":
                del changed[begin:]
    return bytes(changed)


def resummed(data: bytes) -> bytes:
    """As somebody would write it who knows the format: its length and checksum right."""
    data += b"\0" * (-len(data) % 8)
    total = int(np.add.reduce(np.frombuffer(data[:-8], "<u8"), dtype=np.uint64))
    return data[:-8] + total.to_bytes(8, "little")


@many
@given(mutated(SNAPSHOT), st.booleans())
def test_a_mutated_snapshot_is_read_or_refused_and_takes_no_more_memory_than_it_has_bytes(
    data: bytes, summed: bool
) -> None:
    data = resummed(data) if summed and len(data) >= 8 else data
    tracemalloc.start()
    try:
        loaded = load(data)
    except MarketDataError:
        return
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 3 * len(SNAPSHOT) + 1_000_000
    assert isinstance(loaded, MarketSnapshot)
    assert save(load(save(loaded))) == save(loaded)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of each kind, which make a market together."""
    directory = tmp_path_factory.mktemp("recordings")
    write(directory, "ADA_USDT-1h.csv", candles(101))
    books.record(directory, "BTC_USDT")
    books.record_perpetual(directory)
    books.write_book(directory, "spot_btcusdt", books.book())
    options.write_chain(directory, options.chain(), packed=False)
    options.write_export(directory)
    messages.write(directory, messages.came(messages.depth()), packed=False)
    messages.write(directory, *map(messages.streamed, messages.changes("spot")), name="feed", packed=False)
    (directory / "perps.csv").write_text(messages.MINUTES + messages.minute("BTC-PERPETUAL", -60, 0))
    assert isinstance(from_directory([directory], NOW), MarketSnapshot)
    return directory


@many
@given(st.data())
def test_a_mutated_recording_is_read_or_refused(recordings: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(recordings.iterdir())), label="path")
    original = path.read_bytes()
    path.write_bytes(data.draw(mutated(original), label="content"))
    try:
        with suppress(MarketDataError):
            assert isinstance(from_directory([recordings], NOW), MarketSnapshot)
    finally:
        path.write_bytes(original)
