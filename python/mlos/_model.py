"""An attached model."""

from collections import OrderedDict
from ctypes import byref, c_void_p
from typing import Dict, Mapping, Optional, Sequence, Tuple

import numpy as np

from . import _library, _strings
from ._errors import PayloadTooLarge, error_of
from ._handles import ModelHandle
from ._library import AttachOptions
from ._request import Request
from ._signature import Signature, TensorSpec, read_signature

_PRIORITIES = {"realtime": 0, "high": 1, "normal": 2, "batch": 3}
#: Requests of different shapes that Model.__call__ keeps.
_KEPT_REQUESTS = 8

Shapes = Mapping[str, Sequence[int]]


def attach(
    model: str,
    socket_path: Optional[str] = None,
    *,
    input_bytes: int = 0,
    output_bytes: int = 0,
    priority: Optional[str] = None,
    spin_us: Optional[int] = None,
    timeout: Optional[float] = None,
    reattach: bool = True,
) -> "Model":
    """Attaches to a model, which the daemon loads if it is not.

    `socket_path`: the environment's MLOS_API_IPC_SOCKET_PATH where left out, else /tmp/mlos.sock.
    `input_bytes`, `output_bytes`: memory for all requests together; the daemon's choice where left
    out. `priority`: "realtime", "high", "normal" or "batch". `spin_us`: the longest to wait for an
    answer without sleeping. `timeout`: seconds, loading the model included.
    """
    library = _library.load()
    options = AttachOptions()
    library.mlos_attach_options_init(byref(options))
    options.input_bytes = input_bytes
    options.output_bytes = output_bytes
    if priority is not None:
        if priority not in _PRIORITIES:
            raise error_of("INVALID_ARGUMENT", f"priority is one of {', '.join(_PRIORITIES)}.")
        options.priority = _PRIORITIES[priority]
    if spin_us is not None:
        options.spin_us = spin_us
    options.timeout_us = _library.microseconds(timeout)
    options.no_reattach = 0 if reattach else 1
    pointer = c_void_p()
    path = None if socket_path is None else str(socket_path).encode()
    status = library.mlos_attach(path, model.encode(), byref(options), byref(pointer))
    _library.check(status)
    assert pointer.value is not None
    return Model(pointer.value)


class Model:
    """A model of the daemon. Any thread may use it, one at a time: a lock sees to that. For work in
    parallel attach once per thread."""

    def __init__(self, pointer: int) -> None:
        self._library = _library.load()
        self._handle = ModelHandle(pointer)
        self.signature: Signature = read_signature(pointer)
        #: As the daemon resolved it: "namespace/name@version".
        self.id: str = self._library.mlos_model_id(pointer).decode()
        #: "onnx@1.0.0".
        self.plugin_id: str = self._library.mlos_plugin_id(pointer).decode()
        self._input_indices = _indices(self.signature.inputs)
        self._output_indices = _indices(self.signature.outputs)
        self._requests: "OrderedDict[Tuple, Request]" = OrderedDict()

    @property
    def version(self) -> str:
        """sha256 of the model's file, in hex."""
        with self._handle:
            return self._library.mlos_model_version(self._pointer()).decode()

    @property
    def reattach_count(self) -> int:
        """How often it has been attached again by itself, after its plugin died."""
        with self._handle:
            return self._library.mlos_reattach_count(self._pointer())

    def request(
        self,
        shapes: Optional[Shapes] = None,
        *,
        string_bytes: Optional[Mapping[str, int]] = None,
        **more: Sequence[int],
    ) -> Request:
        """Memory for inputs of these shapes, zeroed: `model.request(x=(1, 64))`, or a mapping where
        names are no Python names. Inputs that have one shape only may be left out. `string_bytes`:
        room for a string input's texts, 4 for each beside its UTF-8."""
        wanted: Dict[str, Sequence[int]] = dict(shapes or {}, **more)
        for spec in self.signature.inputs:
            if spec.name not in wanted and spec.is_fixed and spec.shape is not None:
                wanted[spec.name] = [dim for dim in spec.shape if dim is not None]
        return Request(self, wanted, string_bytes or {})

    def __call__(
        self,
        inputs: Optional[Mapping[str, object]] = None,
        *,
        timeout: Optional[float] = None,
        **more: object,
    ) -> Dict[str, np.ndarray]:
        """Runs the model once: copies the inputs in and the outputs out."""
        given = dict(inputs or {}, **more)
        arrays: Dict[str, np.ndarray] = {}
        texts: Dict[str, "list[bytes]"] = {}
        shapes: Dict[str, Tuple[int, ...]] = {}
        for name, value in given.items():
            spec = self._input_spec(name)
            if spec.dtype == "string":
                shapes[name], texts[name] = _strings.encode(value)
            else:
                arrays[name] = _to_array(spec, value)
                shapes[name] = arrays[name].shape
        key = tuple(sorted(shapes.items()))
        # Taken out while it is used, so that two threads do not write to one.
        request = self._requests.pop(key, None) if not texts else None
        if request is None:
            room = {name: _strings.packed_length(list_) for name, list_ in texts.items()}
            request = self._make_room(shapes, room)
        for name, array in arrays.items():
            np.copyto(request.inputs[name], array)
        for name in texts:
            request.set_strings(name, given[name])
        with request.infer(timeout) as result:
            outputs = {name: output.copy() for name, output in result.items()}
        if not texts:  # The room for texts depends on the texts.
            self._keep(key, request)
        return outputs

    def close(self) -> None:
        """Ends the attachment. Arrays of its requests stay readable. Idempotent."""
        self._requests.clear()
        self._handle.close()

    def __enter__(self) -> "Model":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<mlos.Model {self.id}>"

    def _keep(self, key: Tuple, request: Request) -> None:
        self._requests[key] = request
        while len(self._requests) > _KEPT_REQUESTS:
            self._requests.popitem(last=False)

    def _make_room(self, shapes: Shapes, string_bytes: Mapping[str, int]) -> Request:
        try:
            return Request(self, shapes, string_bytes)
        except PayloadTooLarge:
            self._requests.clear()
            return Request(self, shapes, string_bytes)

    def _pointer(self) -> int:
        """The C handle, for who holds the lock."""
        if self._handle.pointer is None:
            raise error_of("FAILED_PRECONDITION", "The model has been closed.")
        return self._handle.pointer

    def _input_index(self, name: str) -> int:
        index = self._input_indices.get(name)
        if index is None:
            known = ", ".join(self._input_indices)
            raise error_of("UNKNOWN_INPUT", f"The model has no input {name!r}; it has {known}.")
        return index

    def _output_index(self, name: str) -> int:
        index = self._output_indices.get(name)
        if index is None:
            known = ", ".join(self._output_indices)
            raise error_of("UNKNOWN_INPUT", f"The model has no output {name!r}; it has {known}.")
        return index

    def _input_spec(self, name: str) -> TensorSpec:
        return self.signature.inputs[self._input_index(name)]


def _indices(specs: Tuple[TensorSpec, ...]) -> Dict[str, int]:
    return {spec.name: index for index, spec in enumerate(specs)}


def _to_array(spec: TensorSpec, value: object) -> np.ndarray:
    """Lists and scalars become the model's dtype; an array of another one is an error, because what
    a conversion loses is not for this library to decide."""
    if not isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value, dtype=spec.numpy_dtype)
    if value.dtype != spec.numpy_dtype:
        raise error_of(
            "INVALID_DTYPE", f"Input {spec.name!r} is {spec.dtype}, not {value.dtype}."
        )
    return np.asarray(value)
