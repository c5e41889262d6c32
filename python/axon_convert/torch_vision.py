"""torchvision's builders: the state dict has no graph, the builder of the same name makes it."""

import importlib
import os
import sys

import torch

from inputs import Input, from_job
from problem import Problem
from torch_export import export, versions as torch_versions

def load():
    """torchvision, whose own operators are built for one build of torch only; its builders do without them."""
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    # Only detection runs them, and that is not converted; but they must have been declared.
    operators = torch.library.Library("torchvision", "DEF")
    operators.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    operators.define(
        "qnms(Tensor dets, Tensor scores, float iou_threshold, float scale, int zero_point) -> Tensor"
    )
    KEPT.append(operators)
    return importlib.import_module("torchvision")


KEPT = []
torchvision = load()

# What the builders switch on when they load these weights themselves.
WITH_WEIGHTS = {
    "inception_v3": {"transform_input": True, "aux_logits": True, "init_weights": False},
    "googlenet": {"transform_input": True, "aux_logits": True, "init_weights": False},
}


def convert(job):
    builder = job["architecture"]
    if builder not in torchvision.models.list_models():
        raise Problem(f"torchvision {torchvision.__version__} has no model {builder}")
    module = torchvision.models.get_model_builder(builder).__module__
    if any(part in module for part in (".detection", ".quantization", ".optical_flow")):
        raise Problem(f"{builder} has no outputs of fixed number and type; it is not converted")
    state = torch.load(os.path.join(job["source"], job["run"][0]), map_location="cpu", weights_only=True)
    options = dict(WITH_WEIGHTS.get(builder, {}))
    if ".segmentation" in module:
        options |= {"weights_backbone": None}
        if any(key.startswith("aux_classifier.") for key in state):
            options["aux_loss"] = True
    model = torchvision.models.get_model(builder, weights=None, **options)
    model.load_state_dict(state)
    inputs = from_job(job) or [Input("input", "float32", shape_of(builder, module, job))]
    converted = export(model.eval(), inputs, job)
    converted.versions = {**torch_versions(), "torchvision": torchvision.__version__}
    return converted


def shape_of(builder, module, job):
    """The size that the weights were made for, as torchvision states it."""
    if ".video" in module:
        raise Problem(f"{builder} takes a film; name its input with --input")
    weights = torchvision.models.get_model_weights(builder)
    named = [w for w in weights if w.name == job.get("weights")] or [weights.DEFAULT]
    crop = getattr(named[0].transforms(), "crop_size", None) or [224]
    return ["batch", 3, int(crop[0]), int(crop[-1])]
