"""Lambda entry point of every strategy; `STRATEGY` names the one to run."""

import logging
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from opportunities import settings, strategies
from opportunities.aws import clients, metrics
from opportunities.aws.dynamodb import Table
from opportunities.aws.snapshots import SnapshotBucket
from opportunities.aws.store import Store
from opportunities.market.archive.file import load
from opportunities.market.snapshot import MarketSnapshot
from opportunities.serialization import task_from_json
from opportunities.services.strategy import StrategyRunner

_logger = logging.getLogger("opportunities")


@lru_cache(maxsize=1)
def _market(key: str) -> MarketSnapshot:
    """Snapshots never change, so the last one stays in memory for the other scans of its window."""
    return load(SnapshotBucket(clients.client("s3"), settings.snapshot_bucket()).get(key))


def handler(event: Mapping[str, Any], _context: object) -> dict[str, str]:
    """Answers with the status that stands for this strategy, or "late" when the scan has ended without it."""
    name = strategies.named(settings.strategy())
    runner = StrategyRunner(
        name, strategies.load(name), _market, Store(Table(clients.client("dynamodb"), settings.table_name()))
    )
    task = task_from_json(event)
    try:
        outcome = runner.run(task)
    except Exception:
        # Lambda itself logs what it was, but not of which scan.
        _logger.error("a strategy has failed", extra={"scan_id": task.scan_id, "strategy": name})  # noqa: TRY400
        raise
    status = outcome.status.value if outcome else "late"
    metrics.count("Outcomes", task.scan_id, strategy=name, status=status)
    return {"status": status}
