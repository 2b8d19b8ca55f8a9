"""The whole pipeline through the real program equals NumPy and ONNX Runtime on the same graphs, but for rounding."""

import base64
import io
import json
import urllib.request

import numpy as np
import pytest
from picture_reference import Painter
from PIL import Image
from server import ROOT

# Sums in another order may round a byte to its neighbour.
LARGEST_DIFFERENCE = 2
SHARE_OF_BYTES = 0.01


@pytest.fixture(scope="module")
def painter():
    return Painter(ROOT / "demo/painter")


def painted(server, **fields):
    request = urllib.request.Request(server.url + "/sdapi/v1/" + ("img2img" if "init_images" in fields else "txt2img"),
                                     json.dumps(fields).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return np.array(Image.open(io.BytesIO(base64.b64decode(json.load(answer)["images"][0]))).convert("RGB"))


def compare(ours, theirs):
    difference = np.abs(ours.astype(int) - theirs)
    print(f"largest {difference.max()}, {(difference > 0).mean():.4%} of the bytes")
    assert difference.max() <= LARGEST_DIFFERENCE and (difference > 0).mean() <= SHARE_OF_BYTES


@pytest.mark.parametrize("steps", [1, 2, 4])
@pytest.mark.parametrize("prompt,seed", [("red apple", 42), ("smiling cat", 4294967295)])
def test_pictures_from_noise(pictures, painter, prompt, seed, steps):
    compare(painted(pictures, prompt=prompt, seed=seed, steps=steps), painter.paint(prompt, seed, steps))


@pytest.mark.parametrize("strength", [0.25, 0.5, 0.75, 1.0])
def test_pictures_from_pictures(pictures, painter, strength):
    start = painter.paint("red apple", 42)
    file = io.BytesIO()
    Image.fromarray(start).save(file, "PNG")
    ours = painted(pictures, prompt="smiling cat", seed=7, steps=4, denoising_strength=strength,
                   init_images=[base64.b64encode(file.getvalue()).decode()])
    compare(ours, painter.paint("smiling cat", 7, 4, start, strength))
