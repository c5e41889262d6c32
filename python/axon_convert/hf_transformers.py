"""Checkpoints of transformers: the class that config.json names, without the programs that come with a model."""

import os

import torch
import transformers

from inputs import Input, from_job
from problem import Problem
from torch_export import export, versions as torch_versions

OTHERWISE = "`optimum-cli export onnx` makes several graphs of such a model"


def convert(job):
    transformers.logging.set_verbosity_error()
    local = {"local_files_only": True, "trust_remote_code": False}
    config = transformers.AutoConfig.from_pretrained(job["source"], **local)
    if getattr(config, "is_encoder_decoder", False):
        raise Problem(f"an encoder with a decoder needs more than one graph; {OTHERWISE}")
    name = (config.architectures or ["AutoModel"])[0]
    kind = getattr(transformers, name, None)
    if kind is None:
        raise Problem(f"transformers {transformers.__version__} has no class {name}")
    options = {"dtype": torch.float32, "attn_implementation": "eager"}
    model = kind.from_pretrained(job["source"], **local, **options).eval()
    model.config.use_cache = False
    inputs = from_job(job) or inputs_of(model, config)
    wrapped = Flat(model, [i.name for i in inputs])
    converted = export(wrapped.eval(), inputs, job, output_names=wrapped.output_names(inputs, job))
    converted.versions = {**torch_versions(), "transformers": transformers.__version__}
    return converted


class Flat(torch.nn.Module):
    """Named inputs in order, and only the outputs that are single tensors."""

    def __init__(self, model, names):
        super().__init__()
        self.model = model
        self.names = names

    def forward(self, *values):
        out = self.model(**dict(zip(self.names, values)), return_dict=True)
        return tuple(value for value in out.values() if isinstance(value, torch.Tensor))

    def output_names(self, inputs, job):
        from inputs import sample

        given = sample(inputs, 0, job["seed"])
        with torch.no_grad():
            out = self.model(**{k: torch.from_numpy(v) for k, v in given.items()}, return_dict=True)
        return [name for name, value in out.items() if isinstance(value, torch.Tensor)]


def inputs_of(model, config):
    main = model.main_input_name
    if main == "input_ids":
        text = getattr(config, "text_config", config)
        dims = ["batch", "sequence"]
        return [
            Input("input_ids", "int64", dims, 0, int(text.vocab_size) - 1),
            Input("attention_mask", "int64", dims, 1, 1),
        ]
    if main == "pixel_values":
        size = getattr(config, "image_size", None) or 224
        height, width = size if isinstance(size, (list, tuple)) else (size, size)
        return [Input(main, "float32", ["batch", getattr(config, "num_channels", 3), height, width])]
    raise Problem(f"its main input is {main}; name it with --input, or: {OTHERWISE}")
