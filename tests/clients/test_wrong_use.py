"""Wrong input on the command line: the message says what was wanted, what was found and what to do."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import urllib.request

import pytest
from server import DEMO_TEXTS, ROOT, binary, models_folder, running_server

DEMO_GGUF = os.environ.get("AXLE_DEMO_GGUF", str(ROOT / ".cache/deps/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"))


def axle(*arguments, code, environment=None):
    """What it says on standard error; it must end with `code`."""
    result = subprocess.run(
        [binary(), *map(str, arguments)], capture_output=True, text=True, timeout=60,
        env=dict(os.environ, **(environment or {})))
    assert result.returncode == code, result.stdout + result.stderr
    return result.stderr


def test_unknown_commands_and_flags_say_what_there_is():
    text = axle("fly", code=2)
    assert '"fly"' in text and "serve, chat" in text
    assert "a command is missing" in axle(code=2)
    text = axle("serve", "--bogus", code=2)
    assert "--bogus" in text and "axle serve --help" in text


def test_bad_settings_name_their_place(tmp_path):
    config = tmp_path / "axle.toml"
    config.write_text("[server]\nport = 1\nprot = 2\n")
    assert f"{config}:3: server.prot" in axle("ls", "--config", config, code=2)
    config.write_bytes(b"\xff\x00")
    assert f"{config}:1:" in axle("ls", "--config", config, code=2)
    assert "is not a regular file" in axle("ls", "--config", tmp_path, code=2)
    assert "AXLE_LOG_LEVEL" in axle("ls", code=2, environment={"AXLE_LOG_LEVEL": "loud"})
    text = axle("serve", "--models", models_folder(), "--axcl-config", "/nowhere.json", code=3)
    assert "card.axcl_config is /nowhere.json" in text


@pytest.mark.parametrize("size, reason", [(0, "ends in the header"), (1000000, "are left"), (50000000, "cut short")])
def test_a_cut_gguf_is_refused_and_nothing_is_left(tmp_path, size, reason):
    file = tmp_path / "cut.gguf"
    with open(DEMO_GGUF, "rb") as whole:
        file.write_bytes(whole.read(size))
    text = axle("import", file, "--models", tmp_path / "a/b", code=5)
    assert reason in text and "fetch the file again" in text
    assert not (tmp_path / "a").exists()


def test_a_killed_import_is_invisible_and_its_rest_is_cleared(tmp_path):
    command = [binary(), "import", DEMO_GGUF, "--name", "m", "--models", str(tmp_path)]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(tmp_path.glob(".m.importing/*")):
        assert first.poll() is None
        time.sleep(0.01)
    second = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert second.returncode == 7 and "another process is importing" in second.stderr
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert "no models" in subprocess.run(
        [binary(), "ls", "--models", str(tmp_path)], capture_output=True, text=True, timeout=60).stdout
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["m"]


def test_a_damaged_package_is_refused_with_what_to_do(tmp_path):
    package = tmp_path / "m"
    shutil.copytree(pathlib.Path(models_folder(), DEMO_TEXTS), package)
    layer = next(package.glob("*_l7_*"))
    with open(layer, "r+b") as file:
        file.truncate(1000)
    for command in (["show", "m"], ["serve", "--load", "m"]):
        text = axle(*command, "--models", tmp_path, code=5)
        assert layer.name in text and "1000 bytes" in text and "import or copy the model again" in text
    layer.unlink()
    assert "1 of 30 layer files are missing" in axle("show", "m", "--models", tmp_path, code=3)
    assert "none of the 1 model(s)" in axle("serve", "--models", tmp_path, code=5)


def test_show_says_what_serve_would_say(tmp_path):
    package = tmp_path / "m"
    shutil.copytree(pathlib.Path(models_folder(), DEMO_TEXTS).resolve(), package, copy_function=os.symlink)
    (package / "config.json").unlink()  # As in the vendor's older packages: the file names say enough.
    axle("show", "m", "--models", tmp_path, code=0)
    for name, reason in (("tokenizer.json", "tokenizer.json"), ("tokenizer_config.json", "no chat template")):
        (package / name).unlink()
        (package / name).write_text("{}")
        for command in (["show", "m"], ["serve", "--load", "m"]):
            result = subprocess.run([binary(), *command, "--models", str(tmp_path)],
                                    capture_output=True, text=True, timeout=60)
            assert result.returncode != 0 and reason in result.stderr, result.stderr


def test_doctor_says_what_is_wrong_with_a_library():
    for library, reason in (("/bin/ls", "cannot be loaded"), ("/nowhere.so", "no AXCL library at")):
        result = subprocess.run(
            [binary(), "doctor", "--library", library], capture_output=True, text=True, timeout=60)
        assert result.returncode == 7
        assert reason in result.stdout and "set card.library" in result.stdout
    result = subprocess.run(
        [binary(), "doctor"], capture_output=True, text=True, timeout=60,
        env=dict(os.environ, AXLE_SOFTCARD="/nowhere.toml", AXLE_LIBRARY="softcard"))
    assert result.returncode == 7 and "correct AXLE_SOFTCARD" in result.stdout


def test_bench_refuses_what_cannot_be_measured():
    assert "--prompt-tokens" in axle("bench", "--prompt-tokens", "-5", code=2)
    assert 'no scenario "speed"; there are all, lengths' in axle("bench", "speed", code=2)
    assert "--rate has no effect on decode; it goes with arrivals" in axle("bench", "decode", "--rate", "2", code=2)


def test_clients_without_a_server_say_how_to_start_one():
    for command in ("chat", "bench"):
        text = axle(command, "--url", "http://127.0.0.1:1", code=7)
        assert "no server at http://127.0.0.1:1 (start one with: axle serve)" in text


def test_a_shape_is_made_shown_and_refused_where_arithmetic_is_done(tmp_path):
    for arguments in (["import"], ["import", "model.gguf", "--shape", "qwen3-4b"], ["import", "--shape", "qwen3-8b"]):
        axle(*arguments, "--models", tmp_path, code=2)
    text = axle("import", "--shape", "qwen3-0.6b", "--weights", "q4_0", "--models", tmp_path, code=2)
    assert "--weights q4_0 goes with a GGUF file" in text and not list(tmp_path.iterdir())
    axle("import", "--shape", "qwen3-0.6b", "--name", "hollow", "--cells", 1023, "--models", tmp_path, code=0)
    shown = subprocess.run([binary(), "show", "hollow", "--models", tmp_path], capture_output=True, text=True, timeout=60)
    assert "no weights" in shown.stdout and "context     1023 tokens" in shown.stdout
    flags = ("--models", str(tmp_path))
    with running_server(*flags, ready=False) as server:
        server.wait_until(lambda: any("model hollow was not loaded" in line for line in server.log), what="the refusal")
        line = next(line for line in server.log if "model hollow was not loaded" in line)
        assert "no weights" in line and "skip_arithmetic = true" in line
    with running_server(*flags, environment={"AXLE_SOFTCARD": "toml:skip_arithmetic = true"}) as server:
        body = {"model": "hollow", "max_tokens": 5, "ignore_eos": True, "temperature": 0,
                "messages": [{"role": "user", "content": "Hello"}]}
        request = urllib.request.Request(
            server.url + "/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert json.load(answer)["usage"]["completion_tokens"] == 5
