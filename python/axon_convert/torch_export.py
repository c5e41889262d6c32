"""torch.nn.Module → ONNX, and how the module itself is run for the comparison."""

import numpy as np
import onnx
import onnxruntime
import torch

from compare import Converted
from inputs import free_names, sample
from problem import Problem

OPSET = 18


def flat(value):
    """Tensors of whatever a model returns, in order."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        return [t for v in value.values() for t in flat(v)]
    if isinstance(value, (list, tuple)):
        return [t for v in value for t in flat(v)]
    return []


def versions():
    return {"torch": torch.__version__, "onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}


def runner(model, inputs):
    def run(given):
        with torch.no_grad():
            out = model(*[torch.from_numpy(np.ascontiguousarray(given[i.name])) for i in inputs])
        return [t.detach().cpu().numpy() for t in flat(out)]

    return run


def export(model, inputs, job, output_names=None, modes=(True, False)):
    """Tries the exporters in turn: the one of torch.export, then the older one."""
    run = runner(model, inputs)
    first = sample(inputs, 0, job["seed"])
    count = len(run(first))
    if count == 0:
        raise Problem("the model returns no tensor")
    names = output_names or (["output"] if count == 1 else [f"output_{i}" for i in range(count)])
    args = tuple(torch.from_numpy(first[i.name]) for i in inputs)
    failures = []
    for modern in modes:
        try:
            _export(model, args, inputs, names, job["out"], modern)
            return Converted(job["out"], inputs, run, versions())
        except Exception as error:  # the next exporter may know how
            failures.append(f"{type(error).__name__}: {str(error).strip()[:300]}")
    raise Problem("PyTorch cannot export it: " + " / ".join(failures))


def _export(model, args, inputs, names, path, modern):
    common = {"input_names": [i.name for i in inputs], "output_names": names, "opset_version": OPSET}
    if modern:
        dims = {name: torch.export.Dim(name) for name in free_names(inputs)}
        shapes = tuple(
            {at: dims[d] for at, d in enumerate(i.dims) if isinstance(d, str)} or None for i in inputs
        )
        torch.onnx.export(
            model, args, path, dynamo=True, dynamic_shapes=shapes, external_data=False, verbose=False, **common
        )
        return
    axes = {i.name: {at: d for at, d in enumerate(i.dims) if isinstance(d, str)} for i in inputs}
    torch.onnx.export(model, args, path, dynamo=False, dynamic_axes=axes, **common)
