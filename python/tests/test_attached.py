"""Against a daemon: ts/testing/python starts one, with the models named below, and says where."""

import gc
import os
import signal
import threading
import time
import unittest
from pathlib import Path
from typing import List

import numpy as np

import mlos

SOCKET = os.environ.get("MLOS_TEST_SOCKET")
DAEMON_PID = os.environ.get("MLOS_TEST_DAEMON_PID")
#: x float32[n] → y, the same.
SAME = "test/same@1"
#: x string[n] → y, the same.
TEXTS = "test/texts@1"
#: turns int64[], x float32[] → y = x, after about a millisecond a turn.
SLOW = "test/slow@1"
#: a, b float32[n] → sum, product.
PAIR = "test/pair@1"
#: x float32[n], which only the length 7 does not make fail.
FAILING = "test/failing@1"
#: x float32[batch, 2] → y, the sum of all x of a sequence so far.
SUM = "seq/sum@1"


def child_processes(pid: int) -> List[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(folder.name))
    return found


@unittest.skipUnless(SOCKET, "MLOS_TEST_SOCKET names no daemon")
class Attached(unittest.TestCase):
    def attach(self, model: str, **options: object) -> mlos.Model:
        attached = mlos.attach(model, SOCKET, **options)
        self.addCleanup(attached.close)
        return attached

    def test_the_signature_is_the_models_own(self) -> None:
        model = self.attach(PAIR)
        self.assertEqual(model.id, PAIR)
        self.assertEqual(len(model.version), 64)
        self.assertEqual([spec.name for spec in model.signature.inputs], ["a", "b"])
        self.assertEqual(model.signature.outputs[0], mlos.TensorSpec("sum", "float32", (None,)))

    def test_a_call_copies_in_and_out(self) -> None:
        model = self.attach(PAIR)
        for length in (1, 3, 1000, 3):
            a = np.arange(length, dtype=np.float32)
            outputs = model(a=a, b=[2.0] * length, timeout=20)
            np.testing.assert_array_equal(outputs["sum"], a + 2)
            np.testing.assert_array_equal(outputs["product"], a * 2)
            self.assertTrue(outputs["sum"].flags.writeable)
        self.assertEqual(model({"a": [], "b": []}, timeout=20)["sum"].shape, (0,))

    def test_sequences_keep_their_states_apart(self) -> None:
        model = self.attach(SUM)
        one, two = model.request(x=(1, 2)), model.request(x=(2, 2))
        one.inputs["x"][:] = 1
        two.inputs["x"][:] = 10
        for turn in range(1, 20):
            one.set_sequence("one", start=turn == 1)
            two.set_sequence(2, start=turn == 1, end=turn == 19)
            self.assertEqual(one.infer(20)["y"].tolist(), [[turn, turn]])
            self.assertEqual(two.infer(20)["y"].tolist(), [[10 * turn] * 2] * 2)
        two.set_sequence("2")
        with self.assertRaises(mlos.Error) as caught:
            two.infer(20)
        self.assertEqual(caught.exception.code, "FAILED_PRECONDITION")
        self.assertIn("Begin it with start", str(caught.exception))
        one.set_sequence(None)
        with self.assertRaises(mlos.Error):
            one.infer(20)
        for wrong in ("", "x" * 129, "a\0b"):
            with self.assertRaises(mlos.Error):
                one.set_sequence(wrong)

    def test_a_request_is_run_in_place(self) -> None:
        model = self.attach(SAME)
        request = model.request(x=(4,))
        x = request.inputs["x"]
        for turn in range(1000):
            x[:] = turn
            with request.infer(timeout=20) as result:
                y = result["y"]
                self.assertEqual(y.tolist(), [turn] * 4)
        self.assertFalse(y.flags.writeable)
        with self.assertRaises(ValueError):
            y[0] = 1
        with self.assertRaises(mlos.FailedPrecondition):
            result["y"]
        result.release()

    def test_a_result_is_a_mapping_of_the_outputs_wanted(self) -> None:
        request = self.attach(PAIR).request(a=(2,), b=(2,))
        self.assertEqual(set(request.infer(timeout=20)), {"sum", "product"})
        request.select("product")
        result = request.infer(timeout=20)
        self.assertEqual(list(result), ["product"])
        self.assertNotIn("sum", result)
        with self.assertRaises(mlos.InvalidInput):
            result["none"]
        request.select()
        self.assertEqual(len(request.infer(timeout=20)), 2)

    def test_requests_overlap(self) -> None:
        model = self.attach(SAME)
        requests = [model.request(x=(1,)) for _ in range(20)]
        for number, request in enumerate(requests):
            request.inputs["x"][:] = number
            request.submit(timeout=20)
        answers = [request.wait(timeout=20)["y"][0] for request in reversed(requests)]
        self.assertEqual(answers, list(reversed(range(20))))

    def test_strings(self) -> None:
        model = self.attach(TEXTS)
        texts = ["", "a", "äöü", "x" * 5000]
        self.assertEqual(model(x=texts, timeout=20)["y"].tolist(), texts)
        request = model.request(x=(2,), string_bytes={"x": 12})
        self.assertEqual(request.infer(timeout=20)["y"].tolist(), ["", ""])
        request.set_strings("x", ["ab", "cd"])
        self.assertEqual(request.infer(timeout=20)["y"].tolist(), ["ab", "cd"])
        with self.assertRaises(mlos.PayloadTooLarge):
            request.set_strings("x", ["abc", "cd"])
        with self.assertRaises(mlos.InvalidInput):
            request.set_strings("x", ["abc"])

    def test_what_is_wrong_is_named(self) -> None:
        model = self.attach(SAME)
        with self.assertRaisesRegex(mlos.InvalidInput, "no input 'z'; it has x"):
            model(z=1)
        with self.assertRaisesRegex(mlos.InvalidInput, "'x' is float32, not float64"):
            model(x=np.zeros(3))
        with self.assertRaisesRegex(mlos.InvalidInput, r'"x" cannot have the shape \[1, 1\]'):
            model(x=[[1]])
        with self.assertRaises(mlos.PayloadTooLarge):
            model.request(x=(1 << 35,))
        with self.assertRaises(mlos.InvalidInput) as caught:
            self.attach(PAIR).request(a=(1,)).infer(timeout=20)
        self.assertEqual(caught.exception.code, "MISSING_INPUT")
        with self.assertRaises(mlos.ModelNotFound):
            self.attach("test/none@1")
        with self.assertRaises(mlos.InferenceFailed):
            self.attach(FAILING)(x=[1, 2], timeout=20)

    def test_a_deadline_gives_the_run_up(self) -> None:
        request = self.attach(SLOW).request()
        request.inputs["turns"][...] = 1_000_000
        with self.assertRaises(mlos.DeadlineExceeded):
            request.infer(timeout=0.3)
        request.inputs["turns"][...] = 1
        request.inputs["x"][...] = 5
        self.assertEqual(request.infer(timeout=30)["y"], 5)
        request.inputs["turns"][...] = 1_000_000
        request.submit()
        request.cancel()
        with self.assertRaises(mlos.Cancelled):
            request.wait(timeout=30)

    def test_ctrl_c_ends_a_wait(self) -> None:
        request = self.attach(SLOW).request()
        request.inputs["turns"][...] = 1_000_000
        timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        self.addCleanup(timer.cancel)
        with self.assertRaises(KeyboardInterrupt):
            request.infer(timeout=60)

    def test_threads_share_a_model(self) -> None:
        model = self.attach(SAME)
        wrong: List[object] = []

        def work(number: int) -> None:
            request = model.request(x=(8,))
            for turn in range(100):
                request.inputs["x"][:] = number * 1000 + turn
                if request.infer(timeout=60)["y"][7] != number * 1000 + turn:
                    wrong.append((number, turn))
                if model(x=[number, turn], timeout=60)["y"].tolist() != [number, turn]:
                    wrong.append((number, turn))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_arrays_outlive_everything(self) -> None:
        model = self.attach(SAME)
        request = model.request(x=(4,))
        x = request.inputs["x"]
        x[:] = 7
        y = request.infer(timeout=20)["y"]
        model.close()
        model.close()
        with self.assertRaises(mlos.FailedPrecondition):
            request.infer()
        with self.assertRaises(mlos.FailedPrecondition):
            model(x=[1])
        del request, model
        gc.collect()
        self.assertEqual(y.tolist(), [7] * 4)
        x[:] = 8
        self.assertEqual(x.tolist(), [8] * 4)

    def test_requests_that_go_give_their_memory_back(self) -> None:
        model = self.attach(SAME, input_bytes=1 << 20)
        for _ in range(50):
            model.request(x=(100_000,)).inputs["x"][:] = 1

    def test_it_attaches_again_after_a_crash(self) -> None:
        model = self.attach(SAME)
        request = model.request(x=(2,))
        x = request.inputs["x"]
        kept = request.infer(timeout=20)["y"]
        for turn in range(2):
            for pid in child_processes(int(DAEMON_PID or 0)):
                os.kill(pid, signal.SIGKILL)
            # It may be asked before the death is known, or be begun by it: both are told.
            deadline = time.monotonic() + 60
            while True:
                try:
                    x[:] = turn + 3
                    self.assertEqual(request.infer(timeout=30)["y"].tolist(), [turn + 3] * 2)
                    break
                except (mlos.PluginCrashed, mlos.PluginUnavailable):
                    self.assertLess(time.monotonic(), deadline)
            self.assertEqual(model.reattach_count, turn + 1)
        self.assertEqual(kept.shape, (2,))


if __name__ == "__main__":
    unittest.main()
