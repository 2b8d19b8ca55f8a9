"""Paints with the exported graphs: onnxruntime and NumPy only, no PyTorch. Also a command:

  python3 sample.py FOLDER "red apple" --steps 4 --seed 1 --out apple.png [--image source.png --strength 0.5]

The loop is that of diffusers' LCMScheduler (50 original steps, timestep_scaling 10, sigma_data 0.5) at 1, 2 or 4 steps.
"""

import argparse
import math
import pathlib

import numpy
import onnxruntime
from PIL import Image

from clip_tokenizer import Tokenizer

SCALE = 0.18215
STEPS = (999, 759, 499, 259)  # The rows of time_rows.npy, in order.
SCHEDULES = {1: (999,), 2: (999, 499), 4: STEPS}


def alphas_bar():
    return numpy.cumprod(1 - numpy.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2)


class Painter:
    def __init__(self, folder, threads=0):
        folder = pathlib.Path(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.text, self.unet, self.decoder, self.encoder = (
            onnxruntime.InferenceSession(str(folder / f"{name}.onnx"), options, providers=["CPUExecutionProvider"])
            for name in ("text_encoder", "unet", "vae_decoder", "vae_encoder")
        )
        self.rows = numpy.load(folder / "time_rows.npy")
        self.tokenizer = Tokenizer.load(folder)
        self.alphas = alphas_bar()

    def hidden(self, prompt):
        return self.text.run(None, {"input_ids": numpy.array([self.tokenizer.encode(prompt)], dtype=numpy.int32)})[0]

    def encode(self, picture):
        """uint8 [128, 128, 3] -> latents float32 [1, 4, 16, 16]: the means, scaled."""
        image = (picture.astype(numpy.float32) / 127.5 - 1).transpose(2, 0, 1)[None]
        return self.encoder.run(None, {"image": image})[0][:, :4] * SCALE

    def decode(self, latents):
        image = self.decoder.run(None, {"x": (latents / SCALE).astype(numpy.float32)})[0][0]
        return numpy.round((image / 2 + 0.5).clip(0, 1) * 255).astype(numpy.uint8).transpose(1, 2, 0)

    def noise(self, x, t, hidden, empty, guidance):
        def predict(said):
            row = self.rows[STEPS.index(t)][None]
            return self.unet.run(None, {"sample": x.astype(numpy.float32), "time_row": row, "encoder_hidden_states": said})[0]

        if guidance == 1:
            return predict(hidden)
        blind = predict(empty)
        return blind + guidance * (predict(hidden) - blind)

    def loop(self, x, schedule, prompt, random, guidance=1.0):
        hidden, empty = self.hidden(prompt), self.hidden("") if guidance != 1 else None
        for number, t in enumerate(schedule):
            bar = self.alphas[t]
            clean = (x - math.sqrt(1 - bar) * self.noise(x, t, hidden, empty, guidance)) / math.sqrt(bar)
            scaled = 10.0 * t
            denoised = scaled / math.sqrt(scaled**2 + 0.25) * clean + 0.25 / (scaled**2 + 0.25) * x
            if number + 1 == len(schedule):
                return denoised
            bar = self.alphas[schedule[number + 1]]
            x = math.sqrt(bar) * denoised + math.sqrt(1 - bar) * random.standard_normal(x.shape)

    def paint(self, prompt, seed=0, steps=4, guidance=1.0):
        """Returns uint8 [128, 128, 3]. Errors: KeyError for steps other than 1, 2, 4."""
        random = numpy.random.default_rng(seed)
        return self.decode(self.loop(random.standard_normal((1, 4, 16, 16)), SCHEDULES[steps], prompt, random, guidance))

    def repaint(self, picture, prompt, strength, seed=0, guidance=1.0):
        """img2img with the last int(4 * strength) of four steps, one at least."""
        random = numpy.random.default_rng(seed)
        schedule = STEPS[4 - max(1, min(4, int(4 * strength))) :]
        bar = self.alphas[schedule[0]]
        x = math.sqrt(bar) * self.encode(picture) + math.sqrt(1 - bar) * random.standard_normal((1, 4, 16, 16))
        return self.decode(self.loop(x, schedule, prompt, random, guidance))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("prompt")
    parser.add_argument("--steps", type=int, choices=sorted(SCHEDULES), default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--guidance", type=float, default=1.0)
    parser.add_argument("--image", type=pathlib.Path, help="start from this picture")
    parser.add_argument("--strength", type=float, default=0.5)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("painted.png"))
    arguments = parser.parse_args()
    painter = Painter(arguments.folder)
    if arguments.image:
        source = numpy.asarray(Image.open(arguments.image).convert("RGB").resize((128, 128), Image.Resampling.BICUBIC))
        picture = painter.repaint(source, arguments.prompt, arguments.strength, arguments.seed, arguments.guidance)
    else:
        picture = painter.paint(arguments.prompt, arguments.seed, arguments.steps, arguments.guidance)
    Image.fromarray(picture).save(arguments.out)


if __name__ == "__main__":
    main()
