"""POST /opportunities/discover"""

import time

from opportunities import scans, settings, strategies
from opportunities.api.http import Answer, Event, answer, api, body, header, no_query, user_id, wait_seconds, waited
from opportunities.api.requests import DiscoverRequest, idempotency_key, parse
from opportunities.aws import clients, metrics
from opportunities.aws.dynamodb import Table
from opportunities.aws.store import Store
from opportunities.aws.workflow import Workflow
from opportunities.domain import Scan
from opportunities.services import long_poll, lookup
from opportunities.services.discover import Discovery, describe
from opportunities.services.status import POLLING_SECONDS


@api
def handler(event: Event) -> Answer:
    caller = user_id(event)
    no_query(event)
    request = parse(DiscoverRequest, body(event))
    key = idempotency_key(header(event, "idempotency-key"))
    workflow = Workflow(clients.client("stepfunctions"), settings.state_machine_arn(), settings.workflow_type())
    discovery = Discovery(
        store=Store(Table(clients.client("dynamodb"), settings.table_name())),
        start=workflow.start,
        catalogue=strategies.names(),
        window_seconds=settings.snapshot_seconds(),
        most_per_minute=settings.scans_per_minute(),
    )
    discovered = discovery.discover(
        caller, request.filters(), force_refresh=request.force_refresh, idempotency_key=key, now=time.time()
    )
    metrics.count("ScansReused" if discovered.reused else "ScansStarted", discovered.scan.scan_id)

    def read() -> Scan:
        return lookup.find(discovery.store, caller, discovered.scan.scan_id, time.time())

    seconds = wait_seconds(event)
    scan = long_poll.wait(discovered.scan, read, _ended, seconds)
    retry = {} if _ended(scan) else {"Retry-After": str(POLLING_SECONDS)}
    return answer(
        200 if seconds and _ended(scan) else 202,
        describe(scan, time.time(), reused=discovered.reused),
        {"Location": f"/opportunities/status/{scan.scan_id}"} | retry | waited(seconds),
    )


def _ended(scan: Scan) -> bool:
    return scans.state_at(scan, time.time()).terminal
