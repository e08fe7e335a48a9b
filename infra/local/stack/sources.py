"""Which sources a stack was deployed from, in one digest."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from infra.local.stack.places import ROOT

_DEPLOYED = ("functions", "infra/layers", "infra/scan.asl.json", "template.yaml")


def digest(root: Path = ROOT) -> str:
    """Of the paths and contents of everything that `sam deploy` brings to AWS."""
    whole = hashlib.sha256()
    for file in _files(root):
        content = file.read_bytes()
        whole.update(f"{file.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    for name in _DEPLOYED:
        path = root / name
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        # an interpreter's caches change without any source
        yield from (file for file in found if file.is_file() and "__pycache__" not in file.parts)
