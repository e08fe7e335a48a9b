"""The investor's holdings at a snapshot's prices, with the daily returns that they would have had."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from opportunities.domain import Investor
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import Candles, MarketSnapshot, Spot
from opportunities.maths import indicators
from opportunities.maths.arrays import Floats
from opportunities.maths.costs import Liquidity
from opportunities.trading import instruments

_DAY = 86_400
_YEAR_OF_DAYS = 250
_HOURS = 24 * 30


@dataclass(frozen=True)
class Position:
    """One holding, valued at the bid of the spot market where it trades most."""

    asset: str
    row: int
    quantity: float
    liquidity: Liquidity

    @property
    def value_usd(self) -> float:
        return self.quantity * self.liquidity.bid


@dataclass(frozen=True, eq=False)
class Portfolio:
    """Holdings, cash, and past prices of those that have enough.

    `positions` are sorted by asset. `prices` has shape (positions, bars) on the bars that all share, and a row of NaN
    for the positions named in `unmodelled`; `bars_per_day` is 24 for hourly candles. `unpriced` are the assets that
    the market doesn't trade.
    """

    positions: tuple[Position, ...]
    cash_usd: float
    prices: Floats
    bars_per_day: int
    unmodelled: tuple[str, ...]
    unpriced: tuple[str, ...]

    @cached_property
    def values_usd(self) -> Floats:
        """Shape (positions,)."""
        return np.array([position.value_usd for position in self.positions])

    @cached_property
    def modelled(self) -> NDArray[np.bool_]:
        """Which positions have prices: shape (positions,)."""
        return np.array([position.asset not in self.unmodelled for position in self.positions])

    @property
    def equity_usd(self) -> float:
        return self.cash_usd + float(self.values_usd.sum())

    @cached_property
    def returns(self) -> Floats:
        """Simple returns of one day ending at each bar, overlapping if bars are shorter: (positions, windows).

        Zero for the positions that are not modelled.
        """
        step = self.bars_per_day
        return np.nan_to_num(self.prices[:, step:] / self.prices[:, :-step] - 1)

    def pnl(self, values_usd: Floats) -> Floats:
        """What holdings of these values would have made in a day: shape (windows,)."""
        return values_usd @ self.returns

    def daily_path_usd(self) -> Floats:
        """The value of the modelled quantities at the end of each day, back from the last bar: shape (days,)."""
        quantities = np.array([position.quantity for position in self.positions])
        by_day = self.prices[:, :: -self.bars_per_day][:, ::-1]
        return quantities @ np.nan_to_num(by_day)


def positions_of(market: MarketSnapshot, investor: Investor) -> tuple[Position, ...]:
    """What the investor holds and the market trades, by asset. Unsuitable if that is nothing."""
    held = {asset: quantity for asset, quantity in sorted(investor.holdings.items()) if quantity > 0}
    if not held:
        raise Unsuitable("no holdings are stored: put them into the profile")
    instruments.spot_of(market)
    coins = {asset: quantity for asset, quantity in held.items() if not instruments.is_cash(asset)}
    if not coins:
        raise Unsuitable("all holdings are cash: there is no market risk to judge")
    found = (_position(market, investor, asset, quantity) for asset, quantity in coins.items())
    positions = tuple(position for position in found if position is not None)
    if not positions:
        raise Unsuitable(f"the market trades none of the holdings: {', '.join(coins)}")
    return positions


def portfolio_of(market: MarketSnapshot, investor: Investor) -> Portfolio:
    """The investor's portfolio. Unsuitable without holdings, or if the market has nothing of any of them."""
    positions = positions_of(market, investor)
    spot = instruments.spot_of(market)
    held = {asset: quantity for asset, quantity in sorted(investor.holdings.items()) if quantity > 0}
    priced = {position.asset for position in positions}
    rows = [position.row for position in positions]
    candles, least = _candles(market, spot, rows)
    enough = indicators.bars(candles.close[rows]) >= least
    if not enough.any():
        raise Unsuitable(f"no holding has {least} closed candles of 1h: {', '.join(sorted(priced))}")
    closes = candles.close[rows]
    shared = int(indicators.bars(closes[enough]).min())
    return Portfolio(
        positions=positions,
        cash_usd=investor.capital_usd + sum(quantity for asset, quantity in held.items() if instruments.is_cash(asset)),
        prices=np.where(enough[:, None], closes[:, -shared:], np.nan),
        bars_per_day=_DAY // candles.seconds,
        unmodelled=tuple(position.asset for position, has in zip(positions, enough, strict=True) if not has),
        unpriced=tuple(asset for asset in held if not instruments.is_cash(asset) and asset not in priced),
    )


def _position(market: MarketSnapshot, investor: Investor, asset: str, quantity: float) -> Position | None:
    spot = instruments.spot_of(market)
    markets = [
        (-liquidity.volume_24h_usd, symbol, spot.exchanges[row], Position(asset, row, quantity, liquidity))
        for row, symbol in enumerate(spot.symbols)
        if instruments.base_in_usd(symbol) == asset
        and (liquidity := instruments.spot_liquidity(market, investor, row)).tradable
    ]
    return min(markets, key=lambda found: found[:3])[3] if markets else None


def _candles(market: MarketSnapshot, spot: Spot, rows: list[int]) -> tuple[Candles, int]:
    """A year of days if all rows have it, else hours; with how many bars a row must have to be modelled."""
    daily, hourly = spot.candles.get("1d"), spot.candles.get("1h")
    if (
        daily is not None
        and instruments.fresh(daily, market.captured_at)
        and (indicators.bars(daily.close[rows]) >= _YEAR_OF_DAYS).all()
    ):
        return daily, _YEAR_OF_DAYS
    if hourly is None or not instruments.fresh(hourly, market.captured_at):
        raise Unsuitable("no fresh 1h candles, nor a year of 1d ones, to tell the risk of the holdings")
    return hourly, _HOURS
