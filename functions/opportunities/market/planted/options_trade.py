"""Plants a mispriced option: a call too dear or too cheap for its put, both too dear for their neighbours, or an expiry
whose volatility is far from what the simulated prices have.

Unit of size: the quotes are moved so far that conversion, reversal or butterfly at that strike net twice their costs; a
volatility is multiplied or divided by 1.8. Which one it is, and where, the seed says. `symbol` is that of the expiry's
own future. `profit_usd` is for `INVESTOR`, whose capital limits nothing here: the most that any structure of that
expiry nets; None for a volatility, whose profit is an expectation and whose size depends on an estimate.
"""

from dataclasses import replace

import numpy as np

from opportunities.domain import Investor
from opportunities.market.planted import Planted
from opportunities.market.planted.oracles.options import Expiry, Trade, central, expiries
from opportunities.market.simulated.options import premium
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths import elementary

INVESTOR = Investor(capital_usd=1e9)

_KINDS = ("conversion", "reversal", "butterfly", "sell_volatility", "buy_volatility")
_DEARER = 1.8
_TICK = 1e-4


def plant(market: MarketSnapshot, seed: int, size: float) -> tuple[MarketSnapshot, Planted]:
    """The market with that expiry changed; all others stay as they are."""
    rng = np.random.default_rng(seed)
    kind = _KINDS[seed % len(_KINDS)]
    found = expiries(market, least_days=10)
    if kind.endswith("volatility"):
        expiry = found[int(rng.integers(sum(each.days <= 60 for each in found)))]
        expiry = min(
            (each for each in found if each.days <= 60), key=lambda each: (each.name != expiry.name, each.name)
        )
        factor = elementary.power(_DEARER, size if kind == "sell_volatility" else -size)
        return _revalued(expiry, float(factor)), Planted(expiry.name, None)
    expiry = found[int(rng.integers(len(found)))]
    at = central(expiry, rng)
    call, put = expiry.calls[at], expiry.puts[at]
    strike = float(expiry.options.strike[call])
    if kind == "butterfly":
        neighbours = (expiry.calls[at - 1], expiry.calls[at + 1])
        low, high = (float(expiry.options.strike[row]) for row in neighbours)
        share = (high - strike) / (high - low)
        trade = Trade(((neighbours[0], share), (call, -1.0), (neighbours[1], 1 - share)))
        rows: tuple[int, ...] = (call, put)
    else:
        sign = -1.0 if kind == "conversion" else 1.0
        trade, rows = Trade(((call, sign), (put, -sign)), -sign * strike), (call,)
    away = (1 + 2 * size) * (expiry.fee(trade) + expiry.financing(trade)) - expiry.edge(trade)
    coins = np.ceil(away / _TICK) * _TICK * (-1 if kind == "reversal" else 1)
    planted = expiry.shifted(rows, float(coins))
    best = max(planted.best_usd(each) for each in (planted.parities(), planted.verticals(), planted.butterflies()))
    return planted.market, Planted(expiry.name, best)


def _revalued(expiry: Expiry, factor: float) -> MarketSnapshot:
    """The expiry's options with their volatility multiplied: quotes keep their distance from the mark."""
    options = expiry.options
    rows = [*expiry.calls, *expiry.puts]
    volatility = options.mark_iv[rows] * factor
    total = np.square(volatility) * expiry.days / 365
    mark = premium(options.forward[rows], options.strike[rows], total, options.call[rows])
    columns = {name: getattr(options, name).copy() for name in ("bid", "ask", "mark", "mark_iv")}
    away = np.nan_to_num(mark - options.mark[rows])
    bid = np.floor((options.bid[rows] + away) / _TICK) * _TICK
    columns["bid"][rows] = np.where(bid > 0, bid, np.nan)
    columns["ask"][rows] = np.maximum(np.ceil((options.ask[rows] + away) / _TICK), 1) * _TICK
    columns["mark"][rows], columns["mark_iv"][rows] = mark, volatility
    return replace(expiry.market, options=replace(options, **columns))
