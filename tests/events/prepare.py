"""Makes what the events speak of in an emulator of AWS: `python -m tests.events.prepare http://127.0.0.1:4566`.

The names are those of environment.json: a table with the scan of the events in it, a bucket with the market of its
window, and a state machine that does nothing.
"""

import json
import sys
import time
from dataclasses import replace
from typing import Any

from opportunities import scans
from opportunities.aws.dynamodb import Table
from opportunities.aws.store import Store
from opportunities.market.archive.file import save
from opportunities.market.simulated import simulated
from tests.support import dynamodb_local
from tests.support.builders import scan
from tests.support.template import event, table

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
_HOUR = 3_600
NAMES = event("environment")["Parameters"]


def prepare(endpoint_url: str) -> None:
    def client(service: str) -> Any:
        return dynamodb_local.client(endpoint_url, service)

    client("dynamodb").create_table(TableName=NAMES["TABLE_NAME"], **table())
    now = time.time()
    # Nobody invokes one Lambda after another by hand within the two minutes that a scan has.
    lasting = {"deadline": int(now) + _HOUR, "expires_at": int(now) + scans.LIFETIME_SECONDS}
    running = replace(scan(created_at=now, updated_at=now), **lasting)
    Store(Table(client("dynamodb"), NAMES["TABLE_NAME"])).put_scan(running)
    task = event("strategy")
    captured_at = int(task["snapshot_key"].rpartition("/")[2])
    client("s3").create_bucket(Bucket=NAMES["SNAPSHOT_BUCKET"])
    client("s3").put_object(
        Bucket=NAMES["SNAPSHOT_BUCKET"], Key=task["snapshot_key"], Body=save(simulated(7, captured_at))
    )
    nothing = {"StartAt": "Nothing", "States": {"Nothing": {"Type": "Succeed"}}}
    client("stepfunctions").create_state_machine(
        name=NAMES["STATE_MACHINE_ARN"].rpartition(":")[2],
        definition=json.dumps(nothing),
        roleArn=client("iam").create_role(RoleName="nobody", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"],
    )


if __name__ == "__main__":
    prepare(sys.argv[1])
