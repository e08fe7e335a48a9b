"""Lambda entry point of the workflow's first step: answers with the key of the market snapshot."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from opportunities import settings
from opportunities.aws import clients
from opportunities.aws.snapshots import SnapshotBucket
from opportunities.market.live.source import live
from opportunities.market.planted.demo import planted_market
from opportunities.market.simulated import simulated
from opportunities.market.snapshot import MarketSnapshot
from opportunities.services.capture import Capture


def handler(event: Mapping[str, Any], _context: object) -> dict[str, str]:
    source, source_id = _source(settings.market_source())
    capture = Capture(
        bucket=SnapshotBucket(clients.client("s3"), settings.snapshot_bucket()),
        source=source,
        source_id=source_id,
        window_seconds=settings.snapshot_seconds(),
    )
    name = event["snapshot"]
    return {"snapshot_key": capture.pinned(name) if name else capture.window(event["window"])}


def _source(name: str) -> tuple[Callable[[int], MarketSnapshot], str]:
    """The market source that the deployment chose, and what names it with its parameters in a snapshot's key."""
    if name == "live":
        exchanges = settings.exchanges()
        # the window only names the snapshot: the market is the one of now
        return lambda _window: live(exchanges), f"live-{'-'.join(exchanges)}"
    if name == "simulated":
        seed = settings.simulation_seed()
        return partial(simulated, seed), f"simulated-{seed}"
    if name == "planted":
        seed = settings.simulation_seed()
        return partial(planted_market, seed), f"planted-{seed}"
    raise LookupError(f"MARKET_SOURCE is {name!r:.40}, not live, simulated or planted")
