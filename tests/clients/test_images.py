"""The openai packages for Python and Node, unmodified, on pictures."""

import base64
import io
import os
import pathlib
import subprocess

import openai
import pytest
from PIL import Image
from server import DEMO_PICTURES, DEMO_TEXTS


@pytest.fixture(scope="module")
def images(pictures):
    return openai.OpenAI(base_url=pictures.url + "/v1", api_key="none", max_retries=0).images


def picture(entry):
    return Image.open(io.BytesIO(base64.b64decode(entry.b64_json)))


def file_of(image, name="start.png"):
    file = io.BytesIO()
    image.save(file, "PNG")
    file.seek(0)
    return name, file, "image/png"


def test_pictures_are_painted(images):
    answer = images.generate(model=DEMO_PICTURES, prompt="red apple", n=2, size="128x128", response_format="b64_json", extra_body={"seed": 5})
    assert [picture(entry).size for entry in answer.data] == [(128, 128)] * 2
    assert [entry.seed for entry in answer.data] == [5, 6]
    again = images.generate(prompt="red apple", extra_body={"seed": 6})
    assert picture(again.data[0]).tobytes() == picture(answer.data[1]).tobytes()


def test_other_files_and_addresses_are_given_where_they_are_asked_for(images, pictures):
    webp = images.generate(prompt="sun", output_format="webp", extra_body={"output_compression": 50}).data[0]
    assert picture(webp).format == "WEBP"
    url = images.generate(prompt="sun", response_format="url").data[0].url
    answer = subprocess.run(["curl", "-sf", url], capture_output=True, timeout=30, check=True).stdout
    assert Image.open(io.BytesIO(answer)).size == (128, 128)


def test_a_stream_shows_how_a_picture_comes_to_be(images):
    events = list(images.generate(prompt="house", stream=True, partial_images=3, extra_body={"seed": 5}))
    assert [event.type for event in events] == ["image_generation.partial_image"] * 3 + ["image_generation.completed"]
    assert [event.partial_image_index for event in events[:3]] == [0, 1, 2]
    whole = images.generate(prompt="house", extra_body={"seed": 5})
    assert picture(events[-1]).tobytes() == picture(whole.data[0]).tobytes()


def test_pictures_are_painted_over(images):
    start = picture(images.generate(prompt="red apple", extra_body={"seed": 1}).data[0])
    edited = images.edit(image=file_of(start), prompt="green apple", extra_body={"seed": 1, "strength": 0.5})
    assert picture(edited.data[0]).size == (128, 128)
    mask = Image.new("RGBA", (128, 128), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (64, 0, 128, 128))  # What is clear is painted anew.
    part = picture(images.edit(image=file_of(start), mask=file_of(mask, "mask.png"), prompt="green apple", extra_body={"seed": 1}).data[0])
    left = (0, 0, 64, 128)
    assert part.convert("RGB").crop(left).tobytes() == start.convert("RGB").crop(left).tobytes()
    assert part.tobytes() != start.tobytes()
    assert picture(images.create_variation(image=file_of(start)).data[0]).size == (128, 128)


def test_what_cannot_be_done_is_said(images):
    for wanted, fields in ((openai.BadRequestError, {"size": "512x512"}), (openai.BadRequestError, {"n": 11}),
                           (openai.NotFoundError, {"model": "dall-e-3"}), (openai.BadRequestError, {"quality": "best"})):
        with pytest.raises(wanted) as refused:
            images.generate(prompt="sun", **fields)
        assert refused.value.param == next(iter(fields))


def test_the_list_of_models_tells_what_each_is_for(pictures):
    listed = {model.id: model for model in openai.OpenAI(base_url=pictures.url + "/v1", api_key="none").models.list()}
    assert listed[DEMO_TEXTS].kind == "chat" and listed[DEMO_PICTURES].kind == "picture"
    assert listed[DEMO_PICTURES].sizes == ["128x128"] and listed[DEMO_PICTURES].steps == [1, 2, 4]


def test_openai_for_node(pictures):
    folder = pathlib.Path(__file__).parent / "node"
    result = subprocess.run(["node", "--test", "images.test.js"], cwd=folder, env=dict(os.environ, AXLE_URL=pictures.url),
                            capture_output=True, text=True, timeout=180)
    assert result.returncode == 0, result.stdout + result.stderr
