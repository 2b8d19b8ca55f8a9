"""`axle bench` against a real server: small runs of every scenario."""

import csv
import io
import json
import subprocess

import pytest
from server import binary, running_server

TINY = ["--clients", "2", "--requests", "3", "--rate", "50", "--new-tokens", "4", "--system-tokens", "300",
        "--prompt-tokens", "8", "--repeats", "1"]


def bench(server, *arguments):
    result = subprocess.run(
        [binary(), "bench", *arguments, "--url", server.url], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def rows(server):
    return {(row["scenario"], row["case"]): row for row in json.loads(bench(server, "all", *TINY, "--json"))}


def test_every_scenario_gives_its_rows(rows):
    assert {key: row["answers"] for key, row in rows.items()} == {
        ("lengths", "8 tokens"): 2, ("prefill", "8 tokens"): 2, ("decode", "8 tokens"): 2,
        ("clients", "1 client"): 1, ("clients", "2 clients"): 2, ("mixed", "2 clients"): 3,
        ("shared", "2 clients, 300 tokens"): 2, ("arrivals", "50 per s"): 3}
    for row in rows.values():
        assert row["refused"] == 0 and 0 < row["first_token_ms"] <= row["first_token_p95_ms"] <= row["seconds"] * 1000
        assert row["prefill_per_s"] > 0 and row["decode_per_s"] > 0 and 0 <= row["cached_share"] < 1
        assert row["aggregate_per_s"] == pytest.approx(4 * row["answers"] / row["seconds"], rel=0.01)


def test_a_shared_system_message_is_computed_once(rows):
    assert rows["shared", "2 clients, 300 tokens"]["cached_share"] > 0.2


def test_people_get_a_table_and_spreadsheets_a_line_per_row(server):
    table = bench(server, "decode", "--new-tokens", "4", "--repeats", "1", "--seed", "5")
    assert "--seed 5" in table and "decode: how fast a long answer is written" in table and "32 tokens" in table
    lines = list(csv.DictReader(io.StringIO(bench(server, "clients", *TINY[:2], *TINY[6:8], "--repeats", "1", "--csv"))))
    assert [line["case"] for line in lines] == ["1 client", "2 clients"]
    assert all(float(line["aggregate_per_s"]) > 0 for line in lines)


def test_requests_that_a_full_server_refuses_are_counted():
    with running_server("--queue-running", "1", "--queue-waiting", "1") as server:
        row = json.loads(bench(server, "lengths", "--clients", "6", "--prompt-tokens", "8", "--new-tokens", "200",
                               "--repeats", "1", "--json"))[0]
        assert row["answers"] + row["refused"] == 6 and row["answers"] >= 2 and row["refused"] >= 1
