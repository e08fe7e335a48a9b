"""Writes docs/openapi.yaml, the API's description that people read: `make openapi`."""

from pathlib import Path

import yaml

from opportunities.api.openapi import document

PATH = Path(__file__).parents[2] / "docs" / "openapi.yaml"


def text() -> str:
    """What the file should hold."""
    note = "# Written by `make openapi` from functions/opportunities/api/: change the models, not this file.\n"
    written: str = yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=120)
    return note + written


if __name__ == "__main__":
    PATH.write_text(text())
