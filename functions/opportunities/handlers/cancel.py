"""POST /opportunities/cancel/{scan_id}"""

import time

from opportunities import settings
from opportunities.api.http import Answer, Event, answer, api, no_query, user_id
from opportunities.aws import clients
from opportunities.aws.dynamodb import Table
from opportunities.aws.store import Store
from opportunities.aws.workflow import Workflow
from opportunities.services.cancel import cancel
from opportunities.services.status import describe


@api
def handler(event: Event) -> Answer:
    caller, scan_id, now = user_id(event), event["pathParameters"]["scan_id"], time.time()
    no_query(event)
    workflow = Workflow(clients.client("stepfunctions"), settings.state_machine_arn(), settings.workflow_type())
    store = Store(Table(clients.client("dynamodb"), settings.table_name()))
    return answer(200, describe(cancel(store, workflow.stop, caller, scan_id, now), now))
