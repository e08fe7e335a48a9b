"""The recorded market: a snapshot as of a moment, out of directories of OHLCV, mark and funding files."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from opportunities.domain import Fees
from opportunities.errors import MarketDataError
from opportunities.market.catalogue import catalogue
from opportunities.market.sections import (
    Moment,
    contracts,
    fresh,
    perpetual_assumptions,
    perpetuals_section,
    spot_section,
)
from opportunities.market.snapshot import MarketSnapshot
from opportunities.market.timeframes import HOUR

BASE_TIER = Fees(spot_taker=0.001, perpetual_taker=0.0005)
"""Binance's taker fees at the base tier, without discounts."""


def from_directory(
    directories: Sequence[Path],
    as_of: int,
    *,
    exchange: str = "binance",
    fees: Fees = BASE_TIER,
    spread_bps: float = 5.0,
) -> MarketSnapshot:
    """The market as of a moment (epoch seconds), as recorded in `directories`, on one exchange.

    Only what was known then is in it: bars closed and funding paid at `as_of`; later rows change nothing. Candles
    have no bid and ask: `spread_bps`, the whole spread, makes them of the last close. Every such assumption is in
    the snapshot's `assumptions`, and every market left out is counted in `excluded`. The next funding rate is taken
    to be the last one paid, the index to be the spot market's last close; open interest is unknown (NaN).

    Raises MarketDataError with file, row and cause for data that is not what it should be, and where no market is
    left.
    """
    files = catalogue(directories)
    excluded = files.excluded
    moment = Moment(as_of, exchange, spread_bps / 2e4)
    spot_series = fresh(files.spot, as_of, excluded)
    listed = contracts(fresh(files.perpetuals, as_of, excluded), as_of, excluded)
    if not spot_series and not listed:
        counts = ", ".join(f"{count} {reason}" for reason, count in sorted(excluded.items()) if count)
        raise MarketDataError(f"No recorded market is usable as of {datetime.fromtimestamp(as_of, UTC)}: {counts}.")
    spot = spot_section(spot_series, moment) if spot_series else None
    assumptions = {
        "fees": f"taker, {fees.spot_taker * 1e4:g} bps spot and {fees.perpetual_taker * 1e4:g} bps perpetuals, assumed",
        "quotes": f"last close -/+ {spread_bps / 2:g} bps, assumed: candles have no bid and ask",
        "24h volumes": "close x volume, summed over the last 24 hourly bars",
    }
    missing = {
        "books": "The recordings have no order books.",
        "futures": "The recordings have no dated futures.",
        "options": "The recordings have no options.",
    }
    freshness = {}
    if spot:
        freshness["spot"] = int(spot.candles["1h"].open_time[-1]) + HOUR
    else:
        missing["spot"] = "The recordings have no spot market that is fresh at this moment."
    if listed:
        freshness["perpetuals"] = int(listed[0].bars.open_time[-1]) + HOUR
        assumptions |= perpetual_assumptions(listed, spot)
    else:
        missing["perpetuals"] = "The recordings have no perpetual that is fresh at this moment."
    return MarketSnapshot(
        captured_at=as_of,
        source="files",
        fees={exchange: fees},
        spot=spot,
        perpetuals=perpetuals_section(listed, spot, moment) if listed else None,
        freshness=freshness,
        missing=missing,
        excluded={reason: count for reason, count in sorted(excluded.items()) if count},
        assumptions=assumptions,
    )
