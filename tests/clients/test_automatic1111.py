"""Clients of Automatic1111, unmodified, against a real server; and the requests that kiosks send, as they send them."""

import base64
import io
import json
import re
import urllib.error
import urllib.request

import pytest
import sd_parsers
import webuiapi
from PIL import Image
from server import DEMO_PICTURES, running_server


@pytest.fixture(scope="module")
def api(pictures):
    return webuiapi.WebUIApi(baseurl=pictures.url + "/sdapi/v1", sampler="LCM", steps=4)


def post(server, path, body, headers=None):
    """(status, body as JSON, headers) of a POST."""
    request = urllib.request.Request(server.url + path, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def decoded(text):
    return Image.open(io.BytesIO(base64.b64decode(text)))


def test_webuiapi_paints(api):
    result = api.txt2img(prompt="red apple", seed=42, width=512, height=512, batch_size=2)
    assert [image.size for image in result.images] == [(128, 128)] * 2
    assert result.info["all_seeds"] == [42, 43] and result.info["steps"] == 4
    again = api.txt2img(prompt="red apple", seed=43)
    assert again.image.tobytes() == result.images[1].tobytes()


def test_webuiapi_paints_over_a_picture_and_a_part_of_it(api):
    start = api.txt2img(prompt="red apple", seed=1).image
    for strength in (0.25, 0.5, 0.75, 1.0):
        assert api.img2img(images=[start], prompt="green apple", seed=1, denoising_strength=strength).image.size == (128, 128)
    mask = Image.new("L", (128, 128), 0)
    mask.paste(255, (64, 0, 128, 128))
    part = api.img2img(images=[start], mask_image=mask, mask_blur=0, prompt="green apple", seed=1, denoising_strength=1.0).image.convert("RGB")
    left = (0, 0, 64, 128)
    assert part.crop(left).tobytes() == start.convert("RGB").crop(left).tobytes()
    assert part.tobytes() != start.convert("RGB").tobytes()


def test_webuiapi_finds_what_it_asks_a_server_for(api):
    assert [re.sub(r" \[[0-9a-f]{10}\]$", "", title) for title in api.util_get_model_names()] == [DEMO_PICTURES]
    assert "LCM" in [sampler["name"] for sampler in api.get_samplers()]
    assert api.get_options()["sd_model_checkpoint"].startswith(DEMO_PICTURES)
    api.util_set_model(DEMO_PICTURES)
    api.set_options(api.get_options())  # Open WebUI sends all of them back.
    assert api.get_progress()["state"]["job_count"] == 0
    assert api.interrupt() is not None
    for listed in (api.get_schedulers, api.get_upscalers, api.get_loras, api.get_sd_vae, api.get_embeddings, api.get_memory, api.get_cmd_flags):
        assert listed() is not None


def test_webuiapi_reads_what_a_picture_was_made_of(api):
    image = api.txt2img(prompt="red apple, on a table", negative_prompt="worm", cfg_scale=1.5, seed=42).image
    info = api.png_info(image).info
    assert "Seed: 42" in info
    assert f"Model hash: {api.get_sd_models()[0]['hash']}, Model: {DEMO_PICTURES}" in info


@pytest.mark.parametrize("form", ["png", "jpg", "webp"])
def test_other_programs_read_what_a_picture_was_made_of(api, form):
    body = {"prompt": "red apple, on a table", "negative_prompt": "worm", "cfg_scale": 1.5, "seed": 42,
            "override_settings": {"samples_format": form}}
    request = urllib.request.Request(api.baseurl + "/txt2img", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        file = io.BytesIO(base64.b64decode(json.load(answer)["images"][0]))
    found = sd_parsers.ParserManager().parse(file)
    assert "red apple, on a table" in found.full_prompt
    sampler = found.samplers[0]
    assert sampler.name == "LCM" and sampler.parameters["seed"] in (42, "42") and sampler.parameters["steps"] in (4, "4")
    assert "worm" in found.full_negative_prompt


def test_the_kiosk_with_knobs(pictures):
    """HTTP 200 whatever it asks for; reads base64."""
    body = {"prompt": "cat", "negative_prompt": "blurry", "seed": -1, "steps": 7, "width": 512, "height": 512, "cfg_scale": 1.5,
            "sampler_name": "DPM++ 2M Karras", "denoising_strength": 0.5, "n_iter": 1, "batch_size": 1, "mode": "txt2img"}
    status, answer, _ = post(pictures, "/generate", body)
    first = json.loads(answer)
    assert status == 200 and first["status"] == "ok" and first["seed"] >= 0 and decoded(first["base64"]).size == (128, 128)
    body |= {"mode": "img2img", "init_image": first["base64"], "init_images": [first["base64"]]}
    status, answer, _ = post(pictures, "/generate", body)
    assert status == 200 and json.loads(answer)["total_time_ms"] > 0


def test_the_kiosk_with_a_touch_screen():
    with running_server("--api-key", "user:secret", load=(DEMO_PICTURES,)) as server:
        body = {"prompt": "cat", "steps": 5, "cfg_scale": 2, "sampler_name": "Euler a", "width": 512, "height": 512, "seed": 888,
                "restore_faces": False, "tiling": False, "do_not_save_samples": True, "do_not_save_grid": True}
        status, _, headers = post(server, "/sdapi/v1/txt2img", body)
        assert status == 401 and headers["WWW-Authenticate"].startswith("Basic")
        basic = {"Authorization": "Basic " + base64.b64encode(b"user:secret").decode()}
        status, answer, _ = post(server, "/sdapi/v1/txt2img", body, basic)
        assert status == 200 and json.loads(json.loads(answer)["info"])["seed"] == 888


def test_the_proxy_and_the_microcontroller(pictures):
    body = {"prompt": "cat", "steps": 5, "cfg_scale": 1.5, "sampler_name": "DPM++ 2M", "width": 512, "height": 512}
    status, answer, _ = post(pictures, "/sdapi/v1/txt2img", body, {"X-API-Key": "any"})
    assert status == 200 and decoded(json.loads(answer)["images"][0]).format == "PNG"
    status, answer, headers = post(pictures, "/sdapi/v1/txt2img", body, {"Accept": "application/octet-stream"})
    assert status == 200 and len(answer) == 115200
    assert (headers["X-Image-Width"], headers["X-Image-Height"]) == ("240", "240")
