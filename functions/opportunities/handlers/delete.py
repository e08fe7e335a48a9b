"""DELETE /opportunities/scans/{scan_id}"""

import time

from opportunities import settings
from opportunities.api.http import Answer, Event, api, no_query, nothing, user_id
from opportunities.aws import clients
from opportunities.aws.dynamodb import Table
from opportunities.aws.store import Store
from opportunities.services.delete import delete


@api
def handler(event: Event) -> Answer:
    caller, scan_id = user_id(event), event["pathParameters"]["scan_id"]
    no_query(event)
    store = Store(Table(clients.client("dynamodb"), settings.table_name()))
    delete(store, caller, scan_id, time.time())
    return nothing()
