"""The simulated dated futures: expiries, the curve of forward prices that funding implies, and contracts on it."""

from datetime import UTC, datetime, timedelta

import numpy as np

from opportunities.market import draws
from opportunities.market.option_chains import dated
from opportunities.market.simulated.moment import (
    EXCHANGE,
    MINIMUM_NOTIONAL_USD,
    Moment,
    decimals_of,
    perpetual_spread_of,
    rounded,
    rules,
    step_worth,
)
from opportunities.market.snapshot import Futures, Perpetuals
from opportunities.market.timeframes import DAY
from opportunities.maths import elementary
from opportunities.maths.arrays import Floats

_SETTLED_AT_HOUR = 8
_WEEKS, _MONTHS, _QUARTERS = 2, 2, 3
_FRIDAY = 4
# All expiries of the largest two, linear and inverse; the quarters' of the next three, linear only.
_WHOLE, _QUARTERLY = 2, 5
_NOISE = 5e-5
_INVERSE_CONTRACT_USD = 10.0
_PAYMENTS_A_YEAR = 3 * 365.0
_RECENT_PAYMENTS, _DECAY_A_YEAR = 3, 12.0
_YEAR = 365.0 * DAY


def expiries(captured_at: int) -> tuple[int, ...]:
    """The next two weeks', two months' and three quarters' expiries at least a day away, epoch seconds, ascending:
    Fridays, and last Fridays of months, at 8:00 UTC.
    """
    first = datetime.fromtimestamp(captured_at, UTC) + timedelta(days=1)
    day = first.replace(hour=_SETTLED_AT_HOUR, minute=0, second=0, microsecond=0)
    day += timedelta(days=0 if day >= first else 1)
    day += timedelta(days=(_FRIDAY - day.weekday()) % 7)
    fridays = [int((day + timedelta(weeks=week)).timestamp()) for week in range(54)]
    months = [friday for friday in fridays if _month(friday + 7 * DAY) != _month(friday)]
    quarters = [friday for friday in months if _month(friday) % 3 == 0]
    return tuple(sorted({*fridays[:_WEEKS], *months[:_MONTHS], *quarters[:_QUARTERS]}))


def _month(time: int) -> int:
    return datetime.fromtimestamp(time, UTC).month


def forwards(moment: Moment, perpetuals: Perpetuals, row: int, at: tuple[int, ...]) -> Floats:
    """The forward prices of asset `row` (one that pays funding every 8 hours): spot, and the funding expected until.

    Funding is expected to return from its last day's mean to the history's: log F/S = c T + (c0 - c)(1 - e^-kT)/k.
    A fair market has no carry. Shape (expiries,), USD.
    """
    years = (np.array(at) - moment.captured_at) / _YEAR
    history = perpetuals.funding_history[row] * _PAYMENTS_A_YEAR
    usual, recent = (0.0, 0.0) if moment.fair else (history.mean(), history[-_RECENT_PAYMENTS:].mean())
    carry = usual * years - (recent - usual) * (elementary.exp(-_DECAY_A_YEAR * years) - 1) / _DECAY_A_YEAR
    forward: Floats = moment.last[row] * elementary.exp(carry)
    return forward


def futures_of(moment: Moment, perpetuals: Perpetuals) -> Futures:
    """All dated futures: on the curve, but for noise far within costs."""
    dates = expiries(moment.captured_at)[:-1]
    quarters = tuple(date for date in dates if _month(date) % 3 == 0 and _month(date + 7 * DAY) != _month(date))
    rows: list[int] = []
    symbols: list[str] = []
    expiry: list[int] = []
    inverse: list[int] = []
    prices: list[Floats] = []
    for row, asset in enumerate(moment.assets[:_QUARTERLY]):
        own = dates if row < _WHOLE else quarters
        for coin in (0, 1) if row < _WHOLE else (0,):
            pair = f"{asset.name}/USD:{asset.name}" if coin else f"{asset.name}/USDT:USDT"
            symbols += [f"{pair}-{dated(date)}" for date in own]
            expiry += own
            rows += [row] * len(own)
            inverse += [coin] * len(own)
            prices.append(forwards(moment, perpetuals, row, own))
    noise = _NOISE * draws.normal(moment.rng, len(rows)).clip(-2, 2)
    price = np.array([asset.price for asset in moment.assets])[rows]
    decimals = decimals_of(price)
    mark = rounded(np.concatenate(prices) * elementary.exp(noise), decimals)
    ages = (np.array(expiry) - moment.captured_at) / DAY
    volume = 0.02 * moment.daily_usd()[rows] / (1 + ages / 30)
    tick = elementary.power_of_ten(-decimals)
    half = np.maximum(mark * perpetual_spread_of(moment, volume) / 2, tick / 2)
    coined = np.array(inverse) == 1
    contract = np.where(coined, _INVERSE_CONTRACT_USD, 1.0)
    lot = np.where(coined, 1.0, step_worth(price, 10.0))
    return Futures(
        symbols=tuple(symbols),
        exchanges=(EXCHANGE,) * len(rows),
        bid=rounded(np.floor((mark - half) / tick) * tick, decimals),
        ask=rounded(np.ceil((mark + half) / tick) * tick, decimals),
        mark=mark,
        index=moment.last[rows],
        expiry=np.array(expiry, dtype=np.int64),
        inverse=np.array(inverse, dtype=np.int64),
        open_interest_usd=2 * volume,
        volume_24h_usd=volume,
        rules=rules(contract, decimals, lot, MINIMUM_NOTIONAL_USD),
    )
