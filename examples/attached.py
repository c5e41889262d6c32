#!/usr/bin/env python3
"""Attaches to a model, prints what it takes and gives, and times it on inputs of zeros.

    PYTHONPATH=python python3 examples/attached.py hf/mnist@latest [turns] [socket]

Dimensions of any size are taken as 1, string inputs as empty texts.
"""

import sys
import time

import mlos


def main(model_id: str, turns: int = 10_000, socket_path: "str | None" = None) -> None:
    with mlos.attach(model_id, socket_path) as model:
        print(f"{model.id}, run by {model.plugin_id}")
        for spec in model.signature.inputs:
            print(f"input  {spec.name}: {spec.dtype} {spec.shape}")
        shapes = {
            spec.name: [dim or 1 for dim in spec.shape or (1,)] for spec in model.signature.inputs
        }
        request = model.request(shapes)
        times = []
        for _ in range(turns):
            start = time.perf_counter_ns()
            result = request.infer(timeout=10)
            times.append((time.perf_counter_ns() - start) / 1000)
        for name, output in result.items():
            print(f"output {name}: {output.dtype} {output.shape}")
        times.sort()
        print(
            f"{turns} turns: median {times[turns // 2]:.1f} us, "
            f"99 of 100 below {times[turns - 1 - turns // 100]:.1f} us"
        )


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1], *(int(turns) for turns in sys.argv[2:3]), *sys.argv[3:4])
