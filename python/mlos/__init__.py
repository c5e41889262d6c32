"""Models of this host, run through shared memory.

    import mlos

    with mlos.attach("hf/mnist@latest") as model:
        print(model(x=[[0.0] * 64])["y"])          # copies in, copies out

        request = model.request(x=(1, 64))         # no copies: memory that the model reads
        request.inputs["x"][:] = 1.0
        with request.infer(timeout=1.0) as result:
            print(result["y"])                     # a view, valid inside the block

docs/python.md tells the rest.
"""

from ._errors import (
    Cancelled,
    DeadlineExceeded,
    Error,
    FailedPrecondition,
    InferenceFailed,
    InvalidInput,
    ModelNotFound,
    PayloadTooLarge,
    PermissionDenied,
    PluginCrashed,
    PluginUnavailable,
    TooManyRequests,
)
from ._library import library_path, library_version
from ._model import Model, attach
from ._request import Request, Result
from ._signature import Signature, TensorSpec

__version__ = "0.1.0"

__all__ = [
    "Cancelled",
    "DeadlineExceeded",
    "Error",
    "FailedPrecondition",
    "InferenceFailed",
    "InvalidInput",
    "Model",
    "ModelNotFound",
    "PayloadTooLarge",
    "PermissionDenied",
    "PluginCrashed",
    "PluginUnavailable",
    "Request",
    "Result",
    "Signature",
    "TensorSpec",
    "TooManyRequests",
    "attach",
    "library_path",
    "library_version",
]
