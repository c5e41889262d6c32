"""A request: memory for inputs that is run as often as you like, and the results of its runs."""

import ctypes
import time
from ctypes import byref, c_int64, c_size_t, c_uint32, c_void_p
from types import MappingProxyType
from typing import TYPE_CHECKING, Dict, Iterator, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from . import _library, _strings
from ._errors import DeadlineExceeded, error_of
from ._handles import Memory, RequestHandle
from ._library import DEADLINE_EXCEEDED, OK, PLUGIN_UNAVAILABLE, SEQUENCE_END, SEQUENCE_START
from ._library import STRING, TENSOR
from ._signature import DTYPES

if TYPE_CHECKING:
    from ._model import Model

#: How long one call into C may wait: between two of them Python sees Ctrl-C and other threads.
_SLICE_US = 100_000


class Request:
    """Inputs of fixed shapes in memory that the model reads in place. From Model.request()."""

    def __init__(
        self, model: "Model", shapes: Mapping[str, Sequence[int]], string_bytes: Mapping[str, int]
    ) -> None:
        self._model = model
        library = model._library
        self._submit_c = library.mlos_submit
        self._wait_c = library.mlos_wait_for
        pointer = c_void_p()
        inputs = _inputs_of(model, shapes, string_bytes)
        with model._handle as handle:
            status = library.mlos_request_create(
                model._pointer(), inputs, len(inputs), byref(pointer)
            )
            _library.check(status)
            assert pointer.value is not None
            self._pointer = pointer.value
            self._handle = RequestHandle(handle, self._pointer)
        #: Run number; a result belongs to one.
        self._run = 0
        self._views: Dict[Tuple, np.ndarray] = {}
        outputs = model.signature.outputs
        table = (ctypes.c_char * (TENSOR.size * len(outputs))).from_address(
            library.mlos_outputs(self._pointer)
        )
        self._table = memoryview(table)
        self._inputs = MappingProxyType(self._input_views(shapes))

    @property
    def inputs(self) -> Mapping[str, np.ndarray]:
        """Writable arrays on the inputs' memory; string inputs are set with set_strings()."""
        return self._inputs

    def set_strings(self, name: str, values: object) -> None:
        """Writes a string input: an array or nested list of str, of the request's shape."""
        _, texts = _strings.encode(values)
        with self._handle.model:
            _library.check(
                self._model._library.mlos_request_set_strings(
                    self._pointer, self._model._input_index(name), *_strings.to_c(texts)
                )
            )

    def select(self, *names: str) -> None:
        """Asks for these outputs only; without names, for all."""
        indices = [self._model._output_index(name) for name in names]
        with self._handle.model:
            _library.check(
                self._model._library.mlos_request_select(
                    self._pointer, (c_uint32 * len(indices))(*indices), len(indices)
                )
            )

    def set_sequence(
        self, id: "Optional[Union[str, int]]", *, start: bool = False, end: bool = False
    ) -> None:
        """Which sequence the next runs belong to, for a model that keeps a state between them.

        Holds until it is called again; None: to no sequence. `start` begins at the initial state,
        `end` frees the state afterwards.
        """
        name = None if id is None else str(id).encode()
        if name is not None and (not name or b"\0" in name):
            raise error_of("INVALID_ARGUMENT", "The id of a sequence is a text without NUL.")
        flags = (SEQUENCE_START if start else 0) | (SEQUENCE_END if end else 0)
        with self._handle.model:
            _library.check(
                self._model._library.mlos_request_set_sequence(self._pointer, name, flags)
            )

    def infer(self, timeout: Optional[float] = None) -> "Result":
        """Runs the model once, within `timeout` seconds, and waits. Ends the result before it."""
        deadline = _library.deadline(timeout)
        self.submit(timeout)
        status = self._wait(deadline)
        if status == PLUGIN_UNAVAILABLE:
            # It died before it had begun with this one: attach again and ask once more.
            self.submit(timeout)
            status = self._wait(deadline)
        if status != OK:
            raise _library.last_error(status)
        return Result(self, self._run)

    def submit(self, timeout: Optional[float] = None) -> None:
        """Begins a run and returns; wait() has its result."""
        us = _library.microseconds(timeout)
        with self._handle.model:
            self._run += 1
            status = self._submit_c(self._pointer, us)
            if status != OK:
                raise _library.last_error(status)

    def wait(self, timeout: Optional[float] = None) -> "Result":
        """The result of the latest submit(). DeadlineExceeded gives the run up."""
        status = self._wait(_library.deadline(timeout))
        if status != OK:
            raise _library.last_error(status)
        return Result(self, self._run)

    def cancel(self) -> None:
        """The answer is not wanted. wait() then mostly raises Cancelled."""
        with self._handle.model:
            _library.check(self._model._library.mlos_cancel(self._pointer))

    def _wait(self, deadline: Optional[float]) -> int:
        try:
            while True:
                us = _SLICE_US
                if deadline is not None:
                    us = max(1, min(us, round((deadline - time.monotonic()) * 1_000_000)))
                with self._handle.model:
                    status = self._wait_c(self._pointer, us)
                    # The request's own end, or only that of the slice?
                    if status != DEADLINE_EXCEEDED or self._is_finished():
                        return status
                if deadline is not None and time.monotonic() >= deadline:
                    raise DeadlineExceeded(
                        "DEADLINE_EXCEEDED", "The answer was not there within the time allowed."
                    )
        except BaseException:
            # Ctrl-C, or too late: the host need not go on.
            self.cancel()
            raise

    def _is_finished(self) -> bool:
        return self._model._library.mlos_request_status(self._pointer) == DEADLINE_EXCEEDED

    def _release(self, run: int) -> None:
        with self._handle.model:
            if run == self._run:
                self._run += 1
                self._model._library.mlos_release(self._pointer)

    def _output(self, index: int) -> Optional[np.ndarray]:
        """A read-only view; None where the answer has no such output."""
        address, byte_length, dtype, rank, *dims = TENSOR.unpack_from(
            self._table, index * TENSOR.size
        )
        if address == 0:
            return None
        shape = tuple(dims[:rank])
        if dtype == STRING:
            return _strings.decode(address, byte_length, shape)
        key = (address, dtype, shape)
        view = self._views.get(key)
        if view is None:
            # Answers come to few places; a request that has seen many begins anew.
            if len(self._views) >= 64:
                self._views.clear()
            typestr = DTYPES[dtype][1].str
            view = np.asarray(Memory(self._handle, address, shape, typestr, readonly=True))
            self._views[key] = view
        return view.view()

    def _input_views(self, shapes: Mapping[str, Sequence[int]]) -> Dict[str, np.ndarray]:
        views = {}
        library = self._model._library
        for name, shape in shapes.items():
            spec = self._model._input_spec(name)
            if spec.dtype == "string":
                continue
            length = c_size_t()
            index = self._model._input_index(name)
            address = library.mlos_request_data(self._pointer, index, byref(length))
            memory = Memory(
                self._handle, address, tuple(shape), spec.numpy_dtype.str, readonly=False
            )
            views[name] = np.asarray(memory)
        return views


def _inputs_of(
    model: "Model", shapes: Mapping[str, Sequence[int]], string_bytes: Mapping[str, int]
) -> ctypes.Array:
    inputs = (_library.Input * len(shapes))()
    for place, (name, shape) in zip(inputs, shapes.items()):
        place.index = model._input_index(name)
        place.rank = len(shape)
        # The structure keeps the array alive.
        place.dims = (c_int64 * len(shape))(*shape)
        place.byte_length = string_bytes.get(name, 0)
    return inputs


class Result(Mapping[str, np.ndarray]):
    """Outputs of one run by name: read-only arrays on the memory that the plugin wrote.

    Valid until release(), the end of a `with` block, or the next run of the request: copy what is to
    stay. Strings are copies already.
    """

    __slots__ = ("_request", "_number")

    def __init__(self, request: Request, number: int) -> None:
        self._request = request
        self._number = number

    def __getitem__(self, name: str) -> np.ndarray:
        request = self._request
        if request._run != self._number:
            raise error_of("FAILED_PRECONDITION", "The result has been released.")
        output = request._output(request._model._output_index(name))
        if output is None:
            raise KeyError(name)
        return output

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._names() if self._has(name))

    def __len__(self) -> int:
        return sum(self._has(name) for name in self._names())

    def release(self) -> None:
        """Gives the outputs' memory back. Idempotent."""
        self._request._release(self._number)

    def __enter__(self) -> "Result":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _names(self) -> "list[str]":
        return [spec.name for spec in self._request._model.signature.outputs]

    def _has(self, name: str) -> bool:
        try:
            self[name]
        except KeyError:
            return False
        return True
