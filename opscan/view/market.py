"""Which market was judged, in words; where no strategy could judge it, what the key of its snapshot tells."""

import re
from datetime import UTC, datetime

from opscan.client.results import Market, Results
from opscan.view.numbers import ago

# What opportunities.aws.snapshots makes: windows/<source with its parameters>/<unix time>, pinned/<name>.
_WINDOW = re.compile(r"windows/(?P<source>[^/]+)/(?P<captured_at>\d{1,11})")
_PINNED = re.compile(r"pinned/(?P<name>.+)")


def market_of(results: Results, now: datetime) -> str:
    """Its source, its age and its size, as far as the answer tells them."""
    if results.market.source or not results.snapshot:
        return _judged(results.market, now)
    if window := _WINDOW.fullmatch(results.snapshot):
        captured_at = datetime.fromtimestamp(int(window["captured_at"]), UTC)
        return f"{window['source']}, {_moment('window of', captured_at, now)}; no strategy could judge it"
    pinned = _PINNED.fullmatch(results.snapshot)
    name = f"pinned snapshot {pinned['name']}" if pinned else f"snapshot {results.snapshot}"
    return f"{name}; no strategy could judge it"


def warning_of(results: Results) -> str:
    """What must be known before any number is read; empty for a market that was observed."""
    window = _WINDOW.fullmatch(results.snapshot)
    kind = results.market.source or (window["source"] if window else "")
    planted = kind.startswith("planted-") or any(name == "planted" for name, _ in results.market.assumptions)
    if not planted and not kind.startswith("simulated"):
        return ""
    return f"SIMULATED market{', opportunities planted into it' * planted}: nothing below was observed anywhere."


def _judged(market: Market, now: datetime) -> str:
    captured = "when is not said"
    if market.captured_at is not None:
        captured = _moment("captured", market.captured_at, now)
    assets = f", {market.assets} assets" if market.assets else ""
    return f"{market.source or 'source not said'}, {captured}{assets}"


def _moment(what: str, moment: datetime, now: datetime) -> str:
    return f"{what} {moment:%Y-%m-%d %H:%M:%S} UTC ({ago(now - moment)})"
