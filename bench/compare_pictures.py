#!/usr/bin/env python3
"""Seconds per picture: axle on the software card beside the same graphs driven directly by ONNX Runtime and OpenVINO, in 32 and in 16 bits.

    ./dev bench pictures [--pictures 10] [--threads 2] [--warm 1] [--rounds 3] [--package FOLDER]

`FOLDER` is an imported picture package; without it the demo painter. All sides have the same number of threads and take turns, 4
steps from a prompt; each is alone in memory while it paints, because a model of true size would not fit four times. axle is asked over
HTTP and its time holds the PNG file too; the others stop at the pixels. Run it on an idle machine.
"""

import argparse
import contextlib
import pathlib
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/clients"))
import openai  # noqa: E402
import openvino  # noqa: E402
from picture_reference import Painter  # noqa: E402
from server import DEMO_PICTURES, models_folder, running_server  # noqa: E402

CARD_MEMORY_MIB = 15360  # Enough for SD 1.5 in 32 bits.


class OpenVinoPainter(Painter):
    """The same pipeline with the graphs compiled by OpenVINO."""

    def __init__(self, folder, threads, precision):
        self.options = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision}
        super().__init__(folder, threads)

    def load(self, file, threads):
        return openvino.Core().compile_model(str(file), "CPU", self.options)

    def input_shapes(self, name):
        return [tuple(given.shape) for given in self.graphs[name].inputs]

    def run(self, name, *inputs):
        return self.graphs[name](dict(enumerate(inputs)))[0]


@contextlib.contextmanager
def axle(package, threads, precision):
    """A function that asks a server of its own."""
    profile = f'toml:graph_precision = "{precision}"\n[[card]]\nmemory_mib = {CARD_MEMORY_MIB}'
    environment = {"AXLE_SOFTCARD_THREADS": str(threads), "AXLE_SOFTCARD": profile}
    flags = ("--models", str(package.parent), "--load", package.name, "--library", "softcard")
    with running_server(*flags, environment=environment) as server:
        client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0, timeout=1800)
        yield lambda prompt, seed: client.images.generate(prompt=prompt, extra_body={"seed": seed, "steps": 4})


@contextlib.contextmanager
def direct(painter, *arguments):
    yield painter(*arguments).paint


def as_graphs(package, folder):
    """The package under the names of ONNX files."""
    for file in package.iterdir():
        (folder / file.name.replace(".axmodel", ".onnx")).symlink_to(file)
    return folder


def seconds(paint, pictures, warm):
    for seed in range(warm):
        paint("red apple", 1000 + seed)
    times = []
    for seed in range(pictures):
        begin = time.monotonic()
        paint("red apple", seed)
        times.append(time.monotonic() - begin)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=10)
    parser.add_argument("--warm", type=int, default=1, help="pictures before those that count")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--package", type=pathlib.Path, default=pathlib.Path(models_folder()) / DEMO_PICTURES)
    arguments = parser.parse_args()
    package, threads = arguments.package.resolve(), arguments.threads
    times = {}
    with tempfile.TemporaryDirectory() as scratch:
        graphs = as_graphs(package, pathlib.Path(scratch))
        sides = {
            "axle, 32 bits": lambda: axle(package, threads, "f32"),
            "ONNX Runtime, 32 bits": lambda: direct(Painter, graphs, threads),
            "OpenVINO, 32 bits": lambda: direct(OpenVinoPainter, graphs, threads, "f32"),
            "axle, 16 bits": lambda: axle(package, threads, "bf16"),
            "OpenVINO, 16 bits": lambda: direct(OpenVinoPainter, graphs, threads, "bf16"),
        }
        for _ in range(arguments.rounds):
            for name, side in sides.items():
                with side() as paint:
                    times.setdefault(name, []).append(seconds(paint, arguments.pictures, arguments.warm))
                print(f"{name}: {times[name][-1] * 1000:.1f} ms", file=sys.stderr, flush=True)
    for name, rounds in times.items():
        print(f"{name:22} {statistics.median(rounds) * 1000:9.1f} ms per picture")


if __name__ == "__main__":
    main()
