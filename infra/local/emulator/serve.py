"""Runs MiniStack for the local stack: `serve.py PYTHON`, where PYTHON runs the Lambdas."""

import sys
from collections import defaultdict
from threading import Semaphore

import ministack.app as ministack
import status_events
import workflow_role
from ministack.services import lambda_svc

# Of each Lambda at a time: enough for the API's copies to race, few enough for a small machine's memory. A scan needs
# each strategy once, and there are many of them.
_COPIES, _COPIES_OF_STRATEGIES = 2, 1

# MiniStack starts workers with sys.executable; its own packages (pydantic among them) would hide what a layer lacks.
sys.executable = sys.argv.pop(1)

_served = ministack.app
_invoke = lambda_svc._execute_function_warm  # noqa: SLF001 - MiniStack has no setting for it
_of_api: defaultdict[str, Semaphore] = defaultdict(lambda: Semaphore(_COPIES))
_of_strategies: defaultdict[str, Semaphore] = defaultdict(lambda: Semaphore(_COPIES_OF_STRATEGIES))


async def _behind_tls(scope, receive, send):  # noqa: ANN001, ANN202 - ASGI's, typed nowhere in MiniStack
    """Loopback stands for TLS, as behind a proxy that ends it; or the TLS-only bucket policy denies everything."""
    if scope["type"] == "http":
        scope = {**scope, "headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}
    await _served(scope, receive, send)


def _invoke_in_turn(function, event, request_id):  # noqa: ANN001, ANN202 - MiniStack's own, untyped
    """Bursts wait: MiniStack starts a process for each invocation, and a hundred of them leave no machine."""
    name = (function.get("config") or function)["FunctionName"]
    with (_of_strategies if "-strategy-" in name else _of_api)[name]:
        return _invoke(function, event, request_id)


ministack.app = _behind_tls
lambda_svc._execute_function_warm = _invoke_in_turn  # noqa: SLF001
status_events.deliver()
workflow_role.enforce()
ministack.main()
