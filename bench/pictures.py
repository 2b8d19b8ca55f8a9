#!/usr/bin/env python3
"""Pictures on the paced card: how busy a queue keeps the NPU, what chat beside it feels, and whether clients wait in order.

    bench/pictures.py [--pictures 12] [--axle build/release/bin/axle]

Makes packages of the shapes of SD 1.5 (512x512, 4 steps) and Qwen3-0.6B without weights and serves both on the software card
at the pace of an LLM-8850. The bound is that of the time model: the fixed times of the engines of a picture.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACED = 'toml:pace = "llm8850-pi5"\nskip_arithmetic = true'
# Times of SD 1.5's engines at 512x512 on an AX650N card, in ms (docs/softcard.md). The prompt is always the same, so that its
# encoding (9.8 ms) counts once.
UNET_MS, DECODER_MS = 434.0, 914.0
STEPS = 4


def call(url, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        return json.load(answer)


def paint(url, count=1, seed=1):
    """Paints through sd-server's jobs; seconds until all are done."""
    begin = time.monotonic()
    job = call(url, "/sdcpp/v1/img_gen", {"prompt": "a lighthouse", "seed": seed, "batch_count": count,
                                          "sample_params": {"sample_steps": STEPS}})
    while True:
        state = call(url, job["poll_url"])
        if state["status"] not in ("queued", "generating"):
            assert state["status"] == "completed", state["error"]
            return time.monotonic() - begin
        time.sleep(0.01)


def token_gaps(url, tokens, times):
    """Streams one answer; appends the time of each token to `times`."""
    body = {"model": "qwen3-0.6b-shape", "messages": [{"role": "user", "content": "go on"}], "stream": True, "max_tokens": tokens,
            "ignore_eos": True, "temperature": 0}
    request = urllib.request.Request(url + "/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        for line in answer:
            if line.startswith(b"data: {") and (b'"content"' in line or b'"reasoning_content"' in line):
                times.append(time.monotonic())


def rate(times):
    return (len(times) - 1) / (times[-1] - times[0])


@contextlib.contextmanager
def server(axle, models):
    command = [axle, "serve", "--models", models, "--port", "0", "--pictures-port", "0", "--library", "softcard"]
    state = {**os.environ, "AXLE_SOFTCARD": PACED, "AXLE_LLM_CACHE": os.path.join(models, "cache")}
    with tempfile.TemporaryDirectory() as folder:
        state["AXLE_SOFTCARD_STATE"] = os.path.join(folder, "card")
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=state)
        try:
            for line in process.stderr:
                if " error " in line:
                    print(line, end="", file=sys.stderr)
                found = re.search(r"is ready on (http://\S+)", line)
                if found:
                    threading.Thread(target=process.stderr.read, daemon=True).start()
                    yield found.group(1)
                    return
            sys.exit("the server did not start")
        finally:
            process.terminate()
            process.wait(30)


def measure_queue(url, pictures, bound_s):
    """Requests that all wait at once. The time from the first picture's end to the last one's is that of a queue in the middle of its
    work; the time from the first request to the last answer has the first picture's prompt and the last one's file in it as well."""
    paint(url)
    ends = []

    def client(seed):
        call(url, "/v1/images/generations", {"prompt": "a lighthouse", "seed": seed, "steps": STEPS})
        ends.append(time.monotonic())

    begin = time.monotonic()
    threads = [threading.Thread(target=client, args=(seed,)) for seed in range(pictures)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lost_ms = ((ends[-1] - ends[0]) / (pictures - 1) - bound_s) * 1000
    share, whole = bound_s / (bound_s + lost_ms / 1000), pictures * bound_s / (ends[-1] - begin)
    print(f"queue of {pictures}: {1000 / (bound_s * 1000 + lost_ms):.4f} pictures/s, bound {1 / bound_s:.4f}: the NPU is busy {share * 100:.2f} %"
          f" ({lost_ms:.1f} ms lost per picture); from the first request to the last answer {whole * 100:.2f} %")


def measure_chat(url, tokens, bound_s):
    alone, beside = [], []
    token_gaps(url, tokens, alone)
    painter = threading.Thread(target=paint, args=(url, 8))
    painter.start()
    time.sleep(1.0)
    begin = time.monotonic()
    token_gaps(url, tokens, beside)
    painter.join()
    gaps = [later - earlier for earlier, later in zip(beside, beside[1:])]
    print(f"chat alone {rate(alone):.1f} tok/s; beside a queue of pictures {rate(beside):.1f} tok/s ({rate(beside) / rate(alone):.2f}), first token"
          f" {beside[0] - begin:.2f} s, gaps: median {statistics.median(gaps) * 1000:.0f} ms, longest {max(gaps) * 1000:.0f} ms"
          f" (one U-Net run {UNET_MS:.0f} ms, one VAE run {DECODER_MS:.0f} ms)")


def measure_clients(url, clients, each):
    """Clients that each ask for several pictures, one after the other: when each had its last one."""
    ends = [[] for _ in range(clients)]

    def client(index):
        for n in range(each):
            ends[index].append(paint(url, seed=index * 100 + n))

    threads = [threading.Thread(target=client, args=(index,)) for index in range(clients)]
    for index, thread in enumerate(threads):
        thread.start()
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    print(f"{clients} clients, {each} pictures each, one at a time: seconds per picture "
          + "; ".join(" ".join(f"{seconds:.1f}" for seconds in list_) for list_ in ends))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--axle", default=str(ROOT / "build/release/bin/axle"))
    parser.add_argument("--pictures", type=int, default=12)
    parser.add_argument("--tokens", type=int, default=96)
    parser.add_argument("--queue-only", action="store_true", help="only how busy a queue keeps the NPU")
    arguments = parser.parse_args()
    bound_s = (STEPS * UNET_MS + DECODER_MS) / 1000
    with tempfile.TemporaryDirectory(prefix="axle_bench_") as models:
        for shape in ("sd15", "qwen3-0.6b"):
            subprocess.run([arguments.axle, "import", "--shape", shape, "--models", models], check=True, stderr=subprocess.DEVNULL)
        with server(arguments.axle, models) as url:
            measure_queue(url, arguments.pictures, bound_s)
            if arguments.queue_only:
                return
            measure_chat(url, arguments.tokens, bound_s)
            measure_clients(url, 4, 3)


if __name__ == "__main__":
    main()
