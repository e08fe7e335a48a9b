"""The same seed gives the same market, to the byte, under every BLAS kernel and whatever the processor can."""

import ast
import json
import os
import platform
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from opportunities.market.planted.demo import kinds
from tests.support.market_digests import Digests, digests, simd
from tests.support.template import ROOT

# Kernels of NumPy's OpenBLAS that this processor can run: all x86-64 of the last decade, and all arm64.
KERNELS = {
    "x86_64": ["Nehalem", "Sandybridge", "Haswell", *(["SkylakeX"] if "X86_V4" in simd() else [])],
    "aarch64": ["ARMV8", "CORTEXA57", "NEOVERSEN1"],
}[{"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())]
# Of x86-64 and, under QEMU, of arm64. Whoever changes the market on purpose writes the new ones here.
KNOWN = {
    "simulated": "76d7b026fb8ba463b5845a2a9ea3daea63f0aac15f80e73d23d9eaef4ba7f9a6",
    "fair": "27964466a7a5292f4e7310e364619aeec79ed470ee2e34490b5be932f2cca294",
}

MARKET = ROOT / "functions" / "opportunities" / "market"
MODULES = sorted([MARKET / "draws.py", *MARKET.glob("simulated/*.py"), *MARKET.glob("planted/**/*.py")])
# What the C library, BLAS, LAPACK or an instruction of some processors decides the last digits of.
INEXACT = {
    "numpy": {
        *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "logaddexp", "power", "float_power", "cbrt"),
        *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "sinh", "cosh", "tanh", "hypot"),
        *("dot", "vdot", "inner", "outer", "matmul", "tensordot", "einsum", "linalg", "cov", "corrcoef"),
        *("polyfit", "convolve", "correlate", "fft", "interp", "geomspace", "logspace"),
    },
    "generator": {
        *("uniform", "normal", "lognormal", "multivariate_normal", "standard_normal", "standard_t", "chisquare"),
        *("exponential", "standard_exponential", "gamma", "standard_gamma", "beta", "laplace", "poisson"),
    },
}
EXACT_MATHS = {"sqrt", "floor", "ceil", "inf", "isfinite", "nan", "isnan"}
# A cosine that is rounded where it stands; interpolation at nothing but the given points, which gives their values.
REASONED = {("paths", "cos"), ("prices", "interp")}


@cache
def here() -> Digests:
    return digests()


def elsewhere(**environment: str) -> Digests:
    kept = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    run = subprocess.run(
        [sys.executable, "-m", "tests.support.market_digests"],
        cwd=ROOT,
        env=kept | environment,
        check=True,
        capture_output=True,
        text=True,
    )
    found: Digests = json.loads(run.stdout)
    return found


def test_three_kernels_can_be_compared() -> None:
    assert len(set(KERNELS)) >= 3


@pytest.mark.skipif(here()["kernel"] is None, reason="this NumPy has another BLAS than OpenBLAS, without kernels")
@pytest.mark.parametrize("kernel", KERNELS)
def test_markets_are_the_same_under_every_blas_kernel(kernel: str) -> None:
    there = elsewhere(OPENBLAS_CORETYPE=kernel)
    assert (there["kernel"] or "").lower() == kernel.lower()
    if (here()["kernel"] or "").lower() != kernel.lower():
        assert there["blas"] != here()["blas"]  # or this comparison could not fail
    assert there["markets"] == here()["markets"]


@pytest.mark.skipif(not simd(), reason="this processor has no instruction beyond those that NumPy always uses")
def test_markets_are_the_same_without_the_processors_own_instructions() -> None:
    there = elsewhere(NPY_DISABLE_CPU_FEATURES=" ".join(simd()))
    assert there["simd"] == []
    assert there["logarithms"] != here()["logarithms"]
    assert there["markets"] == here()["markets"]


def test_markets_are_what_they_were_on_other_machines() -> None:
    assert {name: here()["markets"][name] for name in KNOWN} == KNOWN


def test_every_kind_of_market_is_compared() -> None:
    assert set(here()["markets"]) == {"simulated", "fair", "demo", *kinds()}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_no_market_is_made_by_what_differs_between_processors(path: Path) -> None:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.MatMult | ast.Pow):
            literal = isinstance(node, ast.BinOp) and isinstance(node.left, ast.Constant)
            if not (literal and isinstance(node.left.value, int)):
                found.add(type(node.op).__name__)
        if isinstance(node, ast.Attribute):
            of = node.value.id if isinstance(node.value, ast.Name) else ""
            computed = of == "np" and node.attr in INEXACT["numpy"]
            drawn = "draws" not in (of, path.stem) and node.attr in INEXACT["generator"]
            if (computed or drawn) and (path.stem, node.attr) not in REASONED:
                found.add(node.attr)
        if isinstance(node, ast.ImportFrom) and node.module == "math":
            found |= {alias.name for alias in node.names} - EXACT_MATHS
    assert not found
