"""The instruments of a snapshot as the strategies meet them: which are quoted in USD, and what trading one costs."""

from math import sqrt

import numpy as np

from opportunities import indicators
from opportunities.costs import Fill, Ladder, Liquidity
from opportunities.domain import Fees, Investor, Json
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import Candles, MarketSnapshot, Perpetuals, Spot

VOLATILITY_BARS = 168

_USD_QUOTES = frozenset({"USD", "USDT", "USDC"})
_DAY = 86_400


def spot_of(market: MarketSnapshot) -> Spot:
    """The spot section. Unsuitable, with the reason, if there is none."""
    if market.spot is None:
        raise Unsuitable(f"no spot market: {market.missing.get('spot', 'the snapshot has none')}")
    return market.spot


def perpetuals_of(market: MarketSnapshot) -> Perpetuals:
    """The perpetuals section. Unsuitable, with the reason, if there is none."""
    if market.perpetuals is None:
        raise Unsuitable(f"no perpetuals: {market.missing.get('perpetuals', 'the snapshot has none')}")
    return market.perpetuals


def base_in_usd(symbol: str) -> str | None:
    """The base of a pair quoted in USD or a dollar stablecoin, taken at par; None for any other quote."""
    base, _, quote = symbol.partition(":")[0].partition("/")
    return base if quote in _USD_QUOTES and base not in _USD_QUOTES else None


def is_cash(asset: str) -> bool:
    """Whether the asset is a USD, or a stablecoin that is taken for one."""
    return asset in _USD_QUOTES


def fresh(candles: Candles, captured_at: int) -> bool:
    """Whether the newest bar opened at most two bars and five minutes ago (freqtrade's rule); else one is missing."""
    return captured_at - int(candles.open_time[-1]) <= 2 * candles.seconds + 300


def spot_liquidity(market: MarketSnapshot, investor: Investor, row: int) -> Liquidity:
    """What trading spot symbol `row` costs; not `tradable` if the market doesn't say enough."""
    spot = spot_of(market)
    books = spot.books
    bids = asks = None
    if books is not None and np.isfinite([books.bid_price[row, 0], books.ask_price[row, 0]]).all():
        bids = Ladder(books.bid_price[row], books.bid_size[row])
        asks = Ladder(books.ask_price[row], books.ask_size[row])
    return Liquidity(
        bid=float(spot.bid[row]),
        ask=float(spot.ask[row]),
        fee=_fees(market, investor, spot.exchanges[row]).spot_taker,
        volume_24h_usd=float(spot.volume_24h_usd[row]),
        daily_volatility=daily_volatility(spot, row),
        bids=bids,
        asks=asks,
    )


def perpetual_liquidity(market: MarketSnapshot, investor: Investor, row: int, daily_volatility: float) -> Liquidity:
    """What trading contract `row` costs, given the volatility of its underlying."""
    perpetuals = perpetuals_of(market)
    return Liquidity(
        bid=float(perpetuals.bid[row]),
        ask=float(perpetuals.ask[row]),
        fee=_fees(market, investor, perpetuals.exchanges[row]).perpetual_taker,
        volume_24h_usd=float(perpetuals.volume_24h_usd[row]),
        daily_volatility=daily_volatility,
    )


def daily_volatility(spot: Spot, row: int) -> float:
    """Standard deviation of a day's log return, from the last 168 bars of the shortest timeframe that has them."""
    for candles in sorted(spot.candles.values(), key=lambda candles: candles.seconds):
        if int(indicators.bars(candles.close[row : row + 1])[0]) > VOLATILITY_BARS:
            per_bar = float(indicators.volatility(candles.close[row : row + 1], VOLATILITY_BARS)[0])
            return per_bar * sqrt(_DAY / candles.seconds)
    return float("nan")


def leg(side: str, symbol: str, exchange: str, fill: Fill) -> dict[str, Json]:
    """One order, as `metadata["legs"]` shows it."""
    return {"side": side, "symbol": symbol, "exchange": exchange, "quantity": fill.quantity, "price": fill.price}


def quotes(market: MarketSnapshot, *traded: Liquidity) -> dict[str, Json]:
    """Where slippage comes from, books or the impact law, and what was assumed of the quotes if they were."""
    basis: dict[str, Json] = {"slippage": "+".join(sorted({liquidity.basis for liquidity in traded}))}
    if "quotes" in market.assumptions:
        basis["assumed"] = market.assumptions["quotes"]
    return basis


def shown(metadata: dict[str, Json]) -> dict[str, Json]:
    """The same with every number to ten significant digits; more would say nothing, in many bytes."""
    return {key: _shown(value) for key, value in metadata.items()}


def _shown(value: Json) -> Json:
    if isinstance(value, float):
        return float(f"{value:.10g}")
    if isinstance(value, dict):
        return shown(value)
    return [_shown(each) for each in value] if isinstance(value, list) else value


def _fees(market: MarketSnapshot, investor: Investor, exchange: str) -> Fees:
    fees = investor.fees.get(exchange, market.fees.get(exchange))
    if fees is None:
        raise Unsuitable(f"no fees are known for {exchange}: neither the market nor the investor states them")
    return fees
