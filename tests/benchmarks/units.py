"""Counts what one scan costs on AWS's DynamoDB Local: requests, read and write units per step, and item sizes.

Run with `make bench`. Counts, unlike times, are the same on every machine.
"""

import time
from typing import Any

from rich.console import Console
from rich.table import Table

from opportunities import strategies
from opportunities.aws.dynamodb import Table as DynamoTable
from opportunities.aws.store import Store
from opportunities.domain import Filters, Investor, ScanState
from opportunities.market.archive.file import load, save
from opportunities.market.simulated import simulated
from opportunities.scans import execution_name
from opportunities.serialization import StrategyTask
from opportunities.services import results as results_service
from opportunities.services.discover import Discovery
from opportunities.services.strategy import StrategyRunner
from tests.support import dynamodb_local
from tests.support.builders import USER
from tests.support.doubles import Recorder
from tests.support.item_size import size
from tests.support.template import table
from tests.support.workflow_steps import WorkflowSteps

TABLE = "opportunity-scan"
INVESTOR = Investor(capital_usd=50_000, holdings={"BTC": 0.4, "ETH": 4.0, "SOL": 60.0})


class Metered:
    """A client that asks DynamoDB to say what every call consumed."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, operation: str) -> Any:
        return lambda **arguments: getattr(self._client, operation)(ReturnConsumedCapacity="INDEXES", **arguments)


# DynamoDB charges a refused write for the item that is there, under 1 KB here, but does not report it.
REFUSED = {"CapacityUnits": 1.0}


def consumed(calls: list[Any]) -> tuple[float, float]:
    """Read and write units of some calls."""
    reads, writes = 0.0, 0.0
    for operation, _, answer in calls:
        units = answer.get("ConsumedCapacity", REFUSED)["CapacityUnits"]
        if operation in ("get_item", "query"):
            reads += units
        else:
            writes += units
    return reads, writes


def main() -> None:
    console = Console()
    with dynamodb_local.running() as dynamodb:
        dynamodb.create_table(TableName=TABLE, **table())
        recorder = Recorder(Metered(dynamodb))
        store = Store(DynamoTable(recorder, TABLE))
        store.put_investor(USER, INVESTOR)
        report = Table("step", "requests", "read units", "write units", title="One scan on DynamoDB Local")

        def row(step: str) -> None:
            reads, writes = consumed(recorder.calls)
            report.add_row(step, ", ".join(recorder.operations), f"{reads:g}", f"{writes:g}")
            recorder.calls.clear()

        recorder.calls.clear()
        now = time.time()
        discovery = Discovery(store, lambda *_: None, strategies.names(), 300, most_per_minute=30)
        scan = discovery.discover(USER, Filters(), force_refresh=False, idempotency_key=None, now=now).scan
        row("discover, new")
        discovery.discover(USER, Filters(), force_refresh=False, idempotency_key=None, now=now + 0.1)
        row("discover, again before BeginScanning")
        workflow = WorkflowSteps(store.table)
        key = f"windows/simulated-7/{int(now) // 300 * 300}"
        workflow.begin(USER, scan.scan_id, key, execution_name(scan))
        row("BeginScanning")
        discovery.discover(USER, Filters(), force_refresh=False, idempotency_key=None, now=now + 0.2)
        row("discover, again")
        market = load(save(simulated(7, int(now))))
        task = StrategyTask(USER, scan.scan_id, scan.deadline, scan.expires_at, key, Filters(), INVESTOR)
        for name in strategies.names():
            StrategyRunner(name, strategies.load(name), lambda _: market, store).run(task)
            row(name)
        workflow.end(USER, scan.scan_id, ScanState.COMPLETE)
        row("EndScan")
        store.scan(USER, scan.scan_id)
        row("status")
        found = store.scan(USER, scan.scan_id) or scan
        results_service.describe(
            found, store.results(USER, scan.scan_id), strategies.describe, now, limit=100, cursor=None
        )
        row("results")
        console.print(report)

        sizes = Table("item", "bytes", title="Items")
        for item in dynamodb.scan(TableName=TABLE)["Items"]:
            sizes.add_row(f"{item['pk']['S'].partition('#')[0]} {item['sk']['S']}", str(size(item)))
        console.print(sizes)


if __name__ == "__main__":
    main()
