"""What counts as a mutant; that the tests notice them is what `make mutants` is for."""

import ast

import pytest

from tests.mutants.operators import mutants


def changed(source: str) -> list[str]:
    """The mutants of a piece of source, as source."""
    return [ast.unparse(mutant.tree) for mutant in mutants("m", source)]


@pytest.mark.parametrize(
    ("source", "mutant"),
    [
        ("a <= b", "a < b"),
        ("0 < a < b", "0 < a <= b"),
        ("a is None", "a is not None"),
        ("a and b and c", "a and c"),
        ("a and b", "a or b"),
        ("not a", "a"),
        ("a + b", "a - b"),
        ("a | b", "b"),
        ("a if b else c", "c if b else a"),
        ("if a:\n    b", "if not a:\n    b"),
        ("True", "False"),
        ("n = 3", "n = 4"),
        ("a = 'word'", "a = 'wordX'"),
        ("{'a': 1, 'b': 2}", "{'b': 2}"),
        ("f(a, b=c)", "f(a)"),
        ("f(a)", "pass"),
        ("raise E", "pass"),
        ("n += a", "pass"),
        ("[a for a in b if c]", "[a for a in b]"),
        ("try:\n    a\nexcept E:\n    b", "try:\n    a\nexcept E:\n    raise"),
        ("def f():\n    return a", "def f():\n    return None"),
        ("a = 'attribute_exists(pk) AND deadline > :now'", "a = 'attribute_exists(pk)'"),
        ("a = 'attribute_exists(pk) AND deadline > :now'", "a = 'deadline > :now'"),
        ("a = 'deadline > :now'", "a = 'deadline >= :now'"),
    ],
)
def test_small_mistakes_are_made(source: str, mutant: str) -> None:
    assert mutant in changed(source)


@pytest.mark.parametrize(
    "source",
    [
        "'''What it does.'''",
        "import a",
        "if TYPE_CHECKING:\n    import a",
        "a: 'b'",
        "a = {'S': b}",
        "a = 'A sentence for people.'",
        "@dataclass(frozen=True)\nclass A:\n    b: int",
    ],
)
def test_silent_instrument_is_left_alone(source: str) -> None:
    assert changed(source) == []


def test_a_mutant_is_named_by_where_it_is_and_what_changed() -> None:
    (mutant,) = mutants("store", "class A:\n    def f(self):\n        x = (\n            1)")
    assert mutant.name == "store A.f: 1 → 2"
    assert mutant.lines == {3, 4}


def test_a_private_constant_is_tried_where_it_is_used() -> None:
    first, *_ = mutants("store", "_MOST = 3\n\ndef f():\n    return g(_MOST)")
    assert first.lines == {4}
