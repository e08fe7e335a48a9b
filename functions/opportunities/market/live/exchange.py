"""One exchange as ccxt reaches it: connected without keys, throttled by ccxt, asked again where a failure is transient.

ccxt is heavy, so it is imported when the first exchange is connected.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from opportunities.errors import MarketUnavailable

ATTEMPTS = 3
_TIMEOUT_MS = 8_000
_BACKOFF_SECONDS = 0.4
_UNREADABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError)  # a body that ccxt's parser trips over
_JITTER = random.SystemRandom()
# Without these, every load of the markets would ask for option chains that nobody reads.
_MARKET_TYPES = {
    "binance": ["spot", "linear", "inverse"],
    "bybit": ["spot", "linear", "inverse"],
    "okx": ["spot", "swap", "future"],
}


@dataclass(frozen=True, eq=False)
class Exchange:
    """`exchange` is a ccxt exchange; its throttler keeps to the rate limit however many ask at once."""

    name: str
    exchange: Any

    async def ask[T](self, method: Callable[..., Awaitable[T]], *arguments: object) -> T:
        """The answer; raises MarketUnavailable with a plain reason after the last attempt, or at once where another
        attempt would fail the same way. Backs off exponentially with full jitter.
        """
        import ccxt  # noqa: PLC0415 - see above

        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await method(*arguments)
            except ccxt.NetworkError as error:
                if attempt == ATTEMPTS:
                    raise MarketUnavailable(f"{_reason(error)}, {ATTEMPTS} times") from error
            except ccxt.BaseError as error:
                raise MarketUnavailable(_reason(error)) from error
            except _UNREADABLE as error:
                raise MarketUnavailable("it answered what ccxt cannot read") from error
            await asyncio.sleep(_JITTER.uniform(0, _BACKOFF_SECONDS * 2**attempt))
        raise AssertionError

    def has(self, method: str) -> bool:
        """Whether ccxt knows an endpoint for this, in one request."""
        return self.exchange.has.get(method) is True


def connect(name: str) -> Any:  # noqa: ANN401 - ccxt is untyped
    """A ccxt exchange by its ccxt name; raises MarketUnavailable for a name that ccxt does not know."""
    import ccxt.async_support as ccxt  # noqa: PLC0415 - see above

    if name not in ccxt.exchanges:
        raise MarketUnavailable("ccxt knows no exchange of this name")
    types = _MARKET_TYPES.get(name)
    return getattr(ccxt, name)(
        {
            "enableRateLimit": True,
            "timeout": _TIMEOUT_MS,
            "has": {"fetchCurrencies": False},  # it needs keys at some, and the markets name the currencies anyway
            "options": {"fetchMarkets": {"types": types}} if types else {},
        }
    )


def _reason(error: Exception) -> str:
    import ccxt  # noqa: PLC0415 - see above

    for kind, said in (
        (ccxt.RateLimitExceeded, "it was asked too often"),
        (ccxt.DDoSProtection, "it was asked too often"),
        (ccxt.RequestTimeout, "it did not answer in time"),
        (ccxt.ExchangeNotAvailable, "it is not available"),
        (ccxt.NetworkError, "it cannot be reached"),
        (ccxt.NotSupported, "ccxt does not support this there"),
    ):
        if isinstance(error, kind):
            return said
    return f"it refused ({type(error).__name__})"
