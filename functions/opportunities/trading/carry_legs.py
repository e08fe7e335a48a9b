"""The markets that a carry is made of: coins on spot, and dated futures with long enough to go."""

from dataclasses import dataclass

import numpy as np

from opportunities.domain import Investor
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import Futures, MarketSnapshot
from opportunities.maths.costs import Liquidity
from opportunities.trading import instruments

MINIMUM_DAYS = 14.0
"""Nothing shorter is judged: a few basis points of noise are many percent a year of a few days."""
DAY = 86_400


@dataclass(frozen=True)
class CarryLeg:
    """One market of a carry: `row` is of the spot section, or of the futures where `expiry` is given."""

    symbol: str
    exchange: str
    row: int
    liquidity: Liquidity
    expiry: int | None = None


def futures_of(market: MarketSnapshot) -> Futures:
    """The dated futures. Unsuitable, with the reason, if there are none."""
    if market.futures is None:
        raise Unsuitable(f"no dated futures: {market.missing.get('futures', 'the snapshot has none')}")
    return market.futures


def future_legs(
    market: MarketSnapshot, investor: Investor, coins: dict[str, list[CarryLeg]]
) -> dict[str, list[CarryLeg]]:
    """Dated futures that can be traded, with at least the minimum horizon to go, of every base that `coins` has.

    Their volatility is the coin's, and their index must lie within 5 % of its price: else it is another coin.
    """
    futures = futures_of(market)
    legs: dict[str, list[CarryLeg]] = {}
    for row, (symbol, exchange) in enumerate(zip(futures.symbols, futures.exchanges, strict=True)):
        base = instruments.base_in_usd(symbol)
        expiry = int(futures.expiry[row])
        if base not in coins or expiry - market.captured_at < MINIMUM_DAYS * DAY:
            continue
        coin = coins[base][0].liquidity
        liquidity = Liquidity(
            bid=float(futures.bid[row]),
            ask=float(futures.ask[row]),
            fee=instruments.fees_at(market, investor, exchange).perpetual_taker,
            volume_24h_usd=float(futures.volume_24h_usd[row]),
            daily_volatility=coin.daily_volatility,
        )
        same = instruments.same_coin(float(futures.index[row]), middle(coin))
        if liquidity.tradable and same:
            legs.setdefault(base, []).append(CarryLeg(symbol, exchange, row, liquidity, expiry))
    return legs


def coin_legs(market: MarketSnapshot, investor: Investor) -> dict[str, list[CarryLeg]]:
    """Spot listings in USD that can be traded, by base, the largest first; those far from the largest are left out.

    The volatility of a listing without candles is that of the same pair elsewhere.
    """
    spot = instruments.spot_of(market)
    volume = np.nan_to_num(spot.volume_24h_usd)
    rows: dict[str, list[int]] = {}
    for row in sorted(range(len(spot.symbols)), key=lambda row: (-float(volume[row]), spot.exchanges[row])):
        if (base := instruments.base_in_usd(spot.symbols[row])) is not None:
            rows.setdefault(base, []).append(row)
    legs: dict[str, list[CarryLeg]] = {}
    for base, listed in rows.items():
        history = next((row for row in listed if np.isfinite(instruments.daily_volatility(spot, row))), None)
        for row in listed:
            liquidity = instruments.spot_liquidity(market, investor, row, history)
            largest = legs[base][0].liquidity if base in legs else liquidity
            if liquidity.tradable and instruments.same_coin(middle(liquidity), middle(largest)):
                legs.setdefault(base, []).append(CarryLeg(spot.symbols[row], spot.exchanges[row], row, liquidity))
    return legs


def middle(liquidity: Liquidity) -> float:
    return (liquidity.bid + liquidity.ask) / 2
