"""Random numbers that are the same on every processor: a generator's draws, without the digits that processors decide.

Uniform numbers, integers and choices are exact. Of normal and exponential numbers one in thousands, from the tail, is a
logarithm of the C library; in a gamma and hence in Student's t any may differ in its last digits where a compiler fuses
multiplication and addition (numpy/numpy issue 22993; the wheels of 2.5 draw alike on x86-64 and arm64, other builds
need not). So those draws keep the 24 significant bits of a float32: a difference in the last of 53 bits then survives
in one draw of some 10⁹.
"""

import numpy as np

from opportunities.maths.arrays import Floats

type Shape = int | tuple[int, ...]


def normal(rng: np.random.Generator, shape: Shape) -> Floats:
    """With mean 0 and standard deviation 1."""
    return _kept(rng.standard_normal(shape))


def exponential(rng: np.random.Generator, shape: Shape) -> Floats:
    """With mean 1."""
    return _kept(rng.standard_exponential(shape))


def gamma(rng: np.random.Generator, of: float, shape: Shape) -> Floats:
    """With mean 1 and the shape parameter `of`."""
    return _kept(rng.standard_gamma(of, shape)) / of


def student_t(rng: np.random.Generator, freedom: float, shape: Shape) -> Floats:
    """Student's t with these degrees of freedom."""
    return _kept(rng.standard_t(freedom, shape))


def uniform(rng: np.random.Generator, low: float, high: float, shape: Shape = ()) -> Floats:
    """Between two limits; the generator's own may be fused."""
    drawn: Floats = low + (high - low) * rng.random(shape)
    return drawn


def _kept(drawn: Floats) -> Floats:
    return drawn.astype(np.float32).astype(np.float64)
