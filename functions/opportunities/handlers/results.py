"""GET /opportunities/results/{scan_id}"""

import time

from opportunities import scans, settings, strategies
from opportunities.api.http import Answer, Event, answer, api, query, user_id
from opportunities.api.requests import ResultsQuery, parse
from opportunities.aws import clients
from opportunities.aws.dynamodb import Table
from opportunities.aws.store import Store
from opportunities.services import lookup, results, status


@api
def handler(event: Event) -> Answer:
    caller, scan_id, now = user_id(event), event["pathParameters"]["scan_id"], time.time()
    asked = parse(ResultsQuery, query(event))
    store = Store(Table(clients.client("dynamodb"), settings.table_name()))
    scan = lookup.find(store, caller, scan_id, now)
    if not scans.state_at(scan, now).terminal and asked.partial == "false":
        return answer(202, status.describe(scan, now), {"Retry-After": str(status.POLLING_SECONDS)})
    content = results.describe(
        scan,
        store.results(caller, scan_id),
        strategies.describe,
        now,
        limit=asked.limit,
        cursor=asked.cursor,
    )
    return answer(200, content)
