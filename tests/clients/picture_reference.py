"""Pictures as NumPy and ONNX Runtime make them of the demo model's graphs: what axle's are compared with.

Written from the papers' formulas (LCM: Luo et al. 2023; DDPM's scaled-linear betas of Stable Diffusion 1.5) and from PyTorch's way
of drawing random numbers, without a look at axle's own code.
"""

import json
import math
import pathlib

import numpy as np
import onnxruntime

LATENT_SCALE = np.float32(0.18215)  # Of Stable Diffusion 1.5's VAE.
TIMESTEPS = {1: [999], 2: [999, 499], 4: [999, 759, 499, 259]}


def torch_normal(bits, count, half=False):
    """torch.randn(count) of PyTorch's CPU generator, drawn from a numpy.random.RandomState."""
    raw = bits.randint(0, 2**32, size=count, dtype=np.uint32)
    dtype = np.float16 if half else np.float32
    uniform = (raw & 0x7FF) / np.float32(2**11) if half else (raw & 0xFFFFFF) / np.float32(2**24)
    blocks = uniform.astype(np.float32).reshape(-1, 16)
    lengths = np.sqrt(-2 * np.log((1 - blocks[:, :8]).astype(dtype).astype(np.float32))).astype(dtype).astype(np.float32)
    angles = (np.float32(2 * math.pi) * blocks[:, 8:]).astype(dtype).astype(np.float32)
    normal = np.concatenate([lengths * np.cos(angles), lengths * np.sin(angles)], axis=1)
    return normal.astype(dtype).astype(np.float32).reshape(-1)


def signal_shares():
    """Share of the picture in a noisy one (alpha cumprod) at each of the 1000 timesteps."""
    betas = np.linspace(math.sqrt(0.00085), math.sqrt(0.012), 1000) ** 2
    return np.cumprod(1 - betas)


class Words:
    """CLIP's byte pair encoding for plain lower-case English."""

    def __init__(self, folder):
        self.numbers = json.loads((folder / "vocab.json").read_text())
        lines = (folder / "merges.txt").read_text().strip().split("\n")[1:]
        self.ranks = {tuple(line.split()): rank for rank, line in enumerate(lines)}

    def encode(self, text, length=77):
        end = self.numbers["<|endoftext|>"]
        numbers = [self.numbers["<|startoftext|>"]] + [self.numbers[part] for word in text.split() for part in self.parts(word)]
        numbers = numbers[:length - 1] + [end]
        return np.array([numbers + [end] * (length - len(numbers))], np.int32)

    def parts(self, word):
        parts = [*word[:-1], word[-1] + "</w>"]
        while len(parts) > 1:
            pairs = [(self.ranks.get(pair, math.inf), place) for place, pair in enumerate(zip(parts, parts[1:]))]
            rank, place = min(pairs)
            if rank == math.inf:
                break
            parts[place:place + 2] = [parts[place] + parts[place + 1]]
        return parts


class Painter:
    """The model in `folder`: text_encoder, unet, vae_decoder and vae_encoder as ONNX, vocab.json, merges.txt, time_rows.npy."""

    def __init__(self, folder, threads=2):
        folder = pathlib.Path(folder)
        self.graphs = {name: self.load(folder / f"{name}.onnx", threads) for name in ("text_encoder", "unet", "vae_decoder", "vae_encoder")}
        self.words = Words(folder)
        told = json.loads((folder / "pictures.json").read_text())
        self.rows = dict(zip(told.get("time_steps", TIMESTEPS[4]), np.load(folder / "time_rows.npy")))
        self.shares = signal_shares()
        self.latent = self.input_shapes("vae_decoder")[0]

    def load(self, file, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def input_shapes(self, name):
        return [tuple(given.shape) for given in self.graphs[name].get_inputs()]

    def run(self, name, *inputs):
        graph = self.graphs[name]
        return graph.run(None, {given.name: value for given, value in zip(graph.get_inputs(), inputs)})[0]

    def paint(self, prompt, seed, steps=4, picture=None, strength=1.0):
        """RGB bytes [height, width, 3]; `picture`, the same, is what it starts from, painted anew as far as `strength` says."""
        text = self.run("text_encoder", self.words.encode(prompt))
        bits = np.random.RandomState(seed)
        count = math.prod(self.latent)

        def normal(half):
            return torch_normal(bits, count, half).reshape(self.latent)

        timesteps = TIMESTEPS[steps]
        if picture is None:
            latents = normal(False)
        else:
            timesteps = timesteps[len(timesteps) - max(1, int(steps * strength + 1e-6)):]
            latents = self.noisy(picture, timesteps[0], normal)
        for place, timestep in enumerate(timesteps):
            rest = timesteps[place + 1:]
            latents = self.step(latents, timestep, text, rest[0] if rest else None, lambda: normal(picture is not None))
        pixels = self.run("vae_decoder", (latents / LATENT_SCALE).astype(np.float32))[0]
        return np.round(np.clip(pixels / 2 + 0.5, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)

    def noisy(self, picture, timestep, normal):
        pixels = (picture.astype(np.float32) / 255 * 2 - 1).transpose(2, 0, 1)[None]
        moments = self.run("vae_encoder", np.ascontiguousarray(pixels))
        mean, spread = moments[:, :4], np.exp(0.5 * np.clip(moments[:, 4:], -30, 20))
        latents = (mean + spread * normal(False)) * LATENT_SCALE
        share = self.shares[timestep]
        return (math.sqrt(share) * latents + math.sqrt(1 - share) * normal(True)).astype(np.float32)

    def step(self, latents, timestep, text, following, normal):
        given = {4: latents, 3: text, 2: self.rows[timestep][None].astype(np.float32)}  # Told apart by their ranks.
        noise = self.run("unet", *(given[len(shape)] for shape in self.input_shapes("unet")))
        share = self.shares[timestep]
        clean = (latents - math.sqrt(1 - share) * noise) / math.sqrt(share)
        scaled = timestep / 0.1  # LCM's timestep scaling of 10, and its sigma of 0.5 for the data.
        skip, out = 0.25 / (scaled**2 + 0.25), scaled / math.sqrt(scaled**2 + 0.25)
        guess = out * clean + skip * latents
        if following is None:
            return guess.astype(np.float32)
        share = self.shares[following]
        return (math.sqrt(share) * guess + math.sqrt(1 - share) * normal()).astype(np.float32)
