"""Calls of Python's clients, each printed as a line of JSON: python calls.py NAME BASE_URL KEY."""

import io
import json
import os
import sys

name, base_url, key = sys.argv[1:]
messages = [{"role": "user", "content": "Hello?"}]
weather = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


def say(what, value):
    print(json.dumps({"what": what, "value": value}), flush=True)


def joined(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def official():
    import openai

    client = openai.OpenAI(base_url=base_url, api_key=key, max_retries=0)
    whole = client.chat.completions.create(model="tiny", messages=messages, tools=[weather])
    say("tools", whole.choices[0].message.tool_calls[0].function.name)
    say("stream", joined(client.chat.completions.create(model="tiny", messages=messages, stream=True)))
    say("response", client.responses.create(model="tiny", input="Hello?").output_text)
    events = client.responses.create(model="tiny", input="Hello?", stream=True)
    say("response stream", [event.type for event in events][-1])
    say("embeddings", [one.embedding for one in client.embeddings.create(model="tiny", input=["one", "two"]).data])
    line = {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "tiny", "messages": messages}}
    file = client.files.create(file=("a.jsonl", (json.dumps(line) + "\n").encode()), purpose="batch")
    say("file", client.files.content(file.id).text.count("\n"))
    picture = client.images.edit(model="tiny", image=("a.png", b"png", "image/png"), prompt="blue")
    say("image", picture.data[0].b64_json)
    heard = client.audio.transcriptions.create(model="tiny", file=("a.wav", io.BytesIO(bytes(100_000))))
    say("transcription", heard.text)
    say("speech", client.audio.speech.create(model="tiny", voice="alloy", input="Hello").content.decode())
    batch = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    say("batch", [batch.status, client.batches.retrieve("batch_1").status])
    say("deleted", client.files.delete(file.id).deleted)
    try:
        openai.OpenAI(base_url=base_url, api_key="sk-proj-wrong", max_retries=0).models.list()
    except openai.AuthenticationError as error:
        say("refused", error.code)


def azure():
    import openai

    client = openai.AzureOpenAI(base_url=base_url, api_key=key, api_version="2025-04-01-preview", max_retries=0)
    say("chat", client.chat.completions.create(model="tiny", messages=messages).choices[0].message.content)
    say("stream", joined(client.chat.completions.create(model="tiny", messages=messages, stream=True)))


def litellm():
    import litellm

    litellm.telemetry = False
    with_key = {"api_base": base_url, "api_key": key, "num_retries": 0}
    whole = litellm.completion(model="openai/tiny", messages=messages, **with_key)
    say("chat", [whole.choices[0].message.content, whole.usage.total_tokens])
    say("stream", joined(litellm.completion(model="openai/tiny", messages=messages, stream=True, **with_key)))
    say("embeddings", len(litellm.embedding(model="openai/tiny", input=["one", "two"], **with_key).data))


def realtime():
    import openai

    sockets = base_url.replace("http", "ws", 1)
    client = openai.OpenAI(base_url=base_url, websocket_base_url=sockets, api_key=key, max_retries=0)
    with client.realtime.connect(model="tiny") as connection:
        connection.response.create()
        for event in connection:
            say(event.type, getattr(event, "delta", None))
            if event.type == "response.done":
                break


# LiteLLM would read its price list from the network.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
{"official": official, "azure": azure, "litellm": litellm, "realtime": realtime}[name]()
