"""What must not reach a client: a card process that dies, wrong input, a port in use."""

import concurrent.futures
import os
import signal
import socket
import subprocess
import time

import openai
from server import DEMO_TEXTS, binary, models_folder, running_server


def story(client, model, index, on_chunk=None):
    text = ""
    messages = [{"role": "user", "content": f"Tell a story about animal number {index}."}]
    stream = client.chat.completions.create(
        model=model, messages=messages, stream=True, temperature=0.9, seed=index, max_tokens=64)
    for chunk in stream:
        text += chunk.choices[0].delta.content or ""
        if on_chunk:
            on_chunk(text)
    return text


def test_killing_the_card_process_during_ten_streams_changes_no_text(server, client, model):
    undisturbed = [story(client, model, i) for i in range(10)]
    restarts = server.health()["card"]["restarts"]
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        running = [pool.submit(story, client, model, i) for i in range(10)]
        for _ in range(2):
            time.sleep(1.0)
            os.kill(server.card_pid(), signal.SIGKILL)
            server.wait_until(lambda: server.health()["status"] == "ok", 30, "the recovery")
        assert [answer.result() for answer in running] == undisturbed
    assert server.health()["card"]["restarts"] > restarts


def test_health_tells_which_card_serves(server):
    health = server.health()
    assert health["status"] == "ok"
    assert health["card"]["kind"] == "software card"
    assert server.get("/ready")[0] == 200
    assert server.get("/live")[0] == 200


def test_port_in_use_is_said_with_what_to_do():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = subprocess.run(
            [binary(), "serve", "--models", models_folder(), "--load", DEMO_TEXTS, "--port", str(port)],
            capture_output=True, text=True, timeout=60)
    assert result.returncode == 7
    assert str(port) in result.stderr


def test_wrong_use_is_said_and_exits_with_two():
    for arguments in (["serve", "--port", "many"], ["fly"], ["import"], ["serve", "--config", "/nowhere.toml"]):
        result = subprocess.run([binary(), *arguments], capture_output=True, text=True, timeout=60)
        assert result.returncode in (2, 3), arguments
        assert result.stderr or result.stdout


def test_folder_without_models_says_how_to_make_one(tmp_path):
    result = subprocess.run(
        [binary(), "serve", "--models", str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert result.returncode == 3
    assert "axle import" in result.stderr


def test_api_key_is_wanted_where_one_is_set(model):
    with running_server("--api-key", "secret") as server:
        good = openai.OpenAI(base_url=server.url + "/v1", api_key="secret", max_retries=0)
        assert good.models.list().data[0].id == model
        bad = openai.OpenAI(base_url=server.url + "/v1", api_key="wrong", max_retries=0)
        try:
            bad.models.list()
            raise AssertionError("a wrong key was accepted")
        except openai.AuthenticationError as error:
            assert error.code == "invalid_api_key"
