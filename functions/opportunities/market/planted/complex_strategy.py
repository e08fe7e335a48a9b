"""Plants a pair between coins, a second exchange, a third one's dated future, or an option that contradicts the others.

Unit of size: prices are moved so far that the arbitrage nets twice its costs, before slippage. Which one, and where,
the seed says. `symbol` is the pair or the sold future; of a box the expiry's own future. `profit_usd` is for
`INVESTOR`, whose capital limits nothing here: the most that any arbitrage with the moved prices nets, by trying every
size at which a book's level ends; coins are not rounded to lots (worth at most a dollar), options are.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, permutations

import numpy as np

from opportunities.domain import Investor
from opportunities.market.planted import Planted
from opportunities.market.planted.oracles.carry import LEAST_DAYS, Carried, base_of, days_left, requoted, spot_of
from opportunities.market.planted.oracles.options import Trade, central, expiries, futures_of
from opportunities.market.snapshot import Books, MarketSnapshot, Spot
from opportunities.maths import elementary
from opportunities.maths.arrays import Floats

INVESTOR = Investor(capital_usd=1e9)

_KINDS = ("triangular", "cross_exchange", "cross_exchange_carry", "box")
_TICK = 1e-4
_THIRD = "third exchange"
_ROOM = 1000.0


@dataclass(frozen=True, eq=False)
class _Side:
    """A listing bought (quote in, base out) or sold (base in, quote out): levels of (in, out), fees paid."""

    taken: Floats
    given: Floats

    def out(self, amount: float) -> float:
        """What an amount becomes, level by level; what exceeds the book becomes nothing."""
        total = 0.0
        for taken, given in zip(self.taken, self.given, strict=True):
            part = min(amount, float(taken))
            total += part * float(given / taken)
            amount -= part
        return total

    def into(self, amount: float) -> float:
        """What it takes to get an amount, infinite if the book doesn't give it."""
        total = 0.0
        for taken, given in zip(self.taken, self.given, strict=True):
            part = min(amount, float(given))
            total += part * float(taken / given)
            amount -= part
        return total if amount <= 1e-9 else np.inf


def plant(market: MarketSnapshot, seed: int, size: float) -> tuple[MarketSnapshot, Planted]:
    """The market with that in it; all other prices stay as they are."""
    rng = np.random.default_rng(seed)
    kind = _KINDS[seed % len(_KINDS)]
    if kind == "triangular":
        return _cross(market, rng, size)
    if kind == "cross_exchange":
        return _elsewhere(market, rng, size)
    return _third(market, rng, size) if kind == "cross_exchange_carry" else _box(market, rng, size)


def _cross(market: MarketSnapshot, rng: np.random.Generator, size: float) -> tuple[MarketSnapshot, Planted]:
    """A pair between coins moved against the two dollar pairs."""
    spot = spot_of(market)
    rows = [row for row, symbol in enumerate(spot.symbols) if not symbol.endswith("/USDT")]
    row = int(rng.choice(rows))
    exchange, (base, _, quote) = spot.exchanges[row], spot.symbols[row].partition("/")
    closing = [row, *(_row(spot, f"{coin}/USDT", exchange) for coin in (base, quote))]
    planted = _moved(market, row, _factor(market, closing, rng, size))
    best = max(_walked(planted, route, exchange) for route in _routes(spot_of(planted), base, quote, exchange))
    return planted, Planted(spot.symbols[row], best)


def _elsewhere(market: MarketSnapshot, rng: np.random.Generator, size: float) -> tuple[MarketSnapshot, Planted]:
    """A dollar pair of an exchange that others have too, moved."""
    spot = spot_of(market)
    twice = [row for row, symbol in enumerate(spot.symbols) if spot.symbols.index(symbol) != row]
    row = int(rng.choice(twice))
    planted = _moved(market, row, _factor(market, [row, spot.symbols.index(spot.symbols[row])], rng, size))
    same = [other for other, symbol in enumerate(spot.symbols) if symbol == spot.symbols[row]]
    routes = [
        [_side(planted, bought, buy=True), _side(planted, sold, buy=False)] for bought, sold in permutations(same, 2)
    ]
    return planted, Planted(spot.symbols[row], max(_most(route) for route in routes))


def _third(market: MarketSnapshot, rng: np.random.Generator, size: float) -> tuple[MarketSnapshot, Planted]:
    """A dated future that an exchange without coins has alone, dearer than carrying the coin there costs."""
    futures, spot = futures_of(market), spot_of(market)
    row = int(rng.choice([row for row in range(len(futures.symbols)) if days_left(market, row) >= LEAST_DAYS]))
    pair = f"{base_of(futures.symbols[row])}/USDT"
    exchanges = tuple(_THIRD if each == row else name for each, name in enumerate(futures.exchanges))
    moved = replace(
        market,
        futures=replace(futures, exchanges=exchanges),
        fees={**market.fees, _THIRD: market.fees[futures.exchanges[row]]},
    )
    coins = [coin for coin, symbol in enumerate(spot.symbols) if symbol == pair]
    gain = 3 * size * max(Carried(moved, row, coin).cost_rate() for coin in coins)
    bid, ask, mark = requoted(moved, row, 1 + gain)
    planted = replace(moved, futures=replace(futures_of(moved), bid=bid, ask=ask, mark=mark))
    best = max(Carried(planted, row, coin).profit_usd(INVESTOR) for coin in coins)
    return planted, Planted(futures.symbols[row], best)


def _box(market: MarketSnapshot, rng: np.random.Generator, size: float) -> tuple[MarketSnapshot, Planted]:
    """A call whose quotes are moved until the coin-certain box with another strike nets, of which there is enough."""
    found = expiries(market, least_days=2)
    expiry = found[int(rng.integers(len(found)))]
    at = central(expiry, rng)
    call, sign = expiry.calls[at], float(rng.choice([-1.0, 1.0]))
    strike = expiry.options.strike
    boxes = [
        box
        for box in expiry.boxes()
        if dict(box.legs).get(call, 0.0) * sign > 0 and expiry.quoted(box) and _few_lots(strike, box)
    ]
    cost = {box: (expiry.fee(box) + expiry.financing(box)) * (1 + 2 * size) - expiry.edge(box) for box in boxes}
    nearest = min(boxes, key=lambda box: cost[box] / abs(dict(box.legs)[call]))
    coins = np.ceil(cost[nearest] / abs(dict(nearest.legs)[call]) / _TICK) * _TICK
    moved = expiry.shifted([call], float(-sign * coins))
    options = moved.options
    rows = [*moved.calls, *moved.puts]
    sizes = {name: getattr(options, name).copy() for name in ("bid_size", "ask_size")}
    for column in sizes.values():
        column[rows] *= _ROOM
    planted = replace(moved, market=replace(moved.market, options=replace(options, **sizes)))
    return planted.market, Planted(expiry.name, planted.best_usd(planted.boxes()))


def _few_lots(strike: Floats, box: Trade) -> bool:
    """Whether the two strikes stand in a ratio of small numbers, so that whole lots of both exist."""
    low, high = sorted({round(float(strike[row])) for row, _ in box.legs})
    return high // int(np.gcd(low, high)) <= 1000


def _factor(market: MarketSnapshot, rows: list[int], rng: np.random.Generator, size: float) -> float:
    """By how much one of these listings must move, up or down, for a cycle through all to net twice its costs."""
    spot = spot_of(market)
    costs = sum(
        market.fees[spot.exchanges[row]].spot_taker + float(spot.ask[row] / spot.bid[row] - 1) / 2 for row in rows
    )
    return float(elementary.exp((1 + 2 * size) * costs * rng.choice([-1.0, 1.0])))


def _moved(market: MarketSnapshot, row: int, factor: float) -> MarketSnapshot:
    """The market with a listing's quotes and book multiplied."""
    spot = spot_of(market)
    if spot.books is None:
        raise ValueError("nothing can be planted in books: the market has none")
    factors = np.ones(len(spot.symbols))
    factors[row] = factor
    books = Books(
        spot.books.bid_price * factors[:, None],
        spot.books.bid_size,
        spot.books.ask_price * factors[:, None],
        spot.books.ask_size,
    )
    quotes = {name: getattr(spot, name) * factors for name in ("bid", "ask", "last")}
    return replace(market, spot=replace(spot, books=books, **quotes))


def _row(spot: Spot, symbol: str, exchange: str) -> int:
    return next(
        row for row, each in enumerate(zip(spot.symbols, spot.exchanges, strict=True)) if each == (symbol, exchange)
    )


def _side(market: MarketSnapshot, row: int, *, buy: bool) -> _Side:
    spot = spot_of(market)
    fee = market.fees[spot.exchanges[row]].spot_taker
    if spot.books is None:
        raise ValueError("the informed trader walks books: the market has none")
    if buy:
        price, size = spot.books.ask_price[row], spot.books.ask_size[row]
        return _Side(price * size * (1 + fee), size)
    price, size = spot.books.bid_price[row], spot.books.bid_size[row]
    return _Side(size, price * size * (1 - fee))


def _routes(spot: Spot, base: str, quote: str, exchange: str) -> Iterator[tuple[str, ...]]:
    """Every cycle from dollars to dollars over two or three coins with the pair in it."""
    here = {symbol for symbol, name in zip(spot.symbols, spot.exchanges, strict=True) if name == exchange}
    coins = {coin for symbol in here if not symbol.endswith("/USDT") for coin in symbol.split("/")}
    for number in (2, 3):
        for route in permutations(sorted(coins), number):
            steps = {frozenset(step) for step in pairwise(route)}
            listed = all(f"{one}/{other}" in here or f"{other}/{one}" in here for one, other in map(sorted, steps))
            if frozenset((base, quote)) in steps and listed:
                yield ("USDT", *route, "USDT")


def _walked(market: MarketSnapshot, route: tuple[str, ...], exchange: str) -> float:
    spot = spot_of(market)
    sides = []
    for source, target in pairwise(route):
        buy = f"{target}/{source}" in spot.symbols
        row = _row(spot, f"{target}/{source}" if buy else f"{source}/{target}", exchange)
        sides.append(_side(market, row, buy=buy))
    return _most(sides)


def _most(sides: list[_Side]) -> float:
    """The most dollars netted over all amounts at which a level of some book on the way is used up."""
    amounts = []
    for place, side in enumerate(sides):
        for taken in np.cumsum(side.taken):
            amount = float(taken)
            for earlier in reversed(sides[:place]):
                amount = earlier.into(amount)
            if np.isfinite(amount):
                amounts.append(amount)
    return max(_through(sides, amount) - amount for amount in amounts)


def _through(sides: list[_Side], amount: float) -> float:
    for side in sides:
        amount = side.out(amount)
    return amount
