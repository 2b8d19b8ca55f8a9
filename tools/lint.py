#!/usr/bin/env python3
"""House rules that a compiler does not check. Run by ./dev lint; exits 1 with one line per finding.

- layering: a room includes only itself and rooms of lower rank; llm, vision and diffusion never each other.
  The ranks are those that the CMakeLists.txt of the rooms declare with axle_layer(... RANK n ...).
- size: no source over 600 lines, no test over 800.
- confinement: heavy third-party headers only where docs/dependencies.md allows them, none in a public header.
- coroutines: no capturing lambda inside a co_await expression (g++ 12 frees its captures twice), no reference
  parameter of an awaitable function.
- headers begin with #pragma once.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAX_LINES = 600
MAX_TEST_LINES = 800
NEVER_EACH_OTHER = {"llm", "vision", "diffusion"}

# Third-party header prefix -> path prefixes of the files that may include it.
CONFINED = {
    "ggml": ("softcard/executor", "src/package", "bench/"),
    "openvino/": ("softcard/onnx",),
    "protozero/": ("src/axmodel",),
    "boost/beast": ("src/http",),
    "boost/asio": ("src/http",),
    "curl/": ("src/http",),
    "boost/json": ("src/", "softcard/host_config.cc"),
    "toml++/": ("src/base/toml.h",),
    "base/toml.h": ("src/app", "softcard/"),
    "CLI/": ("src/app", "softcard/smi", "tests/"),
    "histedit.h": ("src/app",),
    "sixel.h": ("src/app",),
    "editline/": ("src/app",),
    "spdlog/": ("src/base",),
    "png.h": ("src/image",),
    "jpeglib.h": ("src/image",),
    "jerror.h": ("src/image",),
    "webp/": ("src/image",),
    "gif_lib.h": ("src/image",),
    "zlib.h": ("src/image",),
    "openssl/": ("src/base", "src/http", "src/package"),
}


def tracked_files():
    listed = subprocess.run(["git", "ls-files", "*.h", "*.cc"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).exists()]


def read_ranks(root):
    """room folder (e.g. "base", "api/openai") -> rank, from the rooms' CMakeLists.txt."""
    ranks = {}
    for path in sorted((root / "src").rglob("CMakeLists.txt")):
        found = re.search(r"axle_layer\(\s*axle_\w+\s+RANK\s+(\d+)", path.read_text())
        if found:
            ranks[path.parent.relative_to(root / "src").as_posix()] = int(found.group(1))
    return ranks


def room_of(relative, ranks):
    parts = relative.split("/")
    for length in (2, 1):
        room = "/".join(parts[:length])
        if len(parts) > length and room in ranks:
            return room
    return None


def check_layering(relative, text, ranks):
    """relative: path below src/."""
    own = room_of(relative, ranks)
    if own is None:
        return [f"src/{relative}: belongs to no room with an axle_layer rank"]
    findings = []
    for included in re.findall(r'^#include "([^"]+)"', text, re.M):
        other = room_of(included, ranks)
        if other is None or other == own:
            continue
        if other in NEVER_EACH_OTHER and own in NEVER_EACH_OTHER:
            findings.append(f"src/{relative}: {own} must never include {other} ({included})")
        elif ranks[other] >= ranks[own]:
            # A test may look sideways or up for what it needs to build its scene.
            if "_test." in relative or relative.startswith(f"{own}/testing/"):
                continue
            findings.append(
                f"src/{relative}: {own} (rank {ranks[own]}) includes {included} of {other} (rank {ranks[other]})"
            )
    return findings


def check_size(relative, text):
    limit = MAX_TEST_LINES if re.search(r"_test\.|/testing/", relative) else MAX_LINES
    lines = text.count("\n")
    return [f"{relative}: {lines} lines, at most {limit}"] if lines > limit else []


def check_confinement(relative, text):
    findings = []
    for included in re.findall(r"^#include [<\"]([^>\"]+)[>\"]", text, re.M):
        for prefix, allowed in CONFINED.items():
            if not included.startswith(prefix):
                continue
            if not relative.startswith(allowed):
                findings.append(f"{relative}: includes {included}, which is confined to {', '.join(allowed)}")
    return findings


def check_coroutines(relative, text):
    findings = []
    for match in re.finditer(r"co_await\b([^;]*)", text):
        if re.search(r"\[[^\]\s][^\]]*\]\s*(\(|mutable|\{)[^;]*awaitable", match.group(1)):
            line = text[: match.start()].count("\n") + 1
            findings.append(f"{relative}:{line}: capturing lambda inside a co_await expression")
    for match in re.finditer(r"awaitable<[^;{}]*?>\s+(?:\w+::)*(\w+)\(([^;{}]*?)\)", text):
        if re.search(r"[^&]&(?!&)\s*\w+", match.group(2)):
            line = text[: match.start()].count("\n") + 1
            findings.append(f"{relative}:{line}: coroutine {match.group(1)} takes a reference parameter")
    return findings


def check_header(relative, text):
    if relative.endswith(".h") and "#pragma once" not in text:
        return [f"{relative}: header without #pragma once"]
    return []


def check_file(relative, text, ranks):
    findings = check_size(relative, text) + check_confinement(relative, text) + check_header(relative, text)
    if relative.startswith("src/"):
        findings += check_layering(relative[len("src/") :], text, ranks)
    if "awaitable" in text:
        findings += check_coroutines(relative, text)
    return findings


def main():
    ranks = read_ranks(ROOT)
    findings = []
    for path in tracked_files():
        findings += check_file(path.relative_to(ROOT).as_posix(), path.read_text(), ranks)
    for finding in findings:
        print(finding)
    print(f"lint: {len(ranks)} rooms, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
