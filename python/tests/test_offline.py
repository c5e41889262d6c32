"""What can be known without a daemon."""

import ctypes
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

import numpy as np

import mlos
from mlos import _errors, _library, _signature, _strings

ROOT = Path(__file__).resolve().parents[2]
HEADER = re.sub(r"/\*.*?\*/", "", (ROOT / "native/src/capi/mlos.h").read_text(), flags=re.S)


class Mirrors(unittest.TestCase):
    """ctypes believes what it is told: here it is compared with the header and the library."""

    def test_prototypes_have_the_headers_arguments(self) -> None:
        for name, (_, arguments) in _library._PROTOTYPES.items():
            found = re.search(rf"\b{name}\(([^)]*)\);", HEADER)
            self.assertIsNotNone(found, name)
            text = found.group(1).strip()
            count = 0 if text == "void" else text.count(",") + 1
            self.assertEqual(len(arguments), count, name)

    def test_structures_have_the_librarys_sizes(self) -> None:
        options = _library.AttachOptions()
        _library.load().mlos_attach_options_init(options)
        self.assertEqual(options.size, ctypes.sizeof(_library.AttachOptions))
        self.assertEqual((options.priority, options.spin_us), (-1, -1))
        self.assertEqual(_library.TENSOR.size, 8 + 8 + 4 + 4 + 8 * _library.MAX_RANK)

    def test_every_dtype_is_known(self) -> None:
        enum = re.search(r"typedef enum mlos_dtype \{(.*?)\}", HEADER, re.S).group(1)
        numbers = {name.lower(): int(n) for name, n in re.findall(r"MLOS_(\w+) = (\d+)", enum)}
        ours = {name: number for number, (name, _) in _signature.DTYPES.items()}
        self.assertEqual(ours, numbers)

    def test_versions_agree(self) -> None:
        self.assertEqual(mlos.library_version(), mlos.__version__)
        self.assertIn(f'version = "{mlos.__version__}"', (ROOT / "python/pyproject.toml").read_text())


class Errors(unittest.TestCase):
    def test_codes_become_classes_that_python_knows(self) -> None:
        error = _errors.error_of("DEADLINE_EXCEEDED", "Late.")
        self.assertIsInstance(error, mlos.DeadlineExceeded)
        self.assertIsInstance(error, TimeoutError)
        self.assertEqual((error.code, str(error)), ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED: Late."))
        self.assertIs(type(_errors.error_of("STORAGE_FULL", "")), mlos.Error)

    def test_no_daemon_is_said_so(self) -> None:
        with self.assertRaisesRegex(mlos.FailedPrecondition, "No daemon listens at /nonexistent"):
            mlos.attach("a/b@1", "/nonexistent/mlos.sock")
        with self.assertRaises(mlos.InvalidInput):
            mlos.attach("a/b@1", "/nonexistent/mlos.sock", priority="soon")

    def test_a_missing_library_is_an_import_error(self) -> None:
        program = "import mlos; mlos.library_path()"
        environment = {**os.environ, "MLOS_LIBRARY": "/nonexistent/libmlos.so"}
        run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True)
        self.assertEqual(run.returncode, 1)
        self.assertIn(b"/nonexistent/libmlos.so", run.stderr)


class Strings(unittest.TestCase):
    def decode(self, packed: bytes, shape: tuple) -> np.ndarray:
        memory = ctypes.create_string_buffer(packed, len(packed))
        return _strings.decode(ctypes.addressof(memory), len(packed), shape)

    def test_texts_come_back(self) -> None:
        shape, texts = _strings.encode([["a", "äö"], ["", b"\x00"]])
        self.assertEqual((shape, _strings.packed_length(texts)), ((2, 2), 22))
        packed = b"".join(len(text).to_bytes(4, "little") for text in texts) + b"".join(texts)
        self.assertEqual(self.decode(packed, shape).tolist(), [["a", "äö"], ["", "\x00"]])

    def test_what_does_not_add_up_is_refused(self) -> None:
        for packed, shape in ((b"\x05\0\0\0abcd", (1,)), (b"\0\0\0\0x", (1,)), (b"\0\0\0", (1,))):
            with self.assertRaises(mlos.InvalidInput):
                self.decode(packed, shape)
        with self.assertRaises(mlos.InvalidInput):
            _strings.encode([1.5])


if __name__ == "__main__":
    unittest.main()
