"""POST /opportunities/cancel/{scan_id}"""

import time

from opportunities import settings
from opportunities.api.http import Answer, Event, answer, api, no_query, user_id
from opportunities.aws import clients
from opportunities.aws.store import Store
from opportunities.aws.workflow import Workflow
from opportunities.services.cancel import Cancellation
from opportunities.services.status import describe


@api
def handler(event: Event) -> Answer:
    caller, scan_id, now = user_id(event), event["pathParameters"]["scan_id"], time.time()
    no_query(event)
    workflow = Workflow(clients.client("stepfunctions"), settings.state_machine_arn(), settings.workflow_type())
    cancellation = Cancellation(Store(clients.client("dynamodb"), settings.table_name()), workflow.stop)
    return answer(200, describe(cancellation.cancel(caller, scan_id, now), now))
