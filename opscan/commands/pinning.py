"""Pinning a scan to a recorded market: a file is brought to the local stack, a name is a name."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from opportunities.aws.snapshots import pinned_key
from opportunities.errors import MarketDataError
from opscan.context import Context
from opscan.deployment import running_stack
from opscan.errors import BadInput

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Recorded:
    """A recorded market by its name; `content` is None where it is known to the deployment already."""

    name: str
    content: bytes | None


def recorded(snapshot: str, *, on_local_stack: bool) -> Recorded:
    """What `--snapshot` means, checked before anything is started."""
    file = Path(snapshot)
    if not file.is_file():
        if _NAME.fullmatch(snapshot):
            return Recorded(snapshot, None)
        raise BadInput(
            f"--snapshot {snapshot}: there is no such file, and it is not the name of an uploaded snapshot.",
            "Build one with `opscan snapshot build DIR`.",
        )
    content = file.read_bytes()
    _check(file, content)
    name = content_name(file.stem, content)
    if not on_local_stack:
        raise BadInput(
            f"--snapshot {snapshot} is a file, and only the local stack takes files.",
            f"Upload it (aws s3 cp {snapshot} s3://BUCKET/{pinned_key(name)}), then give --snapshot {name}.",
        )
    return Recorded(name, content)


def brought(market: Recorded, context: Context) -> str:
    """The name under which the API finds it, once it is there."""
    if market.content is not None:
        context.bucket(running_stack(context)).put_once(pinned_key(market.name), market.content)
    return market.name


def content_name(stem: str, content: bytes) -> str:
    """Named by what is in it, so that the same file is the same market, and another never takes its place."""
    readable = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:40].rstrip("-") or "snapshot"
    return f"{readable}-{hashlib.sha256(content).hexdigest()[:12]}"


def _check(file: Path, content: bytes) -> None:
    from opportunities.market.archive.file import load  # noqa: PLC0415 - numpy is for those who pin a scan

    try:
        load(content)
    except MarketDataError as error:
        raise BadInput(f"{file}: {error}", "Build a snapshot with `opscan snapshot build DIR`.") from error
