"""Finds and loads libmlos.so. Nothing else here knows ctypes' prototypes: they are those of mlos.h."""

import ctypes
import ctypes.util
import math
import os
import struct
import threading
import time
from ctypes import POINTER, Structure, c_char_p, c_int, c_int32, c_int64, c_size_t
from ctypes import c_uint32, c_uint64, c_void_p
from pathlib import Path
from typing import Optional

from ._errors import Error, error_of

MAX_RANK = 16
OK = 0
DEADLINE_EXCEEDED = 9
PLUGIN_UNAVAILABLE = 13
STRING = 8
SEQUENCE_START = 1
SEQUENCE_END = 2

#: mlos_tensor: data, byte_length, dtype, rank, dims[16].
TENSOR = struct.Struct("=QQII16q")

#: Of the C API that these prototypes describe.
_MAJOR, _MINOR = 0, 1


class AttachOptions(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("input_bytes", c_uint64),
        ("output_bytes", c_uint64),
        ("priority", c_int32),
        ("spin_us", c_int32),
        ("timeout_us", c_uint64),
        ("reattach_timeout_us", c_uint64),
        ("no_reattach", c_int32),
    ]


class Spec(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("dtype", c_int),
        ("rank", c_int32),
        ("dims", POINTER(c_int64)),
    ]


class Input(Structure):
    _fields_ = [
        ("index", c_uint32),
        ("rank", c_uint32),
        ("dims", POINTER(c_int64)),
        ("byte_length", c_uint64),
    ]


_PROTOTYPES = {
    "mlos_version": (c_char_p, []),
    "mlos_status_name": (c_char_p, [c_int]),
    "mlos_last_error": (c_char_p, []),
    "mlos_attach_options_init": (None, [POINTER(AttachOptions)]),
    "mlos_attach": (c_int, [c_char_p, c_char_p, POINTER(AttachOptions), POINTER(c_void_p)]),
    "mlos_close": (None, [c_void_p]),
    "mlos_input_count": (c_uint32, [c_void_p]),
    "mlos_output_count": (c_uint32, [c_void_p]),
    "mlos_input_spec": (c_int, [c_void_p, c_uint32, POINTER(Spec)]),
    "mlos_output_spec": (c_int, [c_void_p, c_uint32, POINTER(Spec)]),
    "mlos_model_id": (c_char_p, [c_void_p]),
    "mlos_model_version": (c_char_p, [c_void_p]),
    "mlos_plugin_id": (c_char_p, [c_void_p]),
    "mlos_reattach_count": (c_uint64, [c_void_p]),
    "mlos_request_create": (c_int, [c_void_p, POINTER(Input), c_uint32, POINTER(c_void_p)]),
    "mlos_request_free": (None, [c_void_p]),
    "mlos_request_data": (c_void_p, [c_void_p, c_uint32, POINTER(c_size_t)]),
    "mlos_request_set_strings": (
        c_int,
        [c_void_p, c_uint32, POINTER(c_char_p), POINTER(c_size_t), c_size_t],
    ),
    "mlos_request_select": (c_int, [c_void_p, POINTER(c_uint32), c_uint32]),
    "mlos_request_set_priority": (c_int, [c_void_p, c_int]),
    "mlos_request_set_sequence": (c_int, [c_void_p, c_char_p, c_uint32]),
    "mlos_outputs": (c_void_p, [c_void_p]),
    "mlos_release": (None, [c_void_p]),
    "mlos_submit": (c_int, [c_void_p, c_uint64]),
    "mlos_wait_for": (c_int, [c_void_p, c_uint64]),
    "mlos_request_status": (c_int, [c_void_p]),
    "mlos_cancel": (c_int, [c_void_p]),
}


def _candidates() -> "list[str]":
    """Where the library may lie, the first that is there wins."""
    named = os.environ.get("MLOS_LIBRARY")
    if named:
        return [named]
    package = Path(__file__).resolve().parent
    places = [package / "libmlos.so", package.parent.parent / "build" / "Release" / "libmlos.so"]
    found = [str(place) for place in places if place.exists()]
    installed = ctypes.util.find_library("mlos")
    return found + ([installed] if installed else [])


def _load() -> "tuple[ctypes.CDLL, str]":
    candidates = _candidates()
    if not candidates:
        raise ImportError(
            "libmlos.so was not found: neither MLOS_LIBRARY, nor the package's folder, nor "
            "build/Release of a checkout, nor the system has it. In a checkout: npm run build."
        )
    library = ctypes.CDLL(candidates[0])
    for name, (result, arguments) in _PROTOTYPES.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    version = library.mlos_version().decode()
    major, minor = (int(part) for part in version.split(".")[:2])
    if major != _MAJOR or minor < _MINOR:
        raise ImportError(
            f"{candidates[0]} is version {version}; {_MAJOR}.{_MINOR} or a later minor is needed."
        )
    return library, candidates[0]


_lock = threading.Lock()
_loaded: "Optional[tuple[ctypes.CDLL, str]]" = None


def load() -> ctypes.CDLL:
    """The library, loaded at the first call. Raises ImportError where it cannot be."""
    global _loaded
    with _lock:
        if _loaded is None:
            _loaded = _load()
        return _loaded[0]


def library_path() -> str:
    """The file that was loaded."""
    load()
    assert _loaded is not None
    return _loaded[1]


def library_version() -> str:
    return load().mlos_version().decode()


def last_error(status: int) -> Error:
    """The exception for a call of this thread that has just failed."""
    library = load()
    code = library.mlos_status_name(status).decode()
    return error_of(code, library.mlos_last_error().decode("utf-8", "replace"))


def check(status: int) -> None:
    if status != OK:
        raise last_error(status)


def deadline(timeout: Optional[float]) -> Optional[float]:
    """Seconds from now → when that is on time.monotonic(); None: no limit."""
    if timeout is None or timeout == math.inf:
        return None
    if math.isnan(timeout):
        raise ValueError("timeout is nan; expected seconds")
    return time.monotonic() + timeout


def microseconds(timeout: Optional[float]) -> int:
    """Seconds → what the C API wants; None: no limit."""
    if deadline(timeout) is None:
        return 0
    # 0 is "no limit" there, and a timeout of nothing at all has passed already.
    return max(1, min(round(timeout * 1_000_000), 2**63))
