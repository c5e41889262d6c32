"""Errors: one class with the protocol's code, and a subclass for each code that programs catch."""


class Error(Exception):
    """Whatever MLOS refuses or fails at. `code` is one of docs/errors.md, `str()` a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class InvalidInput(Error, ValueError):
    """Names, dtypes, shapes or values that the model does not take."""


class DeadlineExceeded(Error, TimeoutError):
    """The answer was not there within the timeout."""


class Cancelled(Error):
    """The request was given up, or its model was closed under it."""


class InferenceFailed(Error):
    """The runtime took the inputs and failed while running the model."""


class PluginCrashed(Error):
    """The plugin died while it worked on this request. The next one attaches again by itself."""


class PluginUnavailable(Error):
    """The plugin is not there; this request had not been begun and can be asked again."""


class ModelNotFound(Error, LookupError):
    """No model is registered under this id."""


class PayloadTooLarge(Error):
    """Inputs or outputs do not fit the channel's memory: attach with more bytes."""


class TooManyRequests(Error):
    """A queue is full; try again later."""


class PermissionDenied(Error):
    """This user may not, or the channel was taken away."""


class FailedPrecondition(Error):
    """Not in this state: no daemon listens, the model is closed, the request is under way."""


_CLASSES = {
    "CANCELLED": Cancelled,
    "DEADLINE_EXCEEDED": DeadlineExceeded,
    "FAILED_PRECONDITION": FailedPrecondition,
    "INFERENCE_FAILED": InferenceFailed,
    "INVALID_ARGUMENT": InvalidInput,
    "INVALID_DTYPE": InvalidInput,
    "INVALID_SHAPE": InvalidInput,
    "INVALID_VALUE": InvalidInput,
    "MISSING_INPUT": InvalidInput,
    "MODEL_NOT_FOUND": ModelNotFound,
    "PAYLOAD_TOO_LARGE": PayloadTooLarge,
    "PERMISSION_DENIED": PermissionDenied,
    "PLUGIN_CRASHED": PluginCrashed,
    "PLUGIN_UNAVAILABLE": PluginUnavailable,
    "TOO_MANY_REQUESTS": TooManyRequests,
    "UNKNOWN_INPUT": InvalidInput,
}


def error_of(code: str, message: str) -> Error:
    """The exception for a code of the protocol."""
    return _CLASSES.get(code, Error)(code, message)
