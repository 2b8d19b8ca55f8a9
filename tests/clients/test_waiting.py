"""Requests that wait: their place in the queue, their deadline, and when those that are refused shall come back."""

import openai
import pytest
from server import running_server
from test_http import TOKEN, post, read_until, start_stream
from test_openai import QUESTION


@pytest.fixture(scope="module")
def narrow_server():
    """Runs one request at a time, lets one wait, and speaks to silent streams every second."""
    with running_server("--queue-running", "1", "--queue-waiting", "1", "--ping-interval-s", "1") as server:
        yield server


def client_of(server):
    return openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=2)


def test_a_request_that_waits_longer_than_its_deadline_is_504_and_not_tried_again(narrow_server):
    client = client_of(narrow_server)
    model = client.models.list().data[0].id
    failed = narrow_server.health()["jobs"]["failed"]
    with start_stream(narrow_server) as running:
        read_until(running, TOKEN)
        with pytest.raises(openai.APIStatusError) as error:
            client.chat.completions.create(model=model, messages=QUESTION, extra_body={"deadline_s": 0.3})
    assert error.value.status_code == 504 and error.value.code == "deadline_exceeded"
    assert "deadline of 0.3 s passed while it waited with 0 ahead" in str(error.value)
    assert narrow_server.health()["jobs"]["failed"] == failed + 1
    narrow_server.wait_until(lambda: narrow_server.health()["jobs"]["running"] == 0, 10, "the free place")


def test_an_answer_ends_at_its_deadline_with_what_it_has(narrow_server):
    client = client_of(narrow_server)
    answer = client.chat.completions.create(
        model=client.models.list().data[0].id, messages=QUESTION, max_tokens=1900,
        extra_body={"deadline_s": 1.5, "ignore_eos": True})
    assert answer.choices[0].finish_reason == "length" and answer.choices[0].message.content
    assert 0 < answer.usage.completion_tokens < 1900
    narrow_server.wait_until(lambda: narrow_server.health()["jobs"]["running"] == 0, 10, "the free place")


def test_a_stream_that_waits_hears_its_place_and_who_finds_the_queue_full_when_to_come_back(narrow_server):
    with start_stream(narrow_server) as running:
        read_until(running, TOKEN)  # It has left the queue, which has room for one.
        with start_stream(narrow_server) as waiting:
            assert b": queued, 0 ahead" in read_until(waiting, b" ahead")
            status, head, body = post(narrow_server, {"messages": QUESTION})
        assert status == 429 and body["error"]["code"] == "server_busy"
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
        assert 1 <= int(fields["Retry-After"]) <= 600 and fields["x-should-retry"] == "true"
