"""String tensors: arrays of texts here, packed bytes in shared memory."""

from ctypes import c_char_p, c_size_t, string_at
from typing import Sequence, Tuple

import numpy as np

from ._errors import error_of

_LENGTH_BYTES = 4


def encode(values: object) -> "Tuple[Tuple[int, ...], list[bytes]]":
    """An array of str or bytes → its shape, and the texts as UTF-8."""
    array = np.asarray(values, dtype=object)
    texts = []
    for value in array.ravel():
        if isinstance(value, str):
            texts.append(value.encode())
        elif isinstance(value, bytes):
            texts.append(value)
        else:
            raise error_of("INVALID_VALUE", f"A string tensor holds texts, not {value!r}.")
    return array.shape, texts


def packed_length(texts: Sequence[bytes]) -> int:
    return sum(len(text) + _LENGTH_BYTES for text in texts)


def to_c(texts: Sequence[bytes]) -> tuple:
    """Arguments of mlos_request_set_strings()."""
    count = len(texts)
    pointers = (c_char_p * count)(*texts)
    lengths = (c_size_t * count)(*(len(text) for text in texts))
    return pointers, lengths, count


def decode(address: int, byte_length: int, shape: Tuple[int, ...]) -> np.ndarray:
    """Packed bytes → an array of str. The bytes are the plugin's: nothing in them is believed."""
    packed = string_at(address, byte_length)
    count = 1
    for dim in shape:
        count *= dim
    if count * _LENGTH_BYTES > byte_length:
        raise error_of("INVALID_VALUE", "The lengths of the texts do not fit the tensor.")
    lengths = np.frombuffer(packed, dtype="<u4", count=count)
    array = np.empty(count, dtype=object)
    at = count * _LENGTH_BYTES
    for i, length in enumerate(lengths.tolist()):
        array[i] = packed[at : at + length].decode("utf-8", "replace")
        at += length
    if at != byte_length:
        raise error_of("INVALID_VALUE", "The lengths of the texts do not fit the tensor.")
    return array.reshape(shape)
