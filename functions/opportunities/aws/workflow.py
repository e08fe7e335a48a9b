"""Starts and stops the workflow of a scan, which Step Functions runs."""

import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from opportunities import scans, serialization
from opportunities.domain import Investor, Scan
from opportunities.errors import Unavailable

# No such execution, or one that has ended by itself: since its scan was cancelled it may have found nothing to do.
# AWS documents only the first; the second is what the local emulator says of one that has ended.
_NOT_RUNNING = {"ExecutionDoesNotExist", "ValidationException"}
_THROTTLED = {"ThrottlingException", "TooManyRequestsException"}


class NotStarted(Unavailable):
    """The workflow has certainly not started."""


@dataclass(frozen=True)
class Workflow:
    """The scan's state machine; `kind` is STANDARD or EXPRESS."""

    client: Any
    state_machine_arn: str
    kind: str

    def start(self, scan: Scan, investor: Investor, window: int) -> None:
        """By name: the same scan starts once, however often it is asked for.

        Raises `NotStarted` when the workflow certainly does not run, `Unavailable` when nobody knows.
        """
        try:
            self.client.start_execution(
                stateMachineArn=self.state_machine_arn,
                name=scans.execution_name(scan),
                input=json.dumps(serialization.execution_input(scan, investor, window)),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ExecutionAlreadyExists":
                return
            if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                raise Unavailable("The scan may not have started; send the same request again.") from error
            raise NotStarted("The scan could not be started; send the same request again.") from error
        except BotoCoreError as error:
            raise Unavailable("The scan may not have started; send the same request again.") from error

    def stop(self, scan: Scan) -> None:
        """Stops the scan's execution, if there is one. EXPRESS ones cannot be stopped. Raises `Unavailable`."""
        if self.kind == "EXPRESS":
            return
        executions = self.state_machine_arn.replace(":stateMachine:", ":execution:")
        try:
            self.client.stop_execution(
                executionArn=f"{executions}:{scans.execution_name(scan)}", cause="The caller cancelled the scan."
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _NOT_RUNNING:
                return
            if code in _THROTTLED or error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                raise Unavailable("The workflow does not answer.") from error
            raise
        except BotoCoreError as error:
            raise Unavailable("The workflow does not answer.") from error
