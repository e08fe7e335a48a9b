"""Writes files that only their owner may read: tokens and a password are in them."""

import os
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Whole or not at all: a reader, or a crash, never meets half a file."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    written = path.with_suffix(f".{os.getpid()}.tmp")
    with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    written.replace(path)
