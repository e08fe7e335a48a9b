"""Holds a workflow to its role: MiniStack judges what Lambdas may do, but not what state machines may."""

# ruff: noqa: ANN001, ANN202, SLF001 - these stand in for MiniStack's own functions, untyped and private
from contextvars import ContextVar

from ministack.core.iam_evaluator import EvalContext, _gather_role_policies, evaluate
from ministack.core.responses import get_account_id, get_region
from ministack.services import stepfunctions

_role_arn: ContextVar[str] = ContextVar("role_arn")
_execute_task = stepfunctions._execute_task
_invoke_resource = stepfunctions._invoke_resource


def enforce() -> None:
    """From now on a task that its workflow's role does not allow fails as on AWS."""
    stepfunctions._execute_task = _execute_task_as_role
    stepfunctions._invoke_resource = _invoke_allowed_resource


def _execute_task_as_role(state, raw_input, execution, context):
    _role_arn.set(execution["events"][0]["executionStartedEventDetails"]["roleArn"])
    return _execute_task(state, raw_input, execution, context)


def _invoke_allowed_resource(resource, arguments):
    action, target, error = _needed(resource, arguments)
    role_arn = _role_arn.get()
    account, role_name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    principal = f"arn:aws:sts::{account}:assumed-role/{role_name}/workflow"
    context = EvalContext(principal, "AssumedRole", account, action, target, get_region())
    if evaluate(context, _gather_role_policies(role_name, account)).decision != "Allow":
        cause = f"User: {principal} is not authorized to perform: {action} on resource: {target}"
        raise stepfunctions._ExecutionError(error, cause)
    return _invoke_resource(resource, arguments)


def _needed(resource, arguments):
    """The action, the resource it acts on, and the error that AWS fails the task with when it is not allowed."""
    here = f"{get_region()}:{get_account_id()}"
    match resource.removeprefix("arn:aws:states:::").split(":"):
        case ["lambda", "invoke"]:
            function = arguments["FunctionName"].rsplit(":function:", 1)[-1]
            return "lambda:InvokeFunction", f"arn:aws:lambda:{here}:function:{function}", "Lambda.AWSLambdaException"
        case ["dynamodb", call]:
            table = arguments["TableName"].rsplit("/", 1)[-1]
            action = f"dynamodb:{call[0].upper()}{call[1:]}"
            return action, f"arn:aws:dynamodb:{here}:table/{table}", "DynamoDB.AccessDeniedException"
    cause = f"The local stack does not know which permission {resource} needs: teach it in {__file__}."
    raise stepfunctions._ExecutionError("States.Runtime", cause)
