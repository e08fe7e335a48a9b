"""Reads from the source which modules of our package each handler imports."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

PACKAGE = "opportunities"


def imports(folder: Path, *, at_once: bool = False) -> dict[str, frozenset[str]]:
    """What every module under `folder`, which holds the package, imports at run time: full names, ours and others'.

    An import for types alone (`if TYPE_CHECKING:`) is none, and with `at_once` neither is one that waits in a function
    until it is called. A name that is no module of ours stands for the module that it comes from.
    """
    paths = {_name(path.relative_to(folder)): path for path in (folder / PACKAGE).rglob("*.py")}
    return {
        name: frozenset(
            one for wanted in _wanted(ast.parse(path.read_text()), at_once=at_once) for one in _modules(wanted, paths)
        )
        for name, path in paths.items()
    }


def reached(graph: Mapping[str, frozenset[str]], start: str) -> frozenset[str]:
    """All that importing `start` brings in, `start` and the packages that hold each module included."""
    found: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            parents = [name.rpartition(".")[0]] if name.startswith(f"{PACKAGE}.") else []
            ahead += [*parents, *graph.get(name, ())]
    return frozenset(found)


def _name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _wanted(node: ast.AST, *, at_once: bool) -> Iterator[tuple[str, str | None]]:
    """(module, name) of every `from module import name`, and (module, None) of every `import module`."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=orelse):
                for other in orelse:
                    yield from _wanted(other, at_once=at_once)
            case ast.FunctionDef() if at_once:
                pass
            case ast.Import(names=names):
                yield from ((one.name, None) for one in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield from ((module, one.name) for one in names)
            case ast.ImportFrom():
                raise ValueError(f"line {child.lineno}: a relative import, which this graph cannot tell")
            case _:
                yield from _wanted(child, at_once=at_once)


def _modules(wanted: tuple[str, str | None], ours: Mapping[str, Path]) -> Iterator[str]:
    module, name = wanted
    yield module
    if f"{module}.{name}" in ours:
        yield f"{module}.{name}"
