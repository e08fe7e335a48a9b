"""Reads and writes market snapshots in S3, alone: each has a key, is written once and never changes.

windows/<source>/<unix time>   captured by the service, one per window
pinned/<name>                  uploaded by an operator, for scans of a recorded moment
"""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from opportunities.errors import MarketUnavailable, Unavailable

_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict"}  # somebody else has written it, or is writing it
_ABSENT = {"404", "NoSuchKey", "NotFound"}
_DENIED = {"403", "AccessDenied"}  # what S3 says of a missing object to a role that may not list the bucket
_SILENT = "the snapshot bucket does not answer; start a new scan in a moment"


def window_key(source: str, captured_at: int) -> str:
    return f"windows/{source}/{captured_at}"


def pinned_key(name: str) -> str:
    return f"pinned/{name}"


@dataclass(frozen=True)
class SnapshotBucket:
    """The bucket's operations. Raises `MarketUnavailable` when a snapshot cannot be had, `Unavailable` when S3 does not
    answer now."""

    client: Any
    bucket: str

    def has(self, key: str) -> bool:
        try:
            self._call("head_object", Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return False
            raise
        return True

    def put_once(self, key: str, body: bytes) -> None:
        """Writes the snapshot unless it is there: the loser of a race uses the winner's."""
        try:
            self._call("put_object", Key=key, Body=body, IfNoneMatch="*", ContentType="application/octet-stream")
        except ClientError as error:
            if error.response["Error"]["Code"] not in _TAKEN:
                raise

    def get(self, key: str) -> bytes:
        try:
            body: bytes = self._call("get_object", Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                raise MarketUnavailable(f"the market snapshot {key} is gone; start a new scan") from error
            if error.response["Error"]["Code"] in _DENIED:
                raise MarketUnavailable(
                    f"the market snapshot {key} is gone, or this function's role may not read it: start a new scan;"
                    " if that ends likewise, allow the role s3:GetObject on the bucket"
                ) from error
            raise
        except BotoCoreError as error:  # while the body was read
            raise Unavailable(_SILENT) from error
        return body

    def _call(self, operation: str, **arguments: Any) -> Any:  # noqa: ANN401 - botocore's own
        try:
            return getattr(self.client, operation)(Bucket=self.bucket, **arguments)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:  # S3 throttles with a 503
                raise Unavailable(_SILENT) from error
            raise
        except BotoCoreError as error:
            raise Unavailable(_SILENT) from error
