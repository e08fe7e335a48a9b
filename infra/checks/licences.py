"""Lists the licences of what the layers ship, in docs/licences.md: `make licences`. With --check, tells if stale."""

import re
import sys
from importlib.metadata import PackageMetadata, metadata
from pathlib import Path

from packaging.requirements import Requirement

# Packages that declare none in their metadata, and what their licence file says.
_READ = {"ta-lib": "BSD-2-Clause"}
_LAMBDA = {"os_name": "posix", "platform_machine": "aarch64", "platform_system": "Linux", "sys_platform": "linux"}
_ROOT = Path(__file__).resolve().parents[2]
_DOCUMENT = _ROOT / "docs" / "licences.md"
_HEAD = """# Licences of what is shipped

Every package that the layers carry, from the lock, with the licence that the package itself declares. `make licences`
writes this file, and `make check` fails when it is stale. Our own code is under [Apache-2.0](../LICENSE).
"""


def document() -> str:
    """The whole file."""
    return "\n".join([_HEAD, *map(_section, sorted((_ROOT / "infra" / "layers").glob("*/requirements.txt")))])


def _section(requirements: Path) -> str:
    pinned = [Requirement(line) for line in re.findall(r"^(\w[^\\\n]+)", requirements.read_text(), re.MULTILINE)]
    shipped = [one for one in pinned if one.marker is None or one.marker.evaluate(_LAMBDA)]
    rows = [_row(one.name, str(one.specifier).removeprefix("==")) for one in shipped]
    return "\n".join(
        [f"## Layer {requirements.parent.name}", "", "| package | version | licence |", "|---|---|---|", *rows, ""]
    )


def _row(name: str, version: str) -> str:
    return f"| {name} | {version} | {_licence(name, version)} |"


def _licence(name: str, version: str) -> str:
    """What the installed package says of itself; the environment comes from the same lock as the layers."""
    said = metadata(name)
    if said["Version"] != version:
        sys.exit(f"{name} {said['Version']} is installed and the layers pin {version}: run `uv sync`.")
    short = (said.get("License") or "").strip().partition("\n")[0]
    licence = said.get("License-Expression") or _classified(said) or short or _READ.get(name)
    if not licence:
        sys.exit(
            f"{name} declares no licence: read its licence file, then say it in _READ of infra/checks/licences.py."
        )
    return licence


def _classified(said: PackageMetadata) -> str:
    """The licence among the package's classifiers."""
    licences = [one for one in said.get_all("Classifier") or [] if one.startswith("License :: ")]
    return ", ".join(one.rpartition(" :: ")[2] for one in licences)


def main() -> None:
    if "--check" not in sys.argv[1:]:
        _DOCUMENT.write_text(document())
    elif not _DOCUMENT.exists() or _DOCUMENT.read_text() != document():
        sys.exit("docs/licences.md is not what the layers ship: run `make licences`.")


if __name__ == "__main__":
    main()
