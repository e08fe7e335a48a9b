"""POST /opportunities/discover"""

import time

from opportunities import aws, settings, strategies, telemetry, wire
from opportunities.http import Answer, Event, answer, api, body, user_id
from opportunities.requests import DiscoverRequest, parse
from opportunities.services.discover import Discovery, Workflow
from opportunities.services.status import POLLING_SECONDS, TYPICAL_SECONDS
from opportunities.store import Store


@api
def handler(event: Event) -> Answer:
    caller = user_id(event)
    request = parse(DiscoverRequest, body(event))
    discovery = Discovery(
        store=Store(aws.client("dynamodb"), settings.table_name()),
        start=Workflow(aws.client("stepfunctions"), settings.state_machine_arn()).start,
        catalogue=strategies.names(),
        window_seconds=settings.snapshot_seconds(),
    )
    filters = request.filters()
    discovered = discovery.discover(caller, filters, force_refresh=request.force_refresh, now=time.time())
    telemetry.count("ScansReused" if discovered.reused else "ScansStarted")
    scan_id = discovered.scan.scan_id
    poll_url = f"/opportunities/status/{scan_id}"
    return answer(
        202,
        {
            "success": True,
            "scan_id": scan_id,
            "status": "initiated",
            "message": "This window's scan of these filters is used again."
            if discovered.reused
            else "The scan has started.",
            "poll_url": poll_url,
            "results_url": f"/opportunities/results/{scan_id}",
            "polling_interval_seconds": POLLING_SECONDS,
            "estimated_completion_seconds": TYPICAL_SECONDS,
            "filters": wire.filters_to_json(filters),
            "reused": discovered.reused,
        },
        {"Location": poll_url, "Retry-After": str(POLLING_SECONDS)},
    )
