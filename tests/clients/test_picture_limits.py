"""What is too much for the interfaces of pictures is refused by each in its own words, and harms nobody."""

import base64
import json
import os
import re
import signal
import struct
import subprocess
import zlib

import pytest
from server import DEMO_PICTURES, binary, models_folder, running_server
from test_pictures import begin, call, wait_for

# Where bodies are posted, and where the error is said.
INTERFACES = {"/v1/images/generations": ("error", "message"), "/v1/images/edits": ("error", "message"),
              "/sdapi/v1/txt2img": ("detail",), "/sdapi/v1/img2img": ("detail",), "/sdapi/v1/png-info": ("detail",),
              "/generate": ("error",), "/sdcpp/v1/img_gen": ("error", "message")}


def said(answer, path):
    found = json.loads(answer)
    for key in INTERFACES[path]:
        found = found[key]
    return found


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, rows):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


BAD_PICTURES = {"a bomb": png(60000, 60000, b"\0" * 30_000_000), "too wide": png(2**31 - 1, 1, b""),
                "cut short": png(64, 64, b"\0" * 64 * 193)[:70], "no picture": b"\x89PNG\r\n\x1a\nnothing"}


def form(file):
    body = b"".join(b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % part
                    for part in ((b"prompt", b"", b"cat"), (b"image", b'; filename="a.png"', file)))
    return body + b"--b--\r\n", "multipart/form-data; boundary=b"


def peak_kib(server):
    with open(f"/proc/{server.process.pid}/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1))


@pytest.fixture(scope="module")
def narrow():
    """Its card stands still for some seconds from the first picture on; it has room for 204 of them."""
    profile = 'toml:[[fault]]\ncall = "EngineExecute"\naction = "sleep"\nseconds = 8\n'
    with running_server("--queue-running", "4", "--queue-waiting", "200", load=(DEMO_PICTURES,),
                        environment={"AXLE_SOFTCARD": profile}) as server:
        yield server


def test_a_queue_of_two_hundred_pictures_is_full_and_empties_at_once(narrow):
    waiting = [begin(narrow, prompt="sun", batch_count=16) for _ in range(12)]
    assert call(narrow, "/sdcpp/v1/img_gen", {"prompt": "moon", "batch_count": 16})[0] == 429  # There is room for a part of it.
    waiting.append(begin(narrow, prompt="sun", batch_count=12))
    for path in ("/v1/images/generations", "/sdapi/v1/txt2img", "/generate", "/sdcpp/v1/img_gen"):
        status, headers, answer = call(narrow, path, {"prompt": "moon"})
        assert status == 429 and "queue is full" in said(answer, path), (path, answer)
        assert 1 <= int(headers["Retry-After"]) <= 600
    jobs = narrow.health()["jobs"]
    assert jobs["running"] + jobs["queued"] == 204
    for job in waiting:
        assert call(narrow, job + "/cancel", {})[0] == 200
    assert json.loads(call(narrow, "/sdapi/v1/txt2img", {"prompt": "moon"})[2])["images"]
    jobs = narrow.health()["jobs"]
    assert jobs["running"] + jobs["queued"] == 0


@pytest.mark.parametrize("path", INTERFACES)
def test_a_body_of_a_hundred_megabytes_is_refused(path, pictures, tmp_path):
    big = tmp_path / "big.json"
    with open(big, "wb") as file:
        file.truncate(100_000_000)
    before = peak_kib(pictures)
    for expects in ("Expect: 100-continue", "Expect:"):  # Asks first, or sends at once.
        answer = subprocess.run(["curl", "-s", "-w", "\n%{http_code}", "-H", expects, "-H", "Content-Type: application/json",
                                 "--data-binary", f"@{big}", pictures.url + path], capture_output=True, timeout=60)
        body, _, status = answer.stdout.rpartition(b"\n")
        assert status == b"413" and "67108864" in said(body, path), answer
    assert peak_kib(pictures) < before + 50_000


@pytest.mark.parametrize("kind", BAD_PICTURES)
def test_broken_pictures_and_bombs_are_refused(kind, pictures):
    file = BAD_PICTURES[kind]
    text = base64.b64encode(file).decode()
    before = peak_kib(pictures)
    body, content_type = form(file)
    for path, wanted, sent in (("/sdapi/v1/img2img", 500, {"init_images": [text]}),  # As A1111 answers.
                               ("/sdapi/v1/img2img", 500, {"init_images": ["data:image/png;base64," + text]}),
                               ("/generate", 400, {"mode": "img2img", "init_image": text}),
                               ("/sdcpp/v1/img_gen", 400, {"init_image": text})):
        status, _, answer = call(pictures, path, {"prompt": "cat", **sent})
        assert status == wanted and said(answer, path), (path, status, answer)
    answer = subprocess.run(["curl", "-s", "-w", "\n%{http_code}", "-H", "Content-Type: " + content_type, "--data-binary", "@-",
                             pictures.url + "/v1/images/edits"], input=body, capture_output=True, timeout=60).stdout
    assert answer.endswith(b"\n400") and said(answer.rpartition(b"\n")[0], "/v1/images/edits"), answer
    assert peak_kib(pictures) < before + 50_000
    assert wait_for(pictures, begin(pictures, prompt="sun"), "completed")


def test_a_log_that_nobody_reads_any_more_does_not_end_the_server():
    process = subprocess.Popen([binary(), "serve", "--port", "0", "--models", models_folder(), "--load", DEMO_PICTURES],
                               stderr=subprocess.PIPE, text=True)
    try:
        url = next(filter(None, (re.search(r"is ready on (http://\S+)", line) for line in process.stderr))).group(1)
        process.stderr.close()
        server = type("Served", (), {"url": url})
        card = json.loads(call(server, "/health")[2])["card"]["pid"]
        os.kill(card, signal.SIGKILL)  # The log tells of it.
        assert json.loads(call(server, "/sdapi/v1/txt2img", {"prompt": "moon"})[2])["images"]
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(30)
