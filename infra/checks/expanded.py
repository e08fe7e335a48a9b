"""Writes template.yaml with its loops written out, by SAM's own code, for checkov and tests: they know no loop."""

from pathlib import Path
from typing import Any

from samcli.lib.cfn_language_extensions.models import TemplateProcessingContext
from samcli.lib.cfn_language_extensions.processors import ForEachProcessor
from samcli.yamlhelper import yaml_dump, yaml_parse

PATH = Path(__file__).parents[2] / "template.yaml"


def expanded() -> dict[str, Any]:
    """The template as data: intrinsic functions as {"Ref": …} and {"Fn::X": …}, loops as the resources they make."""
    context = TemplateProcessingContext(fragment=yaml_parse(PATH.read_text("utf-8")))
    ForEachProcessor().process_template(context)
    resources: dict[str, Any] = context.fragment
    return resources


if __name__ == "__main__":
    print(yaml_dump(expanded()), end="")  # noqa: T201 - its output is what it is for
