#!/usr/bin/env python3
"""Seconds per picture of the demo painter: axle on the software card beside the same graphs driven directly by ONNX Runtime and OpenVINO.

    ./dev bench pictures [--pictures 20] [--threads 2]

All with the same number of threads, taking turns, 4 steps from a prompt. axle is asked over HTTP and its time holds the PNG file too;
the others stop at the pixels. Run it on an idle machine.
"""

import argparse
import pathlib
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/clients"))
import openai  # noqa: E402
import openvino  # noqa: E402
from picture_reference import Painter  # noqa: E402
from server import DEMO_PICTURES, running_server  # noqa: E402


class OpenVinoPainter(Painter):
    """The same pipeline with the graphs compiled by OpenVINO."""

    def __init__(self, folder, threads):
        super().__init__(folder, threads)
        core = openvino.Core()
        core.set_property("CPU", {"INFERENCE_NUM_THREADS": threads})
        self.compiled = {name: core.compile_model(str(pathlib.Path(folder) / f"{name}.onnx"), "CPU") for name in self.graphs}

    def run(self, name, *inputs):
        return self.compiled[name](dict(enumerate(inputs)))[0]


def seconds(paint, pictures):
    times = []
    for seed in range(pictures):
        begin = time.monotonic()
        paint("red apple", seed)
        times.append(time.monotonic() - begin)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    folder = ROOT / "demo/painter"
    direct = {"ONNX Runtime": Painter(folder, arguments.threads), "OpenVINO": OpenVinoPainter(folder, arguments.threads)}
    environment = {"AXLE_SOFTCARD_THREADS": str(arguments.threads)}
    with running_server(load=(DEMO_PICTURES,), environment=environment) as server:
        client = openai.OpenAI(base_url=server.url + "/v1", api_key="none")

        def ask(prompt, seed):
            client.images.generate(prompt=prompt, extra_body={"seed": seed, "steps": 4})

        sides = {"axle": ask, **{name: painter.paint for name, painter in direct.items()}}
        for paint in sides.values():
            seconds(paint, 2)  # Warm.
        rounds = [{name: seconds(paint, arguments.pictures) for name, paint in sides.items()} for _ in range(arguments.rounds)]
        for name in sides:
            print(f"{name:13} {statistics.median(one[name] for one in rounds) * 1000:7.1f} ms per picture")
        begin = time.monotonic()
        client.images.generate(prompt="red apple", n=10, extra_body={"seed": 1, "steps": 4})
        print(f"axle, ten in one request: {(time.monotonic() - begin) * 100:.1f} ms per picture")


if __name__ == "__main__":
    main()
