"""What is asked of one exchange: first everything that comes in bulk, then details of the chosen markets.

Every part is had or not by itself: what failed, or did not come in time, stands in `failed` with its reason.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from opportunities.errors import MarketUnavailable
from opportunities.market.live.exchange import Exchange

BOOK_LEVELS = 100
_BARS = 1_000
_PAYMENTS, _FEWER_PAYMENTS = 200, {"okx": 100}
_LATE = "it did not answer within the time of a capture"
_SWAPS: tuple[dict[str, str], ...] = ({"type": "swap"},)
# How an exchange's tickers of contracts are asked for; `_SWAPS`, where it is not said.
_CONTRACTS: Mapping[str, tuple[dict[str, str], ...]] = {
    "binance": ({"type": "swap", "subType": "linear"}, {"type": "future", "subType": "inverse"}),
    "bybit": ({"type": "swap", "subType": "linear"}, {"type": "swap", "subType": "inverse"}),
    "okx": ({"type": "swap"}, {"type": "future"}),
    "kraken": (),
}
_COINS = {"deribit": ("BTC", "ETH")}  # by coin only, and these have options in coin


@dataclass(eq=False)
class Reading:
    """One exchange's answers so far: ccxt's structures by unified symbol."""

    exchange: Exchange
    markets: dict[str, Any] = field(default_factory=dict)
    tickers: dict[str, dict[str, Any]] = field(default_factory=dict)
    funding: dict[str, dict[str, Any]] = field(default_factory=dict)
    intervals: dict[str, dict[str, Any]] = field(default_factory=dict)
    options: dict[str, dict[str, Any]] = field(default_factory=dict)
    bars: dict[str, list[list[float]]] = field(default_factory=dict)
    books: dict[str, dict[str, Any]] = field(default_factory=dict)
    payments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    async def bulk(self, deadline: float) -> None:
        """Markets, tickers, funding rates and option chains; `deadline` is a time of the running loop."""
        exchange, name = self.exchange.exchange, self.exchange.name
        markets = await self._had("markets", deadline, exchange.load_markets)
        if markets is None:
            return
        self.markets = markets
        parts: list[Awaitable[None]] = []
        if coins := _COINS.get(name):
            for coin in coins:
                kind = {"code": coin, "kind": "future"}
                parts.append(self._into(self.tickers, f"{coin} futures", deadline, exchange.fetch_tickers, None, kind))
                parts.append(self._into(self.options, f"{coin} options", deadline, exchange.fetch_option_chain, coin))
        else:
            spot = {"type": "spot"} if exchange.options.get("defaultType", "spot") != "spot" else {}
            parts.append(self._into(self.tickers, "spot", deadline, exchange.fetch_tickers, None, spot))
            parts += [self._contracts(deadline, params) for params in _CONTRACTS.get(name, _SWAPS)]
            if self.exchange.has("fetchFundingRates"):
                parts.append(self._into(self.funding, "funding rates", deadline, exchange.fetch_funding_rates))
            if self.exchange.has("fetchFundingIntervals"):
                asked = exchange.fetch_funding_intervals
                parts.append(self._into(self.intervals, "funding intervals", deadline, asked))
        await asyncio.gather(*parts)

    def part_of(self, market: Mapping[str, Any]) -> str | None:
        """The part, as `failed` names it, that a market's ticker comes with; None where it is not asked for."""
        if coins := _COINS.get(self.exchange.name):
            asked = market["info"].get("kind") == "future" and market["settle"] in coins
            return f"{market['settle']} futures" if asked else None
        if market["type"] == "spot":
            return "spot"
        return "contracts" if _CONTRACTS.get(self.exchange.name, _SWAPS) else None

    async def details(
        self, deadline: float, books: Iterable[str], bars: Iterable[str], payments: Iterable[str]
    ) -> None:
        """Order books, 1h candles and funding payments of these symbols, in this order as the rate limit lets them."""
        exchange = self.exchange.exchange
        payments_at_once = _FEWER_PAYMENTS.get(self.exchange.name, _PAYMENTS)
        wanted: list[Awaitable[None]] = []
        for symbol in books:
            asked = exchange.fetch_order_book
            wanted.append(self._detail(self.books, "books", deadline, symbol, asked, symbol, BOOK_LEVELS))
        for symbol in payments:
            asked = exchange.fetch_funding_rate_history
            wanted.append(
                self._detail(self.payments, "funding payments", deadline, symbol, asked, symbol, None, payments_at_once)
            )
        for symbol in bars:
            asked = exchange.fetch_ohlcv
            wanted.append(self._detail(self.bars, "candles", deadline, symbol, asked, symbol, "1h", None, _BARS))
        await asyncio.gather(*wanted)

    async def _contracts(self, deadline: float, params: dict[str, str]) -> None:
        exchange = self.exchange.exchange
        await self._into(self.tickers, "contracts", deadline, exchange.fetch_tickers, None, params)
        if self.exchange.has("fetchBidsAsks"):  # only there do the tickers of contracts lack them
            quotes = await self._had("contracts", deadline, exchange.fetch_bids_asks, None, params)
            for symbol, quote in (quotes or {}).items():
                self.tickers.setdefault(symbol, {}).update(bid=quote["bid"], ask=quote["ask"])

    async def _into(
        self,
        answers: dict[str, dict[str, Any]],
        what: str,
        deadline: float,
        method: Callable[..., Awaitable[dict[str, dict[str, Any]]]],
        *arguments: object,
    ) -> None:
        answers.update(await self._had(what, deadline, method, *arguments) or {})

    async def _detail[T](
        self,
        answers: dict[str, T],
        what: str,
        deadline: float,
        symbol: str,
        method: Callable[..., Awaitable[T]],
        *arguments: object,
    ) -> None:
        answer = await self._had(what, deadline, method, *arguments)
        if answer is not None:
            answers[symbol] = answer

    async def _had[T](
        self, what: str, deadline: float, method: Callable[..., Awaitable[T]], *arguments: object
    ) -> T | None:
        try:
            async with asyncio.timeout_at(deadline):
                return await self.exchange.ask(method, *arguments)
        except MarketUnavailable as error:
            self.failed[what] = str(error)
        except TimeoutError:
            self.failed[what] = _LATE
        return None
