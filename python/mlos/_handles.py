"""Who owns what of the C library.

A model's handle and its requests' are used by one thread at a time: by who holds the model's lock.
Python may collect a request in any thread, so a request that goes while another thread holds the lock
is put aside, and freed by the next one that takes it.

Arrays keep the handle of the request that they look into alive, and so the memory under them: an array
that outlives its result, request or model shows old numbers, but never somebody else's memory.
"""

import threading
from collections import deque
from typing import Deque, Optional

from . import _library


class ModelHandle:
    def __init__(self, pointer: int) -> None:
        self.pointer: Optional[int] = pointer
        self._lock = threading.Lock()
        self._discarded: Deque[int] = deque()
        library = _library.load()
        # Kept here: at the interpreter's end modules go before objects do.
        self._close = library.mlos_close
        self._free = library.mlos_request_free

    def __enter__(self) -> "ModelHandle":
        self._lock.acquire()
        if self._discarded:
            self._free_discarded()
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def discard(self, request: int) -> None:
        self._discarded.append(request)
        if self._lock.acquire(blocking=False):
            try:
                self._free_discarded()
            finally:
                self._lock.release()

    def close(self) -> None:
        with self:
            pointer, self.pointer = self.pointer, None
            if pointer is not None:
                self._close(pointer)

    def _free_discarded(self) -> None:
        while self._discarded:
            self._free(self._discarded.popleft())

    def __del__(self) -> None:
        # Nobody else has it, requests included: no lock.
        self._free_discarded()
        if self.pointer is not None:
            self._close(self.pointer)


class RequestHandle:
    def __init__(self, model: ModelHandle, pointer: int) -> None:
        self.model = model
        self.pointer = pointer

    def __del__(self) -> None:
        self.model.discard(self.pointer)


class Memory:
    """Bytes at an address, for numpy.asarray(); keeps their owner."""

    def __init__(
        self, owner: RequestHandle, address: int, shape: tuple, dtype: str, readonly: bool
    ) -> None:
        self.owner = owner
        self.__array_interface__ = {
            "version": 3,
            "shape": shape,
            "typestr": dtype,
            "data": (address, readonly),
        }
