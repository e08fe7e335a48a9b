"""Makes the clients of AWS services, once per execution environment, with timeouts that fit a Lambda's."""

from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config

# Two tries of at most 1 + 2 seconds and a back-off of at most one second: a call ends within 7 seconds, so that an API
# Lambda, which has 10, still says itself that something is busy. Who waits on, and how long, is the caller's to decide.
_CONFIG = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})


@cache
def client(service: str) -> Any:  # noqa: ANN401 - botocore builds its clients' classes at run time
    """The client of `service` ("dynamodb", "s3", "stepfunctions")."""
    return botocore.session.get_session().create_client(service, config=_CONFIG)
