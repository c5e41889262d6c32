"""TorchScript: a program with its weights. It does not say which shapes it takes, so the job has to."""

import os

import torch

from inputs import from_job
from problem import Problem
from torch_export import export


def convert(job):
    inputs = from_job(job)
    if not inputs:
        raise Problem("a TorchScript file does not say which inputs it takes; name them with --input")
    model = torch.jit.load(os.path.join(job["source"], job["run"][0]), map_location="cpu").eval()
    return export(model, inputs, job, modes=(False,))
