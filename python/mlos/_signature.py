"""What a model takes and gives."""

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np

from . import _library

#: Element type of the protocol → its name and NumPy's. NumPy has no bfloat16: its bits are uint16.
DTYPES = {
    1: ("float32", np.dtype(np.float32)),
    2: ("uint8", np.dtype(np.uint8)),
    3: ("int8", np.dtype(np.int8)),
    4: ("uint16", np.dtype(np.uint16)),
    5: ("int16", np.dtype(np.int16)),
    6: ("int32", np.dtype(np.int32)),
    7: ("int64", np.dtype(np.int64)),
    8: ("string", np.dtype(object)),
    9: ("bool", np.dtype(np.bool_)),
    10: ("float16", np.dtype(np.float16)),
    11: ("float64", np.dtype(np.float64)),
    12: ("uint32", np.dtype(np.uint32)),
    13: ("uint64", np.dtype(np.uint64)),
    16: ("bfloat16", np.dtype(np.uint16)),
}


@dataclass(frozen=True)
class TensorSpec:
    """One input or output. In `shape` None is a dimension of any size; `shape` None: any rank."""

    name: str
    dtype: str
    shape: Optional[Tuple[Optional[int], ...]]

    @property
    def numpy_dtype(self) -> np.dtype:
        return next(numpy for name, numpy in DTYPES.values() if name == self.dtype)

    @property
    def is_fixed(self) -> bool:
        """Whether there is one shape only."""
        return self.shape is not None and None not in self.shape


@dataclass(frozen=True)
class Signature:
    inputs: Tuple[TensorSpec, ...]
    outputs: Tuple[TensorSpec, ...]


def _read(read_spec, model: int, count: int) -> Tuple[TensorSpec, ...]:
    specs = []
    for index in range(count):
        spec = _library.Spec()
        _library.check(read_spec(model, index, spec))
        shape = None
        if spec.rank >= 0:
            dims = (spec.dims[i] for i in range(spec.rank))
            shape = tuple(None if dim == -1 else dim for dim in dims)
        specs.append(TensorSpec(spec.name.decode(), DTYPES[spec.dtype][0], shape))
    return tuple(specs)


def read_signature(model: int) -> Signature:
    library = _library.load()
    return Signature(
        _read(library.mlos_input_spec, model, library.mlos_input_count(model)),
        _read(library.mlos_output_spec, model, library.mlos_output_count(model)),
    )
