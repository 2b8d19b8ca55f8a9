#!/usr/bin/env python3
"""axle on the software card beside llama-server: the same GGUF, the same number of threads, one run, taking turns.

    ./dev bench [--repeats N] [--clients 1,4,8] [--prompts 16,128,512] [--new-tokens N] [--threads N]

llama-server is built once, with its own defaults, from the same source package that axle takes ggml from. Both are
asked by `axle bench`, the same client, with prompts that neither has seen. Run it on an idle machine: llama.cpp's threads wait
for each other spinning and become many times slower beside other work. The figures go to bench/RESULTS.md by hand, with the
machine beside them.
"""

import argparse
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/clients"))
from server import running_server  # noqa: E402

AXLE = ROOT / "build/release/bin/axle"
GGUF = pathlib.Path(os.environ.get("AXLE_DEMO_GGUF", ROOT / ".cache/deps/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"))
PEER = ROOT / ".cache/bench"
PEER_SERVER = PEER / "build/bin/llama-server"
PEER_PORT = 18099


def build_peer():
    """llama-server from the source package, once (about 15 minutes on two cores)."""
    if PEER_SERVER.exists():
        return
    archive = next((ROOT / ".cache/download").glob("llama_cpp_python-*.tar.gz"))
    PEER.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tar", "xzf", archive, "-C", PEER, "--strip-components=2", "--wildcards", "*/vendor/llama.cpp"], check=True)
    flags = ["-DCMAKE_BUILD_TYPE=Release", "-DLLAMA_CURL=OFF", "-DLLAMA_OPENSSL=OFF", "-DLLAMA_BUILD_TESTS=OFF",
             "-DLLAMA_BUILD_EXAMPLES=OFF", "-DBUILD_SHARED_LIBS=OFF"]
    subprocess.run(["cmake", "-S", PEER / "llama.cpp", "-B", PEER / "build", "-G", "Ninja", *flags], check=True)
    subprocess.run(["ninja", "-C", PEER / "build", "llama-server"], check=True)


def start_peer(command, url):
    """The process once it can answer; None when it died before."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url + "/health", timeout=1) as answer:
            if answer.status == 200:
                return process
        time.sleep(0.01)
    return None


@contextlib.contextmanager
def peer(slots, threads):
    command = [PEER_SERVER, "-m", GGUF, "-t", str(threads), "-tb", str(threads), "-c", str(2048 * slots), "-np", str(slots),
               "--port", str(PEER_PORT)]
    url = f"http://127.0.0.1:{PEER_PORT}"
    begun = time.monotonic()
    process = start_peer(command, url)
    if process is None:
        # On some machines its AMX path crashes while it loads.
        print("llama-server crashed with its defaults; running it with --no-repack", flush=True)
        begun = time.monotonic()
        process = start_peer([*command, "--no-repack"], url)
    if process is None:
        raise SystemExit("llama-server did not start")
    try:
        yield process, url, time.monotonic() - begun
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def measure(url, clients, arguments, seed):
    command = [AXLE, "bench", "--json", "--url", url, "--clients", str(clients), "--repeats", "1", "--seed", str(seed),
               "--prompt-tokens", arguments.prompts, "--new-tokens", str(arguments.new_tokens)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise SystemExit(result.stderr)
    return json.loads(result.stdout)


def children(pid):
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += children(int(child))
    return found


def memory_mib(pid):
    """Proportional set size of a process and its children: shared pages count once."""
    total = 0
    for process in children(pid):
        for line in pathlib.Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def median_rows(rounds):
    rows = []
    for same in zip(*rounds):
        rows.append({key: sorted(row[key] for row in same)[len(same) // 2] for key in same[0]})
    return rows


def compare(clients, arguments):
    """One table: both servers up, measured in turn, medians of the repeats."""
    environment = {"AXLE_SOFTCARD_THREADS": str(arguments.threads)}
    begun = time.monotonic()
    with running_server("--load", arguments.model, environment=environment) as axle, \
            peer(clients, arguments.threads) as (other, url, other_start):
        axle_start = time.monotonic() - begun - other_start
        measure(axle.url, clients, arguments, 0), measure(url, clients, arguments, 0)  # Warm both.
        ours, theirs, front_cpu, tokens = [], [], 0.0, 0
        for seed in range(1, arguments.repeats + 1):  # Prompts that neither has seen.
            before = cpu_seconds(axle.process.pid)
            ours.append(measure(axle.url, clients, arguments, seed))
            front_cpu += cpu_seconds(axle.process.pid) - before
            tokens += clients * arguments.new_tokens * len(ours[-1])
            theirs.append(measure(url, clients, arguments, seed))
        show(clients, median_rows(ours), median_rows(theirs))
        print(f"memory (PSS): axle {memory_mib(axle.process.pid):.0f} MiB, llama-server {memory_mib(other.pid):.0f} MiB; "
              f"start to ready: axle {axle_start:.2f} s, llama-server {other_start:.2f} s; "
              f"axle's front: {front_cpu / tokens * 1e3:.3f} ms CPU per token\n")


def show(clients, ours, theirs):
    print(f"{clients} client(s)\n")
    print("| prompt tokens | first token, ms: axle | llama-server | decode tok/s: axle | llama-server | ratio "
          "| all clients tok/s: axle | llama-server | ratio |")
    print("|---|---|---|---|---|---|---|---|---|")
    for our, their in zip(ours, theirs):
        print(f"| {our['prompt_tokens']} | {our['first_token_ms']:.1f} | {their['first_token_ms']:.1f} "
              f"| {our['decode_per_s']:.1f} | {their['decode_per_s']:.1f} | {our['decode_per_s'] / their['decode_per_s']:.2f} "
              f"| {our['aggregate_per_s']:.1f} | {their['aggregate_per_s']:.1f} "
              f"| {our['aggregate_per_s'] / their['aggregate_per_s']:.2f} |")
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--clients", default="1")
    parser.add_argument("--prompts", default="16,128,512")
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    build_peer()
    for clients in arguments.clients.split(","):
        compare(int(clients), arguments)


if __name__ == "__main__":
    main()
