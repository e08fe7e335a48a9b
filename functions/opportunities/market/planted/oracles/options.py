"""One expiry of coin-quoted options as a perfectly informed trader sees it: every structure's worst payoff by settling
it at many prices, and what it nets at the sizes that are quoted. Nothing of the strategies' closed forms is used.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import sqrt

import numpy as np

from opportunities.domain import Fees
from opportunities.market.snapshot import Futures, MarketSnapshot, Options
from opportunities.maths import elementary
from opportunities.maths.arrays import Floats

FINANCING = 0.05
_SHARE_OF_VOLUME = 0.001


@dataclass(frozen=True)
class Trade:
    """Option rows with signed units of base each, and USD of the expiry's coin-margined future, per unit."""

    legs: tuple[tuple[int, float], ...]
    future_usd: float = 0.0


@dataclass(frozen=True, eq=False)
class Expiry:
    """The rows of one expiry, by kind and strike, and the row of its own future."""

    market: MarketSnapshot
    name: str
    calls: tuple[int, ...]
    puts: tuple[int, ...]
    future: int

    @property
    def options(self) -> Options:
        return options_of(self.market)

    @property
    def fees(self) -> Fees:
        return self.market.fees[self.options.exchanges[self.calls[0]]]

    @property
    def days(self) -> float:
        return float(self.options.expiry[self.calls[0]] - self.market.captured_at) / 86_400

    @property
    def forward(self) -> float:
        return float(self.options.forward[self.calls[0]])

    def price(self, row: int, units: float) -> float:
        return float((self.options.ask if units > 0 else self.options.bid)[row])

    def future_price(self, usd: float) -> float:
        futures = futures_of(self.market)
        return float((futures.ask if usd > 0 else futures.bid)[self.future])

    def edge(self, trade: Trade) -> float:
        """Coins netted at the worst settlement price, before fees, per unit."""
        options = self.options
        strikes = options.strike[[row for row, _ in trade.legs]]
        settled = np.concatenate([strikes, strikes.min() * np.array([1e-6, 0.5]), strikes.max() * np.array([2, 1e6])])
        coins = np.zeros(len(settled))
        for row, units in trade.legs:
            sign = 1 if options.call[row] else -1
            coins += units * (np.maximum(sign * (settled - options.strike[row]), 0) / settled - self.price(row, units))
        if trade.future_usd:
            coins += trade.future_usd * (1 / self.future_price(trade.future_usd) - 1 / settled)
        return float(coins.min())

    def fee(self, trade: Trade) -> float:
        """Coins per unit: options and their delivery at the forward, the future and its delivery."""
        options, fees = self.options, self.fees
        total = 2 * fees.perpetual_taker * abs(trade.future_usd) / self.future_price(trade.future_usd)
        for row, units in trade.legs:
            money = (self.forward - float(options.strike[row])) * (1 if options.call[row] else -1)
            for value in (self.price(row, units), max(money, 0.0) / self.forward):
                total += abs(units) * min(fees.option_taker, fees.option_cap * value)
        return total

    def profit_usd(self, trade: Trade) -> float:
        """Net of everything, of the most whole lots that the quotes' sizes and the future's volume allow."""
        options, futures = self.options, futures_of(self.market)
        lot = 0.0 if options.rules is None else float(options.rules.lot[trade.legs[0][0]])
        most = min(
            float((options.ask_size if units > 0 else options.bid_size)[row]) / abs(units) for row, units in trade.legs
        )
        volume = float(futures.volume_24h_usd[self.future])
        price = self.future_price(trade.future_usd)
        if trade.future_usd:
            most = min(most, _SHARE_OF_VOLUME * volume / self.forward * price / abs(trade.future_usd))
        for number in range(int(most / lot + 1e-9), 0, -1):
            lots = [abs(units) * number for _, units in trade.legs]
            if trade.future_usd and futures.rules is not None:
                contract = float((futures.rules.lot * futures.rules.contract_size)[self.future])
                lots.append(number * lot * abs(trade.future_usd) / contract)
            if all(abs(each - round(each)) < 1e-6 for each in lots):
                break
        else:
            return 0.0
        size, index = number * lot, float(options.index[trade.legs[0][0]])
        middle = min(self.calls, key=lambda row: abs(options.strike[row] - self.forward))
        deviation = float(options.mark_iv[middle]) / sqrt(365)
        coins = size * abs(trade.future_usd) / price
        impact = deviation * sqrt(coins * price / volume)
        slippage = coins * price * (impact if trade.future_usd > 0 else impact / (1 + impact))
        return size * (self.edge(trade) - self.fee(trade) - self.financing(trade)) * index - slippage

    def financing(self, trade: Trade) -> float:
        """Coins per unit for what is paid on balance, until expiry."""
        paid = sum(units * self.price(row, units) for row, units in trade.legs)
        return FINANCING * self.days / 365 * max(paid, 0.0)

    def parities(self) -> Iterator[Trade]:
        for call, put in zip(self.calls, self.puts, strict=True):
            strike = float(self.options.strike[call])
            yield Trade(((call, -1.0), (put, 1.0)), strike)
            yield Trade(((call, 1.0), (put, -1.0)), -strike)

    def verticals(self) -> Iterator[Trade]:
        for rows in (self.calls, self.puts):
            for low, high in combinations(rows, 2):
                yield Trade(((low, 1.0), (high, -1.0)))
                yield Trade(((low, -1.0), (high, 1.0)))

    def butterflies(self) -> Iterator[Trade]:
        strike = self.options.strike
        for rows in (self.calls, self.puts):
            for low, middle, high in combinations(rows, 3):
                share = float((strike[high] - strike[middle]) / (strike[high] - strike[low]))
                yield Trade(((low, share), (middle, -1.0), (high, 1 - share)))

    def boxes(self) -> Iterator[Trade]:
        strike = self.options.strike
        for (call, put), (other, against) in combinations(zip(self.calls, self.puts, strict=True), 2):
            ratio = float(strike[call] / strike[other])
            for sign in (1.0, -1.0):
                yield Trade(((call, sign), (put, -sign), (other, -sign * ratio), (against, sign * ratio)))

    def quoted(self, trade: Trade) -> bool:
        return all(np.isfinite(self.price(row, units)) for row, units in trade.legs)

    def best_usd(self, trades: Iterator[Trade]) -> float:
        """The most profitable of these that nets something."""
        paying = [trade for trade in trades if self.quoted(trade) and self.edge(trade) > self.fee(trade)]
        return max((self.profit_usd(trade) for trade in paying), default=0.0)

    def shifted(self, rows: Sequence[int], coins: float) -> "Expiry":
        """The same with the quotes and marks of these rows moved by so many coins."""
        options = self.options
        change = np.zeros(len(options.symbols))
        change[list(rows)] = coins
        moved = replace(options, bid=options.bid + change, ask=options.ask + change, mark=options.mark + change)
        return replace(self, market=replace(self.market, options=moved))


def options_of(market: MarketSnapshot) -> Options:
    if market.options is None:
        raise ValueError("nothing can be planted among options: the market has none")
    return market.options


def futures_of(market: MarketSnapshot) -> Futures:
    if market.futures is None:
        raise ValueError("nothing can be planted among dated futures: the market has none")
    return market.futures


def expiries(market: MarketSnapshot, least_days: float) -> list[Expiry]:
    """Those with so many days to go whose own future is listed."""
    options, futures = options_of(market), futures_of(market)
    found = []
    for future, name in enumerate(futures.symbols):
        rows = [row for row, symbol in enumerate(options.symbols) if symbol.rsplit("-", 2)[0] == name]
        rows.sort(key=lambda row: float(options.strike[row]))
        calls = tuple(row for row in rows if options.call[row])
        puts = tuple(row for row in rows if not options.call[row])
        if calls and futures.expiry[future] - market.captured_at >= least_days * 86_400:
            found.append(Expiry(market, name, calls, puts, future))
    return found


def central(expiry: Expiry, rng: np.random.Generator) -> int:
    """The place of a strike within half a standard deviation of the forward, quoted on all four sides."""
    options = expiry.options
    calls, puts = np.array(expiry.calls), np.array(expiry.puts)
    deviation: Floats = options.mark_iv[calls] * np.sqrt(expiry.days / 365)
    near = np.abs(elementary.log(options.strike[calls] / expiry.forward)) < 0.5 * deviation
    two_sided = np.isfinite(options.bid[calls] + options.bid[puts])
    return int(rng.choice(np.flatnonzero(near & two_sided)))
