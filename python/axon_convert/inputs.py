"""Random inputs from a description: name, dtype, dims (a number, or a name that is free), range of numbers."""

from dataclasses import dataclass

import numpy as np

from problem import Problem


@dataclass
class Input:
    name: str
    dtype: str
    dims: list
    low: int = 0
    high: int = 1  # Largest of random integers.


def from_job(job):
    return [
        Input(i["name"], i["dtype"], i["dims"], i.get("low", 0), i.get("high", 1))
        for i in job["inputs"]
    ]


def free_names(inputs):
    return sorted({dim for i in inputs for dim in i.dims if isinstance(dim, str)})


def sizes(names, trial):
    """Free dimensions have other sizes in each trial, and not all the same."""
    return {name: 2 + trial + index for index, name in enumerate(names)}


def sample(inputs, trial, seed):
    random = np.random.default_rng([seed, trial])
    free = sizes(free_names(inputs), trial)
    return {i.name: _one(i, [free.get(d, d) for d in i.dims], random) for i in inputs}


def _one(spec, shape, random):
    if spec.dtype in ("float32", "float64", "float16"):
        return random.standard_normal(shape).astype(spec.dtype)
    if spec.dtype == "bool":
        return random.integers(0, 2, shape).astype(bool)
    if spec.dtype.startswith(("int", "uint")):
        return random.integers(spec.low, spec.high + 1, shape).astype(spec.dtype)
    raise Problem(f"input {spec.name} is {spec.dtype}: no random numbers can be made of it")
