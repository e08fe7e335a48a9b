"""moto's DynamoDB without the wire: its own request handlers, called in this process, four times as fast.

What an HTTP request costs (signing, serializing, parsing) is left out; what DynamoDB decides is moto's. The contract
tests hold this client beside moto over HTTP, MiniStack and AWS's DynamoDB Local.
"""

import copy
import json
from typing import Any

from botocore.exceptions import ClientError
from moto.core.exceptions import JsonRESTError
from moto.dynamodb.responses import DynamoHandler

_ACCOUNT, _REGION = "123456789012", "us-east-1"


class DirectDynamoDB:
    """A DynamoDB client. Lives within `mock_aws()`, which gives each block its own tables."""

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> Any:
            handler = DynamoHandler()
            handler.region, handler.current_account, handler.headers = _REGION, _ACCOUNT, {}
            handler.body = arguments
            try:
                answer = getattr(handler, operation)()
            except JsonRESTError as error:
                raise _client_error(error, operation) from error
            return copy.deepcopy(answer.result)

        return call


def _client_error(error: JsonRESTError, operation: str) -> ClientError:
    body = json.loads(error.description)
    response: Any = {
        "Error": {"Code": error.relative_error_type, "Message": body.get("message", "")},
        "ResponseMetadata": {"HTTPStatusCode": error.code},
    }
    if "Item" in body:
        response["Item"] = body["Item"]
    return ClientError(response, operation)
