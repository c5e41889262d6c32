"""TensorFlow's SavedModel through tf2onnx: the signature that is served, or the only one."""

import os
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import tensorflow as tf

from compare import Converted
from inputs import Input, from_job
from problem import Problem

OPSET = "18"


def convert(job):
    folder = os.path.join(job["source"], os.path.dirname(job["run"][0]))
    loaded = tf.saved_model.load(folder)
    names = [name for name in loaded.signatures if not name.startswith("__")]
    if not names:
        raise Problem("it states no signature, so nobody can say how it is called")
    name = "serving_default" if "serving_default" in names else names[0]
    if name != "serving_default" and len(names) > 1:
        raise Problem(f"it has the signatures {', '.join(names)} and none that is the default")
    signature = loaded.signatures[name]
    inputs = from_job(job) or inputs_of(signature)
    command = [sys.executable, "-I", "-m", "tf2onnx.convert", "--saved-model", folder, "--output", job["out"]]
    command += ["--opset", OPSET, "--signature_def", name, "--tag", "serve"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0 or not os.path.exists(job["out"]):
        raise Problem(f"tf2onnx cannot convert it: {done.stderr.strip().splitlines()[-1:] or 'no reason'}")
    outputs = [value.name for value in onnx.load(job["out"], load_external_data=False).graph.output]

    def run(given):
        out = signature(**{i.name: tf.constant(given[i.name]) for i in inputs})
        if set(outputs) != set(out):
            raise Problem(f"the outputs are called {outputs}, in the source {sorted(out)}")
        return [np.asarray(out[key]) for key in outputs]

    import tf2onnx

    versions = {"tensorflow": tf.__version__, "tf2onnx": tf2onnx.__version__}
    versions |= {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}
    return Converted(job["out"], inputs, run, versions)


def inputs_of(signature):
    _, keywords = signature.structured_input_signature
    inputs = []
    for name, spec in sorted(keywords.items()):
        if spec.shape.rank is None:
            raise Problem(f"input {name} has no rank; name it with --input")
        dims = [f"{name}_{at}" if d is None else int(d) for at, d in enumerate(spec.shape)]
        if dims and isinstance(dims[0], str):
            dims[0] = "batch"
        inputs.append(Input(name, spec.dtype.name, dims))
    return inputs
