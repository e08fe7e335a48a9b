"""Captures the market of a window once for all its scans, or finds the recorded one that a scan is pinned to."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opportunities import ranking
from opportunities.aws import snapshots
from opportunities.aws.snapshots import SnapshotBucket
from opportunities.domain import AssetTier
from opportunities.errors import MarketUnavailable
from opportunities.market.archive.file import save
from opportunities.market.snapshot import MarketSnapshot
from opportunities.serialization import timestamp

if TYPE_CHECKING:
    from opportunities import responses


@dataclass(frozen=True)
class Capture:
    """`source` makes the snapshot of a moment (epoch seconds); `source_id` names it and its parameters in the key."""

    bucket: SnapshotBucket
    source: Callable[[int], MarketSnapshot]
    source_id: str
    window_seconds: int

    def window(self, window: int) -> str:
        """The key of this window's snapshot, capturing it if nobody has."""
        captured_at = window * self.window_seconds
        key = snapshots.window_key(self.source_id, captured_at)
        if not self.bucket.has(key):
            self.bucket.put_once(key, save(self.source(captured_at)))
        return key

    def pinned(self, name: str) -> str:
        """The key of an uploaded snapshot; raises `MarketUnavailable` if there is none of that name."""
        key = snapshots.pinned_key(name)
        if not self.bucket.has(key):
            raise MarketUnavailable(f"no snapshot is named {name}; upload it to {key} or leave the snapshot out")
        return key


def describe(market: MarketSnapshot, symbols: tuple[str, ...]) -> "responses.AssetDiscovery":
    """Which market was judged, as the results show it; a pair counts once, by its largest listing.

    `symbols` are those the caller asked for.
    """
    spot = market.spot
    volumes: dict[str, float] = {}
    for symbol, volume in zip(spot.symbols, spot.volume_24h_usd.tolist(), strict=True) if spot else ():
        volumes[symbol] = max(volumes.get(symbol, 0.0), volume)
    sections = (market.perpetuals, market.futures, market.options)
    known = {*volumes, *(symbol for section in sections if section for symbol in section.symbols)}
    tiers = Counter(AssetTier.of(volume) for volume in volumes.values())
    return {
        "source": market.source,
        "captured_at": timestamp(market.captured_at),
        "total_assets_scanned": len({symbol.partition("/")[0] for symbol in known}),
        "asset_tiers": {tier: tiers[tier] for tier in AssetTier if tiers[tier]},
        "unknown_symbols": [name for name in symbols if not any(ranking.is_of(one, name) for one in known)],
        "excluded": dict(market.excluded) | _half_judged(market),
        "missing": dict(market.missing),
        "assumptions": dict(market.assumptions),
    }


def _half_judged(market: MarketSnapshot) -> dict[str, int]:
    """The perpetuals that most strategies leave out: a short or long in USD is what their legs have to be."""
    inverse = int(market.perpetuals.inverse.sum()) if market.perpetuals else 0
    return {"inverse perpetual, judged for its funding only": inverse} if inverse else {}
