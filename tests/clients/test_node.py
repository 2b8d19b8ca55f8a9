"""Runs the Node client's tests against the same server."""

import os
import pathlib
import subprocess


def test_openai_for_node(server):
    folder = pathlib.Path(__file__).parent / "node"
    result = subprocess.run(
        ["node", "--test", "openai.test.js"], cwd=folder, env=dict(os.environ, AXLE_URL=server.url),
        capture_output=True, text=True, timeout=180)
    assert result.returncode == 0, result.stdout + result.stderr
