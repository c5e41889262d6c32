"""The Open Inference Protocol's JSON as FastAPI and onnxruntime answer it: one worker, float32."""

import json
import os
import socket
import sys

import numpy
import onnxruntime
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel


class Tensor(BaseModel):
    name: str
    datatype: str
    shape: list[int]
    data: list[float]


class Request(BaseModel):
    id: str | None = None
    inputs: list[Tensor]


options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(json.loads(sys.argv[1])["file"], options)
names = [output.name for output in session.get_outputs()]
app = FastAPI()


@app.post("/v2/models/model/infer")
def infer(request: Request) -> dict:
    feeds = {
        one.name: numpy.array(one.data, dtype=numpy.float32).reshape(one.shape)
        for one in request.inputs
    }
    outputs = [
        {"name": name, "datatype": "FP32", "shape": value.shape, "data": value.ravel().tolist()}
        for name, value in zip(names, session.run(None, feeds))
    ]
    return {"id": request.id, "model_name": "model", "model_version": "1", "outputs": outputs}


listener = socket.create_server(("127.0.0.1", 0))
os.write(
    int(os.environ["NODE_CHANNEL_FD"]),
    json.dumps({"port": listener.getsockname()[1]}).encode() + b"\n",
)
config = uvicorn.Config(app, fd=listener.fileno(), log_level="warning", access_log=False)
uvicorn.Server(config).run(sockets=[listener])
