"""The Python clients of OpenAI's and Ollama's APIs, unmodified, against a running daemon: stock_text_clients.py URL.

Prints `ok` and the number of checks; the first that fails ends it with a traceback. The model is the fake plugin's,
which says the words of its prompt.
"""

import sys

import ollama
import openai

(URL,) = sys.argv[1:]
MODEL = "f/tasks@1"
WATCHDOG = 60
checks = 0


def check(holds, what):
    global checks
    checks += 1
    assert holds, what


def same(found, right):
    check(found == right, f"{found!r} is not {right!r}")


def refused(kind, status, call, **options):
    try:
        result = call(**options)
    except kind as error:
        same(error.status_code, status)
    else:
        raise AssertionError(f"{call} was answered: {result}")


def user(text):
    return [{"role": "user", "content": text}]


def ask_openai():
    client = openai.OpenAI(base_url=f"{URL}/v1", api_key="none", max_retries=0, timeout=WATCHDOG)
    chat = client.chat.completions.create
    whole = chat(model=MODEL, messages=user("one two"))
    same(whole.choices[0].message.content, "one two")
    same(whole.usage.total_tokens, 4)
    chunks = list(chat(model=MODEL, messages=user("one two"), stream=True))
    same("".join(chunk.choices[0].delta.content or "" for chunk in chunks), "one two")
    same(chunks[-1].choices[0].finish_reason, "stop")
    same(client.completions.create(model=MODEL, prompt="a b", max_tokens=3).choices[0].text, "a b a")
    same(client.embeddings.create(model=MODEL, input=["four"]).data[0].embedding, [4, 1])
    same([model.id for model in client.models.list()], [MODEL])
    respond = client.responses.create
    answer = respond(model=MODEL, input="one two", instructions="Be brief.")
    same((answer.output_text, answer.status, answer.usage.total_tokens), ("one two", "completed", 4))
    events = list(respond(model=MODEL, input="one two", stream=True))
    same("".join(one.delta for one in events if one.type == "response.output_text.delta"), "one two")
    same(events[-1].response.output_text, "one two")
    refused(openai.BadRequestError, 400, respond, model=MODEL, input="hi", previous_response_id="r")
    hear = client.audio.transcriptions.create
    file = ("said.wav", b"one two", "audio/wav")
    same(hear(model=MODEL, file=file).text, "one two")
    same(hear(model=MODEL, file=file, response_format="text"), "one two\n")
    words = hear(
        model=MODEL, file=file, response_format="verbose_json", timestamp_granularities=["word"]
    ).words
    same([(one.word, one.start, one.end) for one in words], [("one", 0, 1), ("two", 1, 2)])
    pieces = list(hear(model=MODEL, file=file, stream=True))
    same([piece.type for piece in pieces][-2:], ["transcript.text.delta", "transcript.text.done"])
    same(client.audio.translations.create(model=MODEL, file=file).text, "one two")
    refused(openai.NotFoundError, 404, chat, model="f/nobody", messages=user("hi"))
    try:
        list(chat(model=MODEL, messages=user("one fail"), stream=True))
    except openai.APIError as error:
        check("told" in str(error), error)
    else:
        raise AssertionError("a stream that failed ended well")


def ask_ollama():
    client = ollama.Client(host=URL, timeout=WATCHDOG)
    whole = client.chat(MODEL, messages=user("one two"), keep_alive="5m", options={"num_ctx": 100})
    same(whole.message.content, "one two")
    same((whole.done_reason, whole.prompt_eval_count, whole.eval_count), ("stop", 2, 2))
    check(whole.total_duration >= whole.eval_duration > 0, whole)
    parts = list(client.chat(MODEL, messages=user("one two"), stream=True))
    same("".join(part.message.content for part in parts), "one two")
    same([part.done for part in parts], [False, False, True])
    same(client.generate(MODEL, "a b", system="Be brief.").response, "a b")
    same(client.embed(MODEL, input=["four", "five5"]).embeddings, [[4, 1], [5, 1]])
    same(client.embeddings(MODEL, "four").embedding, [4, 1])
    same([model.model for model in client.list().models], [MODEL])
    running = client.ps().models[0]
    same((running.model, running.context_length), (MODEL, 1000))
    shown = client.show(MODEL)
    same(shown.capabilities, ["completion", "tools", "thinking", "insert", "embedding"])
    same(shown.modelinfo["fake.context_length"], 1000)
    same(client.copy(MODEL, "f/copy:2").status, "success")
    same(client.pull("f/copy:2").status, "success")
    same([part.status for part in client.pull("f/copy:2", stream=True)], ["success"])
    same(client.delete("f/copy:2").status, "success")
    lines = list(client.pull("hf.co/acme/one", stream=True))
    same([line.status for line in lines][0], "pulling manifest")
    same([line.status for line in lines][-2:], ["writing manifest", "success"])
    files = [line for line in lines if line.digest]
    check(files and files[-1].completed == files[-1].total, lines)
    same(client.delete("hf.co/acme/one").status, "success")
    refused(ollama.ResponseError, 404, client.chat, model="f/nobody", messages=user("hi"))
    refused(ollama.ResponseError, 400, client.pull, model="f/copy:2")
    try:
        list(client.chat(MODEL, messages=user("one fail"), stream=True))
    except ollama.ResponseError as error:
        check("told" in str(error), error)
    else:
        raise AssertionError("a stream that failed ended well")
    same(client.generate(MODEL, "", keep_alive=0).done_reason, "unload")
    same(client.ps().models, [])


ask_openai()
ask_ollama()
print("ok", checks)
