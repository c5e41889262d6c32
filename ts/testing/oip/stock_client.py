"""Every function of the stock client, unmodified, against a running daemon: stock_client.py http|grpc TARGET.

Prints `ok` and the number of checks; the first that fails ends it with a traceback. The models are those that
stock-client.test.ts registers.
"""

import queue
import sys

import numpy as np
from tritonclient.utils import InferenceServerException

FORM, TARGET = sys.argv[1:]
IS_HTTP = FORM == "http"
if IS_HTTP:
    import tritonclient.http as stock
else:
    import tritonclient.grpc as stock

WATCHDOG = 60
checks = 0


def check(holds, what):
    global checks
    checks += 1
    assert holds, what


def refused(call, *words, **options):
    try:
        result = call(**options)
    except InferenceServerException as error:
        check(all(word in str(error) for word in words), f"{words} is not in: {error}")
    else:
        raise AssertionError(f"{call} was answered: {result}")


def tensor(values, datatype, name="x", binary=True):
    one = stock.InferInput(name, list(values.shape), datatype)
    if IS_HTTP:
        return one.set_data_from_numpy(values, binary_data=binary)
    return one.set_data_from_numpy(values)


def wanted(name="y", binary=True, **options):
    if IS_HTTP:
        options["binary_data"] = binary
    return stock.InferRequestedOutput(name, **options)


def as_json(**options):
    return options if IS_HTTP else {**options, "as_json": True}


VALUES = {
    "BOOL": np.array([True, False, True]),
    "UINT8": np.array([0, 1, 255], np.uint8),
    "UINT16": np.array([0, 1, 2**16 - 1], np.uint16),
    "UINT32": np.array([0, 1, 2**32 - 1], np.uint32),
    "UINT64": np.array([0, 1, 2**64 - 1], np.uint64),
    "INT8": np.array([-128, 0, 127], np.int8),
    "INT16": np.array([-(2**15), 0, 2**15 - 1], np.int16),
    "INT32": np.array([-(2**31), 0, 2**31 - 1], np.int32),
    "INT64": np.array([-(2**63), 0, 2**63 - 1], np.int64),
    "FP16": np.array([-1.5, 0, 65504], np.float16),
    "FP32": np.array([-1.5, 0, 1e38], np.float32),
    "FP64": np.array([-1.5, 0, 1e300], np.float64),
    "BYTES": np.array([b"", "ä€𝄞".encode(), b"a\n\x00"], np.object_),
}


def same(datatype, result):
    got, expected = result.as_numpy("y"), VALUES[datatype]
    check(got is not None and got.tolist() == expected.tolist(), f"{datatype}: {got}")


def server_and_model(client):
    check(client.is_server_live() is True, "live")
    check(client.is_server_ready() is True, "ready")
    check(client.is_model_ready("test/fp32") is True, "model ready")
    check(client.is_model_ready("test/fp32", "1") is True, "version ready")
    check(client.is_model_ready("test/none") is False, "no such model is ready")
    server = client.get_server_metadata(**as_json())
    check(server["name"] == "mlos" and "statistics" in server["extensions"], server)
    model = client.get_model_metadata("test/fp32", **as_json())
    check(model["versions"] == ["1"] and model["inputs"][0]["datatype"] == "FP32", model)
    config = client.get_model_config("test/linear", "1", **as_json())
    config = config if IS_HTTP else config["config"]
    check(config["name"] == "test/linear" and config["max_batch_size"] > 0, config)
    refused(client.get_model_metadata, "test/none", model_name="test/none")
    refused(client.get_model_config, "test/none", model_name="test/none")
    if not IS_HTTP:
        check(client.get_server_metadata().name == "mlos", "as a message")
        check(client.get_model_config("test/fp32").config.input[0].name == "x", "as a message")


def datatypes(client):
    for datatype, values in VALUES.items():
        model = f"test/{datatype.lower()}"
        same(datatype, client.infer(model, [tensor(values, datatype)], request_id=datatype))
        same(datatype, client.infer(model, [tensor(values, datatype)], outputs=[wanted()]))
        # FP16 has no form in JSON.
        if IS_HTTP and datatype not in ("FP16", "BYTES"):
            listed = [tensor(values, datatype, binary=False)]
            same(datatype, client.infer(model, listed, outputs=[wanted(binary=False)]))
            same(datatype, client.infer(model, listed))
    if IS_HTTP:
        listed = [tensor(VALUES["BYTES"], "BYTES", binary=False)]
        got = client.infer("test/bytes", listed, outputs=[wanted(binary=False)]).as_numpy("y")
        check([str(one) for one in got] == [one.decode() for one in VALUES["BYTES"]], got)
    empty = client.infer("test/fp32", [tensor(np.zeros([0], np.float32), "FP32")])
    check(empty.as_numpy("y").shape == (0,), "an empty tensor")
    both = [tensor(np.array([i, 2], np.float32), "FP32", name) for i, name in enumerate("ab")]
    result = client.infer("test/pair", both, outputs=[wanted("product"), wanted("sum")])
    check(result.as_numpy("product").tolist() == [0, 4], "product")
    check(result.as_numpy("sum").tolist() == [1, 4], "sum")
    check(result.as_numpy("other") is None, "an output that is none")
    answer = result.get_response() if IS_HTTP else result.get_response(as_json=True)
    check(answer["model_name"] == "test/pair" and answer["model_version"] == "1", answer)


def options(client):
    vector = tensor(VALUES["FP32"], "FP32")
    for coding in ("gzip", "deflate"):
        coded = (
            {"request_compression_algorithm": coding, "response_compression_algorithm": coding}
            if IS_HTTP
            else {"compression_algorithm": coding}
        )
        same("FP32", client.infer("test/fp32", [vector], **coded))
        many = np.arange(50_000, dtype=np.float32)
        result = client.infer("test/fp32", [tensor(many, "FP32")], **coded)
        check((result.as_numpy("y") == many).all(), coding)
    same("FP32", client.infer("test/fp32", [vector], priority=1, timeout=50_000_000, parameters={"mine": "x", "n": 7}))
    same("FP32", client.infer("test/fp32", [vector], model_version="1", request_id="7", headers={"x-mine": "1"}))
    rows = tensor(np.eye(4, dtype=np.float32)[:2], "FP32")
    result = client.infer("test/linear", [rows], outputs=[wanted(class_count=2)])
    classes = [[one.decode().split(":")[1] for one in row] for row in result.as_numpy("y")]
    check(classes == [["5", "4"], ["0", "5"]], classes)
    refused(client.infer, "test/none", model_name="test/none", inputs=[vector])
    refused(client.infer, "float32", model_name="test/fp32", inputs=[tensor(VALUES["INT64"], "INT64")])
    refused(client.infer, '"z"', model_name="test/fp32", inputs=[vector], outputs=[wanted("z")])
    if IS_HTTP:
        body, length = stock.InferenceServerClient.generate_request_body([vector])
        check(isinstance(body, bytes) and length < len(body), "a body by hand")


def sequences(client):
    """Two that are interleaved: each has its own sum. A number and a text are names alike."""

    def step(name, value, **where):
        inputs = [tensor(np.array([[value, value]], np.float32), "FP32")]
        return float(client.infer("seq/sum", inputs, sequence_id=name, **where).as_numpy("y")[0, 0])

    for one, other in ((7, 8), ("a", "b")):
        got = [
            step(one, 1, sequence_start=True),
            step(other, 10, sequence_start=True),
            step(one, 2),
            step(other, 20),
            step(one, 3, sequence_end=True),
            step(other, 30, sequence_end=True),
        ]
        check(got == [1, 10, 3, 30, 6, 60], got)
    refused(lambda: step(99, 1), "sequence")


def asynchronous(client):
    vector = tensor(VALUES["FP32"], "FP32")
    if IS_HTTP:
        pending = [client.async_infer("test/fp32", [vector], request_id=str(i)) for i in range(20)]
        for one in pending:
            same("FP32", one.get_result(timeout=WATCHDOG))
        refused(client.async_infer("test/none", [vector]).get_result, "test/none")
        return
    answers = queue.Queue()
    for i in range(20):
        client.async_infer("test/fp32", [vector], lambda result, error: answers.put((result, error)))
    for i in range(20):
        result, error = answers.get(timeout=WATCHDOG)
        check(error is None, error)
        same("FP32", result)


def streaming(client):
    vector = tensor(VALUES["FP32"], "FP32")
    answers = queue.Queue()
    client.start_stream(callback=lambda result, error: answers.put((result, error)))
    for i in range(20):
        client.async_stream_infer("test/fp32", [vector], request_id=str(i))
    for i in range(20):
        result, error = answers.get(timeout=WATCHDOG)
        check(error is None and result.get_response().id == str(i), error)
        same("FP32", result)
    client.async_stream_infer("test/none", [vector])
    result, error = answers.get(timeout=WATCHDOG)
    check("test/none" in str(error), "an error in its place")
    client.async_stream_infer("test/fp32", [vector], enable_empty_final_response=True)
    result, error = answers.get(timeout=WATCHDOG)
    check(result.get_response().parameters["triton_final_response"].bool_param, "final")
    for i, value in enumerate((1, 2, 3)):
        inputs = [tensor(np.array([[value, value]], np.float32), "FP32")]
        client.async_stream_infer(
            "seq/sum", inputs, sequence_id=11, sequence_start=i == 0, sequence_end=i == 2
        )
    sums = [float(answers.get(timeout=WATCHDOG)[0].as_numpy("y")[0, 0]) for _ in range(3)]
    check(sums == [1, 3, 6], sums)
    client.stop_stream()


def management(client):
    statistics = client.get_inference_statistics("test/fp32", "1", **as_json())["model_stats"]
    check(len(statistics) == 1 and int(statistics[0]["inference_count"]) > 0, statistics)
    every = client.get_inference_statistics(**as_json())["model_stats"]
    check(len(every) > 10, "of all models")
    index = client.get_model_repository_index(**as_json())
    index = index if IS_HTTP else index["models"]
    check({"name": "test/fp32", "version": "1", "state": "READY"}.items() <= find(index).items(), index)
    client.unload_model("test/fp32", unload_dependents=True)
    check(client.is_model_ready("test/fp32") is False, "unloaded")
    client.load_model("test/fp32")
    check(client.is_model_ready("test/fp32") is True, "loaded")
    refused(client.load_model, "test/none", model_name="test/none")
    refused(client.unload_model, "test/none", model_name="test/none")
    trace = client.update_trace_settings("test/fp32", settings={"trace_rate": "7"}, **as_json())
    check("7" in str(trace), trace)
    check("7" in str(client.get_trace_settings("test/fp32", **as_json())), "trace settings")
    client.update_trace_settings("test/fp32", settings={"trace_rate": None})
    check("OFF" in str(client.get_trace_settings(**as_json())), "trace is off")
    refused(client.update_trace_settings, "LOUD", settings={"trace_level": ["LOUD"]})
    log = client.update_log_settings({"log_verbose_level": 1}, **as_json())
    check("1" in str(log), log)
    client.update_log_settings({"log_verbose_level": 0})
    check("log_info" in str(client.get_log_settings(**as_json())), "log settings")


def find(index):
    return next(one for one in index if one["name"] == "test/fp32")


def shared_memory(client):
    """Where it is switched off, asking and letting go still work."""
    for kind in ("system", "cuda"):
        status = getattr(client, f"get_{kind}_shared_memory_status")(**as_json())
        check(not status, status)
        getattr(client, f"unregister_{kind}_shared_memory")()
        getattr(client, f"unregister_{kind}_shared_memory")(name="in")
    refused(client.register_system_shared_memory, "switched off", name="in", key="/mlos_in", byte_size=32)


def main():
    client = stock.InferenceServerClient(TARGET, **({"concurrency": 4} if IS_HTTP else {}))
    parts = [server_and_model, datatypes, options, sequences, asynchronous, management, shared_memory]
    for part in parts if IS_HTTP else [*parts, streaming]:
        part(client)
    client.close()
    print(f"ok {checks}")


main()
