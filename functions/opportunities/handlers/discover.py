"""POST /opportunities/discover"""

import time
from typing import Any

from opportunities import aws, scans, settings, strategies, telemetry, wire
from opportunities.domain import Scan
from opportunities.http import Answer, Event, answer, api, body, header, user_id, wait_seconds, waited
from opportunities.requests import DiscoverRequest, idempotency_key, parse
from opportunities.services import lookup, waiting
from opportunities.services.discover import Discovery
from opportunities.services.status import POLLING_SECONDS, TYPICAL_SECONDS
from opportunities.services.workflow import Workflow
from opportunities.store import Store


@api
def handler(event: Event) -> Answer:
    caller = user_id(event)
    request = parse(DiscoverRequest, body(event))
    key = idempotency_key(header(event, "idempotency-key"))
    workflow = Workflow(aws.client("stepfunctions"), settings.state_machine_arn(), settings.workflow_type())
    discovery = Discovery(
        store=Store(aws.client("dynamodb"), settings.table_name()),
        start=workflow.start,
        catalogue=strategies.names(),
        window_seconds=settings.snapshot_seconds(),
        most_per_minute=settings.scans_per_minute(),
    )
    discovered = discovery.discover(
        caller, request.filters(), force_refresh=request.force_refresh, idempotency_key=key, now=time.time()
    )
    telemetry.count("ScansReused" if discovered.reused else "ScansStarted")

    def read() -> Scan:
        return lookup.find(discovery.store, caller, discovered.scan.scan_id, time.time())

    seconds = wait_seconds(event)
    scan = waiting.wait(discovered.scan, read, _ended, seconds)
    return answer(
        200 if seconds and _ended(scan) else 202,
        _described(scan, reused=discovered.reused),
        {"Location": f"/opportunities/status/{scan.scan_id}", "Retry-After": str(POLLING_SECONDS)} | waited(seconds),
    )


def _ended(scan: Scan) -> bool:
    return scans.state_at(scan, time.time()).terminal


def _described(scan: Scan, *, reused: bool) -> dict[str, Any]:
    state = scans.state_at(scan, time.time())
    return {
        "success": True,
        "scan_id": scan.scan_id,
        "status": state,
        "message": "The same request has made this scan before." if reused else "The scan has started.",
        "poll_url": f"/opportunities/status/{scan.scan_id}",
        "results_url": f"/opportunities/results/{scan.scan_id}",
        "polling_interval_seconds": POLLING_SECONDS,
        "estimated_completion_seconds": 0 if state.terminal else TYPICAL_SECONDS,
        "filters": wire.filters_to_json(scan.filters),
        "reused": reused,
    }
