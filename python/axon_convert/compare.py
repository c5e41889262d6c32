"""A model is converted when both give the same numbers for the same random inputs."""

from dataclasses import dataclass
from typing import Callable

import numpy as np
import onnx
import onnxruntime

from inputs import sample
from problem import Problem

# Allowed is RELATIVE of the number itself and SCALED of the largest number of its output.
RELATIVE = 1e-3
SCALED = 1e-4


@dataclass
class Converted:
    path: str
    inputs: list
    run_source: Callable  # dict of arrays → list of arrays
    versions: dict


def compare(converted, job):
    onnx.checker.check_model(converted.path)
    session = onnxruntime.InferenceSession(converted.path, providers=["CPUExecutionProvider"])
    known = {i.name for i in session.get_inputs()}
    found = Found()
    for trial in range(job["trials"]):
        given = sample(converted.inputs, trial, job["seed"])
        want = converted.run_source(given)
        got = session.run(None, {name: value for name, value in given.items() if name in known})
        if len(want) != len(got):
            raise Problem(f"the source has {len(want)} outputs, the ONNX model {len(got)}")
        for output, a, b in zip(session.get_outputs(), want, got):
            found.compare(output.name, np.asarray(a), np.asarray(b))
    if found.all_zero:
        raise Problem("the source gives nothing but zeros for random inputs: nothing can be compared")
    return {"max_abs": found.max_abs, "max_rel": found.max_rel, "trials": job["trials"]}


class Found:
    """The largest differences so far: in numbers, and as a share of the largest number of the output."""

    def __init__(self):
        self.max_abs = 0.0
        self.max_rel = 0.0
        self.all_zero = True

    def compare(self, name, want, got):
        if want.shape != got.shape:
            raise Problem(f"output {name} is {got.shape}, the source gives {want.shape}")
        if want.dtype.kind not in "fiub":
            raise Problem(f"output {name} is {want.dtype}, which is not compared")
        if want.size == 0:
            return
        a, b = want.astype(np.float64), got.astype(np.float64)
        finite = np.isfinite(a)
        if not finite.any():
            raise Problem(f"the source gives no finite number in {name}: nothing can be compared")
        if (finite != np.isfinite(b)).any():
            raise Problem(f"output {name} is not finite where the source is, or the other way round")
        self._numbers(name, a[finite], b[finite])

    def _numbers(self, name, a, b):
        scale = np.abs(a).max()
        difference = np.abs(a - b)
        self.all_zero &= bool(scale == 0)
        share = difference.max() / scale if scale > 0 else float(difference.max() > 0)
        self.max_abs = max(self.max_abs, float(difference.max()))
        self.max_rel = max(self.max_rel, float(share))
        if (difference > SCALED * scale + RELATIVE * np.abs(a)).any():
            raise Problem(
                f"output {name} differs from the source by up to {difference.max():.3g},"
                f" where its largest number is {scale:.3g}"
            )
