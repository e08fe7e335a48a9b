"""The workflow's first step: the key of the market snapshot that a scan judges."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from opportunities import aws, settings
from opportunities.market.simulated import simulated
from opportunities.services.market import Capture
from opportunities.snapshots import SnapshotShelf


def handler(event: Mapping[str, Any], _context: object) -> dict[str, str]:
    seed = settings.simulation_seed()
    capture = Capture(
        shelf=SnapshotShelf(aws.client("s3"), settings.snapshot_bucket()),
        source=partial(simulated, seed),
        source_id=f"simulated-{seed}",
        window_seconds=settings.snapshot_seconds(),
    )
    name = event["snapshot"]
    return {"snapshot_key": capture.pinned(name) if name else capture.window(event["window"])}
