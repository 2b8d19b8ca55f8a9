// The openai package for Node, unmodified, on pictures.
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI, { toFile } from "openai";

const client = new OpenAI({ baseURL: `${process.env.AXLE_URL}/v1`, apiKey: "none", maxRetries: 0 });
const pngBegin = Buffer.from([0x89, 0x50, 0x4e, 0x47]);

function bytes(entry) {
  const file = Buffer.from(entry.b64_json, "base64");
  assert.deepEqual(file.subarray(0, 4), pngBegin);
  return file;
}

test("a prompt becomes a picture, the same for the same seed", async () => {
  const paint = () => client.images.generate({ prompt: "red apple", n: 1, seed: 5 });
  const [first, second] = [await paint(), await paint()];
  assert.deepEqual(bytes(first.data[0]), bytes(second.data[0]));
  assert.equal(first.data[0].seed, 5);
});

test("a stream gives partial pictures and the finished one", async () => {
  const types = [];
  for await (const event of await client.images.generate({ prompt: "sun", stream: true, partial_images: 2 })) {
    bytes(event);
    types.push(event.type);
  }
  assert.deepEqual(types, ["image_generation.partial_image", "image_generation.partial_image", "image_generation.completed"]);
});

test("a picture is painted over", async () => {
  const start = await client.images.generate({ prompt: "red apple" });
  const image = await toFile(bytes(start.data[0]), "start.png", { type: "image/png" });
  const edited = await client.images.edit({ image, prompt: "green apple", strength: 0.5 });
  bytes(edited.data[0]);
});

test("a size that the model has not is a bad request", async () => {
  await assert.rejects(client.images.generate({ prompt: "sun", size: "512x512" }), OpenAI.BadRequestError);
});
