"""The openai package for Python, unmodified, against the real server with the real demo model."""

import concurrent.futures
import math

import openai
import pytest

QUESTION = [{"role": "user", "content": "What is the capital of France? Answer in one sentence."}]


def ask(client, model, **fields):
    fields = {"messages": QUESTION, "temperature": 0, "max_tokens": 24, **fields}
    return client.chat.completions.create(model=model, **fields)


def stream_text(client, model, **fields):
    return "".join(chunk.choices[0].delta.content or "" for chunk in ask(client, model, stream=True, **fields))


def test_answer_is_sensible_and_complete(client, model):
    answer = ask(client, model)
    assert "Paris" in answer.choices[0].message.content
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.id.startswith("chatcmpl-")
    assert answer._request_id


def test_stream_equals_the_whole_answer(client, model):
    assert stream_text(client, model) == ask(client, model).choices[0].message.content


def test_stream_has_role_first_finish_last_and_usage_when_asked(client, model):
    chunks = list(ask(client, model, stream=True, stream_options={"include_usage": True}))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens > 0
    assert chunks[-2].choices[0].finish_reason in ("stop", "length")
    assert all(chunk.choices[0].finish_reason is None for chunk in chunks[:-2])
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert len({chunk.id for chunk in chunks}) == 1


def test_seed_repeats_and_other_seeds_differ(client, model):
    texts = [
        ask(client, model, temperature=1.0, seed=seed, max_tokens=32).choices[0].message.content
        for seed in (1, 1, 2, 3)
    ]
    assert texts[0] == texts[1]
    assert len(set(texts)) > 1


def test_stop_string_ends_the_text_before_it(client, model):
    whole = ask(client, model).choices[0].message.content
    stop = whole[5:9]
    answer = ask(client, model, stop=[stop]).choices[0]
    assert answer.message.content == whole[: whole.index(stop)]
    assert answer.finish_reason == "stop"


def test_max_tokens_gives_length(client, model):
    answer = ask(client, model, max_tokens=3)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 3


def test_n_choices_come_in_order_and_the_first_is_that_of_the_seed(client, model):
    alone = ask(client, model, temperature=1.0, seed=5).choices[0].message.content
    answer = ask(client, model, temperature=1.0, seed=5, n=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert answer.choices[0].message.content == alone


def test_logit_bias_forbids_a_token(client, model):
    first = ask(client, model, max_tokens=1).choices[0].message.content
    for token in range(0, 49152, 49152 // 8):  # Eight bands: forbidding a band forbids the token in one of them.
        bias = {str(i): -100 for i in range(token, min(token + 6144, 49152))}
        if ask(client, model, max_tokens=1, logit_bias=bias).choices[0].message.content != first:
            return
    pytest.fail("no bias had an effect")


def check_logprobs(entries, text, top):
    """Entries cover the text, and each is no likelier than the best of its place."""
    assert b"".join(bytes(entry.bytes or []) for entry in entries) == text.encode()
    for entry in entries:
        assert len(entry.top_logprobs) == top
        likely = [other.logprob for other in entry.top_logprobs]
        assert likely == sorted(likely, reverse=True)
        assert sum(math.exp(logprob) for logprob in likely) <= 1.0001
        assert entry.logprob <= likely[0] <= 0


def test_logprobs_cover_the_text_and_greedy_takes_the_likeliest(client, model):
    choice = ask(client, model, logprobs=True, top_logprobs=5, stop=["."]).choices[0]
    assert choice.logprobs.refusal is None
    check_logprobs(choice.logprobs.content, choice.message.content, 5)
    for entry in choice.logprobs.content:
        assert (entry.token, entry.logprob) == (entry.top_logprobs[0].token, entry.top_logprobs[0].logprob)


def test_streamed_logprobs_equal_those_of_the_whole_answer(client, model):
    fields = {
        "messages": [{"role": "user", "content": "Write one line with the emoji 👩‍👩‍👧 and naïve in it."}],
        "logprobs": True,
        "top_logprobs": 2,
        "temperature": 1.0,
        "seed": 4,
        "max_tokens": 32,
    }
    whole = ask(client, model, **fields).choices[0]
    text, entries = "", []
    for chunk in ask(client, model, stream=True, **fields):
        text += chunk.choices[0].delta.content or ""
        if chunk.choices[0].logprobs:
            entries += chunk.choices[0].logprobs.content
    assert text == whole.message.content
    assert entries == whole.logprobs.content
    assert len(entries) <= 32
    if "\ufffd" not in text:
        check_logprobs(entries, text, 2)


def test_logprobs_are_null_unless_asked_for(client, model):
    assert ask(client, model, max_tokens=2).choices[0].logprobs is None
    with pytest.raises(openai.BadRequestError) as alone:
        ask(client, model, top_logprobs=2)
    assert alone.value.param == "top_logprobs"


def test_dry_and_typical_change_the_text_and_are_checked(client, model):
    messages = [{"role": "user", "content": "Repeat without end: one two three one two three one two three"}]

    def answer(**extra):
        return ask(client, model, messages=messages, max_tokens=64, extra_body=extra).choices[0].message.content

    plain = answer()
    assert answer(dry_multiplier=0, typical_p=1) == plain
    dry = {"dry_multiplier": 4, "dry_allowed_length": 1, "dry_sequence_breakers": []}
    assert answer(**dry) != plain
    assert answer(**dry) == answer(**dry)
    with pytest.raises(openai.BadRequestError) as bad:
        answer(dry_base=0.5)
    assert bad.value.param == "dry_base"


def test_unicode_streams_whole_characters(client, model):
    messages = [{"role": "user", "content": "Repeat exactly: 👩‍👩‍👧 naïve 日本語 ε"}]
    assert "\ufffd" not in stream_text(client, model, messages=messages, max_tokens=48)


def test_clients_at_once_get_what_each_gets_alone(client, model):
    prompts = [f"Write one sentence about the number {i}." for i in range(6)]

    def answer(prompt):
        messages = [{"role": "user", "content": prompt}]
        return stream_text(client, model, messages=messages, temperature=0.8, seed=3, max_tokens=32)

    alone = [answer(prompt) for prompt in prompts]
    with concurrent.futures.ThreadPoolExecutor(len(prompts)) as pool:
        together = list(pool.map(answer, prompts))
    assert together == alone


def test_errors_have_the_types_of_the_package(client, model):
    with pytest.raises(openai.NotFoundError) as unknown:
        ask(client, "gpt-9")
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as hot:
        ask(client, model, temperature=3)
    assert hot.value.param == "temperature"
    with pytest.raises(openai.BadRequestError) as long:
        ask(client, model, messages=[{"role": "user", "content": "word " * 5000}], stream=True)
    assert long.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError) as tools:
        ask(client, model, tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}])
    assert tools.value.param == "tools"


def test_models_are_listed_and_retrieved(client, model):
    assert client.models.retrieve(model).id == model
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("a/b:c")


def test_leaving_a_stream_frees_its_slot(client, model, server):
    stream = ask(client, model, stream=True, max_tokens=1500, temperature=1.0)
    next(iter(stream))
    cancelled = server.health()["jobs"]["cancelled"]
    stream.close()
    server.wait_until(lambda: server.health()["jobs"]["cancelled"] > cancelled, 5, "the cancelling")
    server.wait_until(lambda: server.health()["jobs"]["running"] == 0, 5, "the free slot")
