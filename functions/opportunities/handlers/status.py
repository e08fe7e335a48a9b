"""GET /opportunities/status/{scan_id}: one strongly consistent GetItem, and no import beyond botocore.

With `Prefer: wait=N` the same GetItem again, with back-off, until a strategy or the scan has ended.
"""

import time

from opportunities import scans, settings
from opportunities.api.http import Answer, Event, answer, api, no_query, user_id, wait_seconds, waited
from opportunities.aws import clients
from opportunities.aws.dynamodb import Table
from opportunities.aws.store import Store
from opportunities.domain import Scan
from opportunities.services import long_poll, lookup
from opportunities.services.status import POLLING_SECONDS, describe


@api
def handler(event: Event) -> Answer:
    caller, scan_id = user_id(event), event["pathParameters"]["scan_id"]
    no_query(event)
    store = Store(Table(clients.client("dynamodb"), settings.table_name()))

    def read() -> Scan:
        return lookup.find(store, caller, scan_id, time.time())

    def news(scan: Scan) -> bool:
        return scans.state_at(scan, time.time()).terminal or scan.outcomes != first.outcomes

    seconds = wait_seconds(event)
    first = read()
    scan = long_poll.wait(first, read, news, seconds)
    now = time.time()
    running = not scans.state_at(scan, now).terminal
    retry = {"Retry-After": str(POLLING_SECONDS)} if running else {}
    return answer(200, describe(scan, now), retry | waited(seconds))
