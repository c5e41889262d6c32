"""An app in Python with a channel to the plugin process. Speaks Node's own channel: lines of JSON."""

import json
import os
import socket
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

import mlos  # noqa: E402

facts = json.loads(sys.argv[1])


def quantile(ascending, q):
    return ascending[int(q * (len(ascending) - 1))]


def closed_loop(ask, seconds, warmup_seconds):
    """Latencies in µs of one loop that asks, waits and asks again."""
    clock = time.perf_counter_ns
    begin = clock() + int(warmup_seconds * 1e9)
    end = begin + int(seconds * 1e9)
    samples = []
    sent = clock()
    while sent < end or not samples:
        ask()
        now = clock()
        if sent >= begin:
            samples.append(now - sent)
        sent = now
    samples.sort()
    return {
        "requests": len(samples),
        "total": len(samples),
        "rps": len(samples) * 1e9 / (max(sent, end) - begin),
        **{name: quantile(samples, q) / 1000 for name, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))},
    }


def answer(question):
    model = question["model"]
    with mlos.attach(
        model["id"],
        socket_path=facts["socketPath"],
        input_bytes=max(1 << 16, 2 * model["payloadBytes"]),
    ) as attached:
        request = attached.request(x=tuple(model["shape"]))
        request.inputs["x"][...] = 0.5

        def ask():
            request.infer().release()

        return closed_loop(ask, question["seconds"], question["warmupSeconds"])


def main():
    channel = socket.socket(fileno=int(os.environ["NODE_CHANNEL_FD"]))
    lines = channel.makefile("r")

    def send(message):
        channel.sendall((json.dumps(message) + "\n").encode())

    send({"ready": True})
    for line in lines:
        try:
            send(answer(json.loads(line)))
        except Exception:  # noqa: BLE001: whatever it is, the bench says it
            send({"error": traceback.format_exc()})


main()
