"""Converts one model to ONNX and compares the two: python -I main.py job.json

Runs in an environment of its own, started by `axon convert`, which says in the job what to do and reads the
answer from the file that the job names. Nothing is downloaded here, and pickles are loaded as tensors only.
"""

import importlib
import json
import os
import sys
import threading
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from problem import Problem  # noqa: E402

ROUTES = {
    "torchscript": "torch_script",
    "torchvision": "torch_vision",
    "transformers": "hf_transformers",
    "saved_model": "saved_model",
}


def answer(job):
    route = importlib.import_module(ROUTES[job["route"]])
    from compare import compare

    converted = route.convert(job)
    return {"comparison": compare(converted, job), "versions": converted.versions}


def end_with(parent):
    """axon may be killed; nobody waits for the answer then."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def main():
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    try:
        result = answer(job)
    except Problem as problem:
        result = {"problem": str(problem)}
    except Exception as error:  # whatever a framework throws is an answer, not a crash
        traceback.print_exc()
        result = {"problem": f"{type(error).__name__}: {str(error)[:1000]}"}
    with open(job["answer"], "w", encoding="utf-8") as file:
        json.dump(result, file)


main()
