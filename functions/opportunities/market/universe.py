"""Which recorded or listed markets belong in a snapshot: in dollars, and not a token that only tracks another.

Leveraged tokens decay and follow a futures basket, and pairs of two stable coins do not move: every strategy would
misread them (freqtrade excludes both from its pair lists too).
"""

import re

from opportunities.domain import DOLLARS

STABLE = DOLLARS | {"FDUSD", "BUSD", "TUSD", "DAI", "USDP", "USDD", "USDE", "PYUSD", "USD1"}

_LEVERAGED = re.compile(r".+(?:[2-9][LS]|BULL|BEAR)")
_DIRECTION = re.compile(r"(.+)(?:UP|DOWN)")
# What Binance had UP and DOWN tokens on; by ending alone JUP and SYRUP would be such tokens.
_UNDERLYING = frozenset(
    {"1INCH", "AAVE", "ADA", "BCH", "BNB", "BTC", "DOT", "EOS", "ETH", "FIL", "LINK", "LTC"}
    | {"SUSHI", "SXP", "TRX", "UNI", "XLM", "XRP", "XTZ", "YFI"}
)


def unfit(base: str, quote: str, settle: str | None = None) -> str | None:
    """Why a market does not belong in a snapshot, or None; `settle` is what a perpetual is settled in."""
    if quote not in STABLE:
        return "not quoted in dollars"
    if settle not in (None, quote, base):
        return "settled in a third coin"
    if base in STABLE:
        return "pair of stable coins"
    directed = _DIRECTION.fullmatch(base)
    if _LEVERAGED.fullmatch(base) or (directed and directed[1] in _UNDERLYING):
        return "leveraged token"
    return None
