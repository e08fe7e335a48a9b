"""The simulated option chains: Black-76 on each expiry's own future, on a smile without static arbitrage."""

import numpy as np

from opportunities.market import draws
from opportunities.market.option_chains import dated
from opportunities.market.simulated.futures import expiries, forwards
from opportunities.market.simulated.moment import EXCHANGE, Moment, rules
from opportunities.market.snapshot import Futures, Options, Perpetuals
from opportunities.market.timeframes import HOUR
from opportunities.maths import elementary
from opportunities.maths.arrays import Floats, Ints

_UNDERLYINGS = 2
_STRIKES, _REACH = 20, 2.3
_NICE = np.array([1.0, 2.0, 2.5, 5.0, 10.0])
_HOURS_A_YEAR = 365.0 * 24
# The lively market's smile (correlation and convexity) and how much dearer than the expected variance it is.
_RHO, _ETA, _DEARER = -0.15, 0.9, 1.1
_TICK, _DECIMALS = 1e-4, 4
_HALF_SPREAD, _HALF_SPREAD_OF_PREMIUM, _HALF_SPREAD_OF_TIME_VALUE = 0.0002, 0.001, 0.015
_LOTS = (0.01, 0.1)


def options_of(moment: Moment, perpetuals: Perpetuals, futures: Futures) -> Options:
    """Inverse chains on the largest two assets; arrays of shape (options,), calls and puts of each strike in turn.

    The mark obeys parity, c - p = 1 - K/F in coins, to the last digits; the quotes lie on ticks around it.
    """
    dates = expiries(moment.captured_at)
    listed = dict(zip(futures.symbols, futures.mark, strict=True))
    parts: list[Floats] = []
    symbols: list[str] = []
    for row, asset in enumerate(moment.assets[:_UNDERLYINGS]):
        pair = f"{asset.name}/USD:{asset.name}"
        for date, curve in zip(dates, forwards(moment, perpetuals, row, dates), strict=True):
            forward = float(listed.get(f"{pair}-{dated(date)}", curve))
            hours = (date - moment.captured_at) / HOUR
            variance = _expected_variance(moment, row, hours)
            strikes = strikes_around(forward, variance)
            total = total_variance(elementary.log(strikes / forward), variance, fair=moment.fair)
            for strike, each in zip(strikes, total, strict=True):
                parts += [np.array([row, date, hours, strike, forward, each, call]) for call in (1.0, 0.0)]
                symbols += [f"{pair}-{dated(date)}-{strike:.10g}-{kind}" for kind in "CP"]
    rows, expiry, hours_left, strike, forward, total, call = np.array(parts).T
    mark = premium(forward, strike, total, call)
    time_value = np.minimum(mark, premium(forward, strike, total, 1 - call))
    half = _HALF_SPREAD + _HALF_SPREAD_OF_PREMIUM * mark + _HALF_SPREAD_OF_TIME_VALUE * time_value
    bid = np.round(np.floor((mark - half) / _TICK) * _TICK, _DECIMALS)
    underlying = rows.astype(np.int64)
    near = elementary.exp(-0.5 * np.square(elementary.log(strike / forward)) / total) / np.sqrt(1 + hours_left / 24)
    volume = 0.002 * moment.daily_usd()[underlying] * near
    sizes = np.array(_LOTS)[underlying] * np.ceil(500 * near * draws.gamma(moment.rng, 2.0, (2, len(rows))))
    return Options(
        symbols=tuple(symbols),
        exchanges=(EXCHANGE,) * len(symbols),
        expiry=expiry.astype(np.int64),
        strike=strike,
        call=call.astype(np.int64),
        inverse=np.ones(len(symbols), dtype=np.int64),
        bid=np.where(bid > 0, bid, np.nan),
        ask=np.round(np.ceil((mark + half) / _TICK) * _TICK, _DECIMALS),
        bid_size=np.where(bid > 0, sizes[0], np.nan),
        ask_size=sizes[1],
        mark=mark,
        mark_iv=np.sqrt(total / (hours_left / _HOURS_A_YEAR)),
        forward=forward,
        index=moment.last[underlying],
        open_interest_usd=5 * volume,
        volume_24h_usd=volume,
        rules=rules(np.ones(len(symbols)), np.full(len(symbols), _DECIMALS), np.array(_LOTS)[underlying], np.nan),
    )


def strikes_around(forward: float, variance: float) -> Floats:
    """About `_STRIKES` strikes at round steps, `_REACH` deviations to both sides of the forward."""
    reach = _REACH * np.sqrt(variance)
    low, high = forward * elementary.exp(-reach), forward * elementary.exp(reach)
    raw = (high - low) / _STRIKES
    steps = _NICE * elementary.power_of_ten(elementary.magnitude(raw))
    step = steps[np.abs(elementary.log(steps / raw)).argmin()]
    strikes: Floats = step * np.arange(max(1, np.ceil(low / step)), np.floor(high / step) + 1)
    return strikes


def total_variance(moneyness: Floats, at_the_money: float, *, fair: bool) -> Floats:
    """Implied variance until expiry at log(K/F): the surface SSVI with a power law, flat in a fair market.

    w = θ/2 (1 + ρφk + sqrt((φk + ρ)² + 1 - ρ²)) with φ = η / sqrt(θ (1 + θ)), which has no butterfly or calendar
    arbitrage while η (1 + |ρ|) <= 2 and θ rises with time (Gatheral and Jacquier, Arbitrage-free SVI volatility
    surfaces, 2014, equation 4.1 and remark 4.4).
    """
    if fair:
        return np.full_like(moneyness, at_the_money)
    theta = _DEARER * at_the_money
    bent = _ETA / np.sqrt(theta * (1 + theta)) * moneyness
    surface: Floats = theta / 2 * (1 + _RHO * bent + np.sqrt(np.square(bent + _RHO) + 1 - _RHO * _RHO))
    return surface


def premium(forward: Floats, strike: Floats, total: Floats, call: Floats | Ints) -> Floats:
    """Premiums in coins: Black's price over the forward (Black, The pricing of commodity contracts, 1976, eq. 16,
    undiscounted), since the payoff is in coins too. `total` is the variance until expiry, `call` 1 or 0.
    """
    deviation = np.sqrt(total)
    d1 = elementary.log(forward / strike) / deviation + deviation / 2
    value = elementary.normal_cdf(d1) - strike / forward * elementary.normal_cdf(d1 - deviation)
    priced: Floats = value - (1 - call) * (1 - strike / forward)
    return priced


def _expected_variance(moment: Moment, row: int, hours: float) -> float:
    """What the simulated log returns of the next `hours` are expected to vary, whole hours interpolated."""
    ahead = np.concatenate([[0.0], moment.paths.variance_ahead[row]])
    whole = int(hours)
    return float(ahead[whole] + (hours - whole) * (ahead[whole + 1] - ahead[whole]))
