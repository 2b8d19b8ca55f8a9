"""Pictures through the real program and the demo model: what happens when things go wrong in the middle."""

import base64
import io
import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request

import pytest
from PIL import Image
from server import DEMO_PICTURES, DEMO_TEXTS, running_server

MANY = {"prompt": "red apple", "seed": 5, "batch_count": 12}


def call(server, path, body=None, headers=None):
    """(status, headers, bytes) of a GET, or of a POST of JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data, {"Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def begin(server, **fields):
    status, _, body = call(server, "/sdcpp/v1/img_gen", fields)
    assert status == 202, body
    return "/sdcpp/v1/jobs/" + json.loads(body)["id"]


def state(server, job):
    return json.loads(call(server, job)[2])


def wait_for(server, job, *wanted):
    server.wait_until(lambda: state(server, job)["status"] in wanted, 60, f"{job} being {wanted}")
    return state(server, job)


def files(ended):
    return [base64.b64decode(image["b64_json"]) for image in ended["result"]["images"]]


def pixels(file):
    return Image.open(io.BytesIO(file)).tobytes()


@pytest.fixture(scope="module")
def undisturbed(pictures):
    return [pixels(file) for file in files(wait_for(pictures, begin(pictures, **MANY), "completed"))]


def test_a_card_process_that_dies_in_the_middle_costs_no_picture(undisturbed):
    with running_server(load=(DEMO_PICTURES,)) as server:
        job = begin(server, **MANY)
        for _ in range(2):
            wait_for(server, job, "generating", "completed")
            server.wait_until(lambda: server.card_pid() != 0, what="a card process")
            os.kill(server.card_pid(), signal.SIGKILL)
            time.sleep(0.3)
        assert [pixels(file) for file in files(wait_for(server, job, "completed", "failed"))] == undisturbed
        assert server.health()["card"]["restarts"] >= 1


def test_a_cancelled_job_leaves_the_card_to_others(pictures):
    job = begin(pictures, prompt="sun", batch_count=16)
    wait_for(pictures, job, "generating")
    assert call(pictures, job + "/cancel", {})[0] == 200
    wait_for(pictures, begin(pictures, prompt="moon"), "completed")
    assert state(pictures, job)["status"] == "cancelled"


def test_a_newer_request_takes_the_place_of_an_older_one(pictures):
    older = begin(pictures, prompt="sun", batch_count=16, replace_key="kiosk")
    newer = begin(pictures, prompt="moon", replace_key="kiosk")
    assert wait_for(pictures, newer, "completed")["result"]["images"]
    assert "newer request" in state(pictures, older)["error"]["message"]


def test_a_client_that_leaves_ends_its_pictures(pictures):
    before = json.loads(call(pictures, "/health")[2])["jobs"]["cancelled"]
    request = urllib.request.Request(
        pictures.url + "/v1/images/generations", json.dumps({"prompt": "sun", "n": 10, "stream": True, "partial_images": 1}).encode(),
        {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.readline().startswith(b"event: image_generation")
    pictures.wait_until(lambda: json.loads(call(pictures, "/health")[2])["jobs"]["cancelled"] > before, 20, "the end of the jobs")
    pictures.wait_until(lambda: json.loads(call(pictures, "/health")[2])["jobs"]["running"] == 0, 20, "a free card")


def test_text_goes_on_while_pictures_are_painted(pictures, client):
    waiting = [begin(pictures, prompt="house", batch_count=16) for _ in range(6)]
    body = {"model": DEMO_TEXTS, "messages": [{"role": "user", "content": "Count to ten."}], "max_tokens": 12, "temperature": 0}
    status, _, answer = call(pictures, "/v1/chat/completions", body)
    assert status == 200
    assert state(pictures, waiting[-1])["status"] == "queued"  # The text did not wait for all of them.
    for job in waiting:
        call(pictures, job + "/cancel", {})
    alone = client.chat.completions.create(**body)
    assert json.loads(answer)["choices"][0]["message"]["content"] == alone.choices[0].message.content


def test_screens_get_the_newest_picture_as_soon_as_it_is_there(pictures):
    wait_for(pictures, begin(pictures, prompt="sun"), "completed")
    status, headers, file = call(pictures, "/latest.png")
    assert status == 200 and Image.open(io.BytesIO(file)).size == (128, 128)
    newer = []
    waiting = threading.Thread(target=lambda: newer.append(call(pictures, "/latest.jpg?wait=60&width=64&height=32", None,
                                                                {"If-None-Match": headers["ETag"]})))
    waiting.start()
    begin(pictures, prompt="moon")
    waiting.join(60)
    assert newer[0][0] == 200 and Image.open(io.BytesIO(newer[0][2])).size == (64, 32)
    assert len(call(pictures, "/latest.rgb565?width=240&height=240")[2]) == 115200


def test_a_film_shows_what_is_painted(pictures):
    with urllib.request.urlopen(pictures.url + "/latest.mjpeg", timeout=60) as film:
        begin(pictures, prompt="star")
        frames = 0
        while frames < 4:
            line = film.readline()
            if line.lower().startswith(b"content-length:"):
                size = int(line.split(b":")[1])
                film.readline()
                Image.open(io.BytesIO(film.read(size))).verify()
                frames += 1


def test_nonsense_is_refused_and_harms_nobody(pictures):
    broken = base64.b64encode(b"\x89PNG\r\n\x1a\nnothing").decode()
    for path, body, wanted in (("/sdcpp/v1/img_gen", {"prompt": 5}, 400),
                               ("/sdcpp/v1/img_gen", {"prompt": "x", "init_image": broken}, 400),
                               ("/sdcpp/v1/img_gen", {"prompt": "x", "init_image": "http://127.0.0.1/x.png"}, 400),
                               ("/generate", {"mode": "img2img", "prompt": "x", "init_image": "?"}, 400),
                               ("/v1/images/generations", {"prompt": "x", "model": "dall-e-3"}, 404),
                               ("/v1/images/generations", {"prompt": "x", "n": 11}, 400)):
        status, _, answer = call(pictures, path, body)
        assert status == wanted and b"error" in answer, (path, body, answer)
    assert wait_for(pictures, begin(pictures, prompt="sun"), "completed")
