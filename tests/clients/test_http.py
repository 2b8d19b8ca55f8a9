"""What simple clients, browsers and proxies do: bytes on a socket, against the real server."""

import json
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from server import binary, models_folder, running_server

MESSAGES = [{"role": "user", "content": "hi"}]
PATH = "/v1/chat/completions"
TOKEN = b'"delta":{"content":'  # Of every chunk with text.


def connect(server):
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=60)


def post(server, body, path=PATH, content_type=None):
    """(status, headers, body as JSON) of a POST of bytes or of an object."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(data)}\r\n"
    if content_type:
        head += f"Content-Type: {content_type}\r\n"
    with connect(server) as client:
        client.sendall(head.encode() + b"\r\n" + data)
        answer = read_until(client, None)
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode(), json.loads(body)


def read_until(client, end):
    """All bytes up to and with `end`, or to the end of the connection."""
    data = b""
    while end is None or end not in data:
        piece = client.recv(65536)
        if not piece:
            return data
        data += piece
    return data


def start_stream(server, **fields):
    body = json.dumps({"messages": MESSAGES, "stream": True, "ignore_eos": True, "max_tokens": 1900, **fields}).encode()
    client = connect(server)
    client.sendall(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    return client


def ask(server, method, path, **headers):
    """(status, headers, body) of a request without a body."""
    request = urllib.request.Request(server.url + path, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def test_routes_know_their_methods_and_unknown_paths_are_json(server):
    assert ask(server, "GET", "/")[0] == 200
    status, headers, body = ask(server, "HEAD", "/")
    assert status == 200 and body == "" and int(headers["content-length"]) > 0
    status, headers, body = ask(server, "GET", PATH)
    assert status == 405 and "POST" in headers["allow"] and json.loads(body)["error"]["code"] == "method_not_allowed"
    status, headers, body = ask(server, "GET", "/nowhere")
    assert status == 404 and json.loads(body)["error"]["code"] == "not_found"
    assert headers["content-type"] == "application/json" and headers["x-should-retry"] == "false"


def test_browsers_may_ask_before_every_route(server):
    asked = {"Origin": "http://a", "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "x-stainless-os", "Access-Control-Request-Private-Network": "true"}
    for path in (PATH, "/v1/models", "/metrics", "/nowhere"):
        status, headers, _ = ask(server, "OPTIONS", path, **asked)
        assert status == 204 and headers["access-control-allow-origin"] == "*"
        assert "x-stainless-os" in headers["access-control-allow-headers"]
        assert headers["access-control-allow-private-network"] == "true"


def test_the_list_of_models_is_stable_and_unknown_names_are_told(server, model):
    first, second = (json.loads(ask(server, "GET", "/v1/models")[2]) for _ in range(2))
    assert first == second and first["object"] == "list"
    entry = first["data"][0]
    assert (entry["id"], entry["object"], entry["owned_by"]) == (model, "model", "axle") and entry["created"] > 0
    assert json.loads(ask(server, "GET", f"/v1/models/{model}%3Alatest")[2]) == entry
    for name in ("org/model:tag", "org%2Fmodel%3Atag"):
        status, _, body = ask(server, "GET", f"/v1/models/{name}")
        assert status == 404 and 'no model \\"org/model:tag\\"' in body and model in body


@pytest.mark.parametrize("content_type", [None, "application/json; charset=utf-8", "text/plain"])
@pytest.mark.parametrize("path", [PATH, PATH + "?beta=true&api-version=1", "//v1//chat/completions/"])
def test_any_content_type_query_and_doubled_slash_is_served(server, content_type, path):
    assert post(server, {"messages": MESSAGES, "max_tokens": 1}, path, content_type)[0] == 200


@pytest.mark.parametrize("body", [
    b"", b"[]", b'"x"', b"null", b'{"messages":', b"{" * 100000, b'{"messages":' + b"[" * 100000, b"\xff\xfe",
    b'{"messages":[{"role":"user","content":"\xff"}]}', b'{"messages":[{"role":"user","content":"\\ud800"}]}',
    b'{"messages":[{"role":"user","content":"a\x00b"}]}',
])
def test_what_is_no_request_is_400_with_an_error_object(server, body):
    status, head, answer = post(server, body)
    assert status == 400
    assert set(answer["error"]) == {"message", "type", "param", "code"}
    assert "x-request-id: " in head and "x-should-retry: false" in head
    assert "Access-Control-Allow-Origin: *" in head


@pytest.mark.parametrize("fields, param", [
    ({"max_tokens": 0}, "max_tokens"), ({"max_tokens": -1}, "max_tokens"), ({"max_tokens": 10**12}, "max_tokens"),
    ({"n": 1000000}, "n"), ({"messages": MESSAGES * 10000}, "messages"),
    ({"messages": [{"role": "user", "content": "word " * 4000000}]}, "messages"),
])
def test_values_without_measure_are_400_with_their_field(server, fields, param):
    status, head, answer = post(server, {"messages": MESSAGES, **fields})
    assert status == 400 and answer["error"]["param"] == param
    assert "x-should-retry: false" in head


def test_a_prompt_over_the_context_is_400_with_both_numbers(server):
    for stream in (False, True):
        body = {"messages": [{"role": "user", "content": "word " * 5000}], "stream": stream}
        status, _, answer = post(server, body)
        assert status == 400 and answer["error"]["code"] == "context_length_exceeded"
        assert "5031 tokens" in answer["error"]["message"] and "2047" in answer["error"]["message"]


def test_extremes_of_sampling_give_text_without_fault(server):
    for fields in (
            {"temperature": 2, "top_p": 1e-9, "min_p": 1, "top_k": 1}, {"temperature": 1e-30, "top_p": 0},
            {"frequency_penalty": 2, "presence_penalty": 2, "repetition_penalty": 100}, {"logit_bias": {"5": 100}}):
        status, _, answer = post(server, {"messages": MESSAGES, "max_tokens": 8, **fields})
        assert status == 200 and answer["usage"]["completion_tokens"] >= 1, fields


def test_greedy_text_and_a_seeds_text_stay_over_a_restart(server):
    def texts(url):
        fields = ({"temperature": 0}, {"temperature": 1, "seed": 11})
        requests = [json.dumps({"messages": MESSAGES, "max_tokens": 24, **more}).encode() for more in fields]
        return [json.load(urllib.request.urlopen(url + PATH, body))["choices"] for body in requests]

    with running_server() as other:
        assert texts(other.url) == texts(server.url)


def test_a_waiting_stream_has_its_head_at_once_and_then_pings():
    with running_server("--queue-running", "1", "--ping-interval-s", "1") as server:
        with start_stream(server) as running:
            read_until(running, TOKEN)
            with start_stream(server) as waiting:
                assert b"text/event-stream" in read_until(waiting, b'"role":"assistant"')
                assert b": ping\n\n" in read_until(waiting, b"ping\n\n")


def test_stopping_lets_streams_finish_and_refuses_new_ones():
    with running_server() as server:
        stream = start_stream(server, max_tokens=100)
        read_until(stream, TOKEN)
        server.process.send_signal(signal.SIGTERM)
        assert read_until(stream, None).endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
        with pytest.raises(OSError):
            connect(server)
        assert server.process.wait(30) == 0


def test_killing_the_front_cuts_streams_and_takes_the_card_process_along():
    with running_server() as server:
        card = server.card_pid()
        stream = start_stream(server)
        read_until(stream, TOKEN)
        server.process.kill()
        server.process.wait()
        assert b"[DONE]" not in read_until(stream, None)
        server.wait_until(lambda: not alive(card), 10, "the end of the card process")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_idle_and_slow_connections_do_not_hinder_others(server):
    idle = [connect(server) for _ in range(200)]
    slow = [connect(server) for _ in range(100)]
    for client in slow:
        client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHos")
    begin = time.monotonic()
    assert post(server, {"messages": MESSAGES, "max_tokens": 1})[0] == 200
    assert time.monotonic() - begin < 10
    for client in idle + slow:
        client.close()


def test_a_body_over_the_limit_is_413(server):
    with connect(server) as client:
        client.sendall(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {100 << 20}\r\n\r\n".encode())
        answer = read_until(client, b"}}")
    assert b" 413 " in answer.split(b"\r\n")[0] and b"body_too_large" in answer


def test_open_routes_need_no_key_and_the_others_do():
    with running_server(environment={"AXLE_API_KEYS": "one,two"}) as server:
        assert [server.get(path)[0] for path in ("/live", "/ready", "/health")] == [200] * 3
        assert [server.get(path)[0] for path in ("/metrics", "/v1/models")] == [401] * 2
        request = urllib.request.Request(server.url + "/metrics", headers={"x-api-key": "two"})
        with urllib.request.urlopen(request) as answer:
            assert b"axle_card_up 1" in answer.read()


def test_a_server_without_a_card_says_so_everywhere():
    with running_server("--library", "/nowhere.so", ready=False) as server:
        server.wait_until(lambda: server.health()["status"] == "lost", 30, "the state lost")
        assert ask(server, "GET", "/live")[0] == 200
        status, headers, body = ask(server, "GET", "/ready")
        assert status == 503 and int(headers["retry-after"]) > 0 and "/nowhere.so" in json.loads(body)["reason"]
        status, _, body = ask(server, "GET", "/health")
        assert status == 503 and "set card.library" in json.loads(body)["card"]["reason"]
        for stream in (False, True):
            status, head, answer = post(server, {"messages": MESSAGES, "stream": stream})
            assert status == 503 and "Retry-After: " in head and "/nowhere.so" in answer["error"]["message"]
        assert json.loads(ask(server, "GET", "/v1/models")[2])["data"], "models are listed, loaded or not"


def test_a_json_log_is_nothing_but_json_and_has_no_prompts():
    body = {"messages": [{"role": "user", "content": "secret-word\n\x1b[31m"}], "max_tokens": 1}
    with running_server("--log-format", "json", "--log-level", "debug") as server:
        assert post(server, body)[0] == 200
        post(server, json.dumps(body)[:60].encode())
    assert server.log and all(isinstance(json.loads(line), dict) for line in server.log)
    assert "secret-word" not in "".join(server.log)


def test_prompts_are_logged_on_request_in_one_line_each():
    with running_server("--log-prompts", "true") as server:
        post(server, {"messages": [{"role": "user", "content": "secret-word\n\x1b[31m"}], "max_tokens": 1})
    lines = [line for line in server.log if "secret-word" in line]
    assert len(lines) == 1 and "\\n\\u001b[31m" in lines[0]


def test_metrics_count_a_client_that_left(server):
    def left():
        with urllib.request.urlopen(server.url + "/metrics") as answer:
            text = answer.read().decode()
        return float(text.split("\naxle_chat_disconnected_total ")[1].split()[0])

    before = left()
    with start_stream(server) as stream:
        read_until(stream, TOKEN)
    server.wait_until(lambda: left() == before + 1, 10, "the count")


def test_the_probe_of_the_card_is_made_once_and_shown(tmp_path):
    environment = {"AXLE_LLM_PROBE": "auto", "AXLE_LLM_CACHE": str(tmp_path)}
    for how in ("probed in", "probed before"):
        with running_server(environment=environment) as server:
            model = server.health()["models"][0]
            assert model["probe"].startswith(how) and "exact: shared cells" in model["probe"]
    command = [binary(), "show", model["name"], "--models", models_folder(), "--llm-cache", str(tmp_path)]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "  probed      AX650N 6010b819428590c6" in shown and "exact: shared cells" in shown
