"""Mutants of a module: each is the module's syntax tree with one small change, of the kinds that programmers make.

Not changed: docstrings, annotations, imports, also those for types alone, the decorators of classes, the names of
DynamoDB's types ("S", "N"), and texts with spaces, which people read; but the expressions of DynamoDB, on which
everything rests, lose each of their clauses in turn, and their comparisons change.
"""

import ast
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
}
_CLAUSES = re.compile(r" (?:AND|OR) ")
_COMPARED = re.compile(r" (<=|>=|<|>|=) ")
_NOT_CHANGED = ("annotation", "returns", "type_params", "bases")
_OTHER = {"<=": "<", "<": "<=", ">=": ">", ">": ">=", "=": "<>"}


@dataclass(frozen=True)
class Mutant:
    """`where` is the qualified name it lies in; `before` and `after` are the smallest code that shows the change.

    `lines` are those of the statement that it changes or, if that makes a private constant, those that use it.
    """

    module: str
    where: str
    lines: frozenset[int]
    before: str
    after: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """What it is known by, wherever in the file it comes to lie."""
        return f"{self.module} {self.where}: {self.before} → {self.after}"


def mutants(module: str, source: str) -> Iterator[Mutant]:
    tree = ast.parse(source)
    for path, node in _mutable(tree, _Path()):
        for after in _changes(node):
            changed = copy.deepcopy(tree)
            _replace(changed, path.steps, after)
            yield Mutant(
                module,
                ".".join(path.names) or "module",
                _users(tree, path) or path.lines,
                _shown(node),
                _shown(after),
                ast.fix_missing_locations(changed),
            )


def unchanged(module: str, source: str) -> Mutant:
    """The module as it is, to be tried like a mutant."""
    return Mutant(module, "module", frozenset(), "", "", ast.parse(source))


@dataclass(frozen=True)
class _Path:
    """How to come to a node: a field and, in a list, an index, at each step; its names and its statement's lines."""

    steps: tuple[tuple[str, int | None], ...] = ()
    names: tuple[str, ...] = ()
    lines: frozenset[int] = frozenset()

    def to(self, field: str, index: int | None, node: ast.AST) -> "_Path":
        names = (*self.names, node.name) if isinstance(node, ast.FunctionDef | ast.ClassDef) else self.names
        return _Path((*self.steps, (field, index)), names, _lines(node) if isinstance(node, ast.stmt) else self.lines)


def _lines(statement: ast.stmt) -> frozenset[int]:
    """Of a compound statement its head's."""
    body: list[ast.stmt] = getattr(statement, "body", [])
    end = max(statement.lineno, body[0].lineno - 1) if body else statement.end_lineno or statement.lineno
    return frozenset(range(statement.lineno, end + 1))


def _users(tree: ast.Module, path: _Path) -> frozenset[int]:
    """Where the private constant is used that the module makes at this place; nowhere, if it is something else."""
    (_, index), *_ = path.steps
    made = tree.body[index or 0]
    if not (isinstance(made, ast.Assign) and isinstance(made.targets[0], ast.Name)):
        return frozenset()
    name = made.targets[0].id
    uses = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name]
    return frozenset(uses) - _lines(made) if name.startswith("_") else frozenset()


def _mutable(node: ast.AST, path: _Path) -> Iterator[tuple[_Path, ast.expr | ast.stmt]]:
    for field, value in ast.iter_fields(node):
        if field in _NOT_CHANGED or (field == "decorator_list" and isinstance(node, ast.ClassDef)):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or isinstance(child, ast.Import | ast.ImportFrom | ast.TypeAlias):
                continue
            if _is_for_types_alone(child) or (field == "body" and index == 0 and _is_docstring(child)):
                continue
            here = path.to(field, index, child)
            if isinstance(child, ast.expr | ast.stmt):
                yield here, child
            yield from _mutable(child, here)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_for_types_alone(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _changes(node: ast.expr | ast.stmt) -> Iterator[ast.expr | ast.stmt]:  # noqa: PLR0912 - a case per kind of code
    match node:
        case ast.Compare(left=left, ops=[op], comparators=compared):
            yield ast.Compare(left, [_COMPARISONS[type(op)]()], compared)
        case ast.Compare(left=left, ops=ops, comparators=compared):
            for place, op in enumerate(ops):
                yield ast.Compare(left, [*ops[:place], _COMPARISONS[type(op)](), *ops[place + 1 :]], compared)
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            for place in range(len(values)):
                rest = [*values[:place], *values[place + 1 :]]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield operand
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield left
            yield right
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            yield ast.BinOp(left, _ARITHMETIC[type(op)](), right)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield body
            yield orelse
            yield ast.IfExp(test, orelse, body)
        case ast.If(test=test) if not isinstance(test, ast.Compare | ast.BoolOp | ast.UnaryOp):
            yield _with(node, test=ast.UnaryOp(ast.Not(), test))
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str() as text):
            yield from map(ast.Constant, _texts(text))
        case ast.Dict(keys=keys, values=values) if not _is_typed_value(node):
            for place in range(len(keys)):
                yield ast.Dict([*keys[:place], *keys[place + 1 :]], [*values[:place], *values[place + 1 :]])
        case ast.Call(func=func, args=args, keywords=keywords):
            for place in range(len(keywords)):
                yield ast.Call(func, args, [*keywords[:place], *keywords[place + 1 :]])
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break():
            yield ast.Pass()
        case ast.GeneratorExp() | ast.ListComp() | ast.DictComp() | ast.SetComp():
            for place, loop in enumerate(node.generators):
                if loop.ifs:
                    every = ast.comprehension(loop.target, loop.iter, [], loop.is_async)
                    yield _with(node, generators=[*node.generators[:place], every, *node.generators[place + 1 :]])
        case ast.Try(handlers=handlers):
            for place, handler in enumerate(handlers):
                raising = ast.ExceptHandler(handler.type, handler.name, [ast.Raise()])
                if ast.dump(handler) != ast.dump(raising):
                    yield _with(node, handlers=[*handlers[:place], raising, *handlers[place + 1 :]])
        case _:
            return


def _texts(text: str) -> Iterator[str]:
    """A word becomes another; an expression of DynamoDB loses a clause or turns a comparison round."""
    if " " not in text.strip():
        if len(text) > 1:
            yield f"{text}X"
        return
    if not _CLAUSES.search(text) and not _COMPARED.search(text):
        return
    for clause in _CLAUSES.finditer(text):
        yield text[: clause.start()]
        yield text[clause.end() :]
    for found in _COMPARED.finditer(text):
        yield f"{text[: found.start(1)]}{_OTHER[found[1]]}{text[found.end(1) :]}"


def _with[Node: ast.expr | ast.stmt](node: Node, **fields: object) -> Node:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _is_typed_value(node: ast.Dict) -> bool:
    """{"S": ...}: what DynamoDB makes of a value."""
    return len(node.keys) == 1 and isinstance(node.keys[0], ast.Constant) and len(str(node.keys[0].value)) == 1


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _replace(tree: ast.AST, steps: tuple[tuple[str, int | None], ...], after: ast.expr | ast.stmt) -> None:
    *way, (field, index) = steps
    node: ast.AST = tree
    for name, place in way:
        value = getattr(node, name)
        node = value if place is None else value[place]
    after = copy.deepcopy(after)
    if index is None:
        setattr(node, field, after)
    else:
        getattr(node, field)[index] = after


def _shown(node: ast.AST) -> str:
    """On one line; of a compound statement the first line, and for a changed handler its head."""
    text = ast.unparse(ast.fix_missing_locations(copy.deepcopy(node)))
    if isinstance(node, ast.Try):
        return " / ".join(line.strip() for line in text.splitlines() if line.strip())
    if isinstance(node, ast.If):
        return text.partition("\n")[0]
    return re.sub(r"\s*\n\s*", " ", text)
