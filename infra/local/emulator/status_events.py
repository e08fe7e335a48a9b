"""What becomes of an execution that ends: MiniStack publishes its status, but delivers it once, and for EXPRESS too."""

# ruff: noqa: ANN001, ANN202, SLF001 - these stand in for MiniStack's own functions, untyped and private
import json

from ministack.services import eventbridge, lambda_svc, stepfunctions

_emit = stepfunctions._emit_execution_status_event


def deliver() -> None:
    """From now on rules hear of STANDARD executions only, and what their Lambdas fail at is retried, then kept."""
    stepfunctions._emit_execution_status_event = _emit_of_standard
    eventbridge._dispatch_to_lambda = _invoke_asynchronously


def _emit_of_standard(execution):
    if stepfunctions._state_machines[execution["stateMachineArn"]]["type"] == "STANDARD":
        _emit(execution)


def _invoke_asynchronously(arn, payload):
    function, config, name = lambda_svc._get_func_record_for_ref(arn)
    if not function or not config:
        raise LookupError(f"a rule's target, the Lambda {name}, does not exist")
    lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(function, config), json.loads(payload))
