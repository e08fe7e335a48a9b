"""GET /opportunities/status/{scan_id}: exactly one strongly consistent GetItem, and no import beyond botocore."""

import time

from opportunities import aws, scans, settings
from opportunities.errors import ScanNotFound
from opportunities.http import Answer, Event, answer, api, user_id
from opportunities.services.status import POLLING_SECONDS, describe
from opportunities.store import Store


@api
def handler(event: Event) -> Answer:
    caller, scan_id, now = user_id(event), event["pathParameters"]["scan_id"], time.time()
    if not scans.is_scan_id(scan_id):
        raise ScanNotFound
    scan = Store(aws.client("dynamodb"), settings.table_name()).scan(caller, scan_id)
    if scan is None or scans.expired(scan, now):
        raise ScanNotFound
    running = not scans.state_at(scan, now).terminal
    return answer(200, describe(scan, now), {"Retry-After": str(POLLING_SECONDS)} if running else None)
