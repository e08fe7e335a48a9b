"""A new strategy to begin with: the module, its planted opportunity, its test, and its word in the template."""

import re
from collections.abc import Mapping
from importlib.resources import files
from keyword import iskeyword
from pathlib import Path
from string import Template

from opscan.errors import BadInput

# A logical id is made of the name's parts, each with a capital, and the other way round: a part begins with a letter.
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*")
_LONGEST_NAME = 30
_WORDS = re.compile(r"(?P<before>  Fn::ForEach::Strategies:\n    - \w+\n    - )(?P<words>- \w+\n(?:      - \w+\n)*)")
_PLACES = {
    "strategy": "functions/opportunities/strategies/{name}.py",
    "planted": "functions/opportunities/market/planted/{name}.py",
    "test": "tests/unit/strategies/test_{name}.py",
}
_TEMPLATE = "template.yaml"


def checkout_of(place: Path) -> Path:
    """The checkout of the service that `place` lies in. Raises BadInput where there is none."""
    for root in (place, *place.parents):
        if (root / _TEMPLATE).is_file() and (root / "functions/opportunities/strategies").is_dir():
            return root
    raise BadInput(f"{place} lies in no checkout of the service.", "Go to the folder that has its template.yaml.")


def write(root: Path, name: str) -> list[Path]:
    """Writes all of it into the checkout at `root`, or nothing: the files, the template last.

    Raises BadInput for a name that is malformed or taken.
    """
    if not _NAME.fullmatch(name) or iskeyword(name) or len(name) > _LONGEST_NAME:
        raise BadInput(
            f"{name!r} is no name for a strategy.",
            f"Give words of small letters and digits with _ between, at most {_LONGEST_NAME} characters: dip_buying.",
        )
    sources = {root / place.format(name=name): _sample(kind, name) for kind, place in _PLACES.items()}
    taken = [path for path in sources if path.exists()]
    if taken:
        raise BadInput(f"{taken[0].relative_to(root)} exists.", "Give another name.")
    template = root / _TEMPLATE
    text = with_word(template.read_text("utf-8"), name)
    for path, source in sources.items():
        path.write_text(source, "utf-8")
    template.write_text(text, "utf-8")
    return [*sources, template]


def with_word(template: str, name: str) -> str:
    """The text of template.yaml with the strategy's word in the list that its loop goes through, in alphabetical order.

    Raises BadInput where there is no such list, or where it has the word.
    """
    found = _WORDS.search(template)
    if found is None:
        raise BadInput("template.yaml has no list of strategies.", "Restore its `Fn::ForEach::Strategies`.")
    words = re.findall(r"\w+", found["words"])
    word = "".join(part.capitalize() for part in name.split("_"))
    if word in words:
        raise BadInput(f"template.yaml has {word} already.", "Give another name.")
    listed = "      ".join(f"- {each}\n" for each in sorted([*words, word]))
    return template[: found.start("words")] + listed + template[found.end("words") :]


def _sample(kind: str, name: str) -> str:
    names: Mapping[str, str] = {"name": name, "title": name.replace("_", " ").capitalize()}
    return Template((files(__package__) / "sample" / f"{kind}.txt").read_text("utf-8")).substitute(names)
