// The openai package for Node, unmodified, against the server at AXLE_URL.
import assert from "node:assert/strict";
import test from "node:test";
import OpenAI from "openai";

const client = new OpenAI({baseURL: `${process.env.AXLE_URL}/v1`, apiKey: "none", maxRetries: 0});
const model = (await client.models.list()).data[0].id;
const request = {
  model,
  messages: [{role: "user", content: "What is the capital of France? Answer in one sentence."}],
  temperature: 0,
  max_tokens: 24,
};

test("a whole answer is sensible and complete", async () => {
  const answer = await client.chat.completions.create(request);
  assert.match(answer.choices[0].message.content, /Paris/);
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
});

test("a stream gives the same text", async () => {
  const whole = await client.chat.completions.create(request);
  let text = "";
  for await (const chunk of await client.chat.completions.create({...request, stream: true})) {
    text += chunk.choices[0]?.delta?.content ?? "";
  }
  assert.equal(text, whole.choices[0].message.content);
});

test("errors have the types of the package", async () => {
  await assert.rejects(client.chat.completions.create({...request, model: "gpt-9"}), OpenAI.NotFoundError);
  await assert.rejects(client.chat.completions.create({...request, top_p: 7}), OpenAI.BadRequestError);
});

test("an aborted stream ends at once", async () => {
  const stream = await client.chat.completions.create({...request, stream: true, max_tokens: 1000});
  for await (const _ of stream) {
    stream.controller.abort();
  }
  const answer = await client.chat.completions.create({...request, max_tokens: 1});
  assert.equal(answer.choices.length, 1);
});
