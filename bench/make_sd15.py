#!/usr/bin/env python3
"""A Stable Diffusion 1.5 pipeline of true shape with random weights, as ONNX in the layout of Hugging Face's optimum.

    python3 -m venv sd15-venv
    sd15-venv/bin/pip install torch==2.5.1 diffusers==0.35.2 transformers==4.57.6 onnx==1.17.0
    sd15-venv/bin/python bench/make_sd15.py sd15-onnx
    axle import sd15-onnx --name sd15-random
    ./dev bench pictures --package .../sd15-random --pictures 1 --warm 0 --rounds 1

For benchmarks of what such a model costs without a card; the pictures are noise. The classes and numbers are those of the published
configurations; wants 12 GiB of memory for a minute or two and 5 GiB of disk.
"""

import json
import pathlib
import sys

import onnx
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

# Source: runwayml/stable-diffusion-v1-5, config.json of unet, vae and text_encoder.
UNET = {"sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8, "block_out_channels": (320, 640, 1280, 1280)}
VAE = {"sample_size": 512, "latent_channels": 4, "block_out_channels": (128, 256, 512, 512), "layers_per_block": 2,
       "down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
TEXT = {"vocab_size": 49408, "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
        "projection_dim": 768}
LENGTH = 77
SIDE = 512
LATENTS = SIDE // 8


class Text(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.model = CLIPTextModel(CLIPTextConfig(**TEXT, attn_implementation="eager"))

    def forward(self, input_ids):
        return self.model(input_ids=input_ids, return_dict=False)[0]


class UNet(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.model = UNet2DConditionModel(**UNET)

    def forward(self, sample, timestep, encoder_hidden_states):
        return self.model(sample, timestep, encoder_hidden_states, return_dict=False)[0]


class Decoder(torch.nn.Module):
    def __init__(self, vae):
        super().__init__()
        self.model = vae

    def forward(self, latent_sample):
        return self.model.decode(latent_sample, return_dict=False)[0]


class Encoder(torch.nn.Module):
    def __init__(self, vae):
        super().__init__()
        self.model = vae

    def forward(self, sample):
        return self.model.quant_conv(self.model.encoder(sample))


def export(folder, model, inputs, output):
    """One part; the weights in one file beside it."""
    folder.mkdir(parents=True)
    model.eval()
    scratch = folder / "scratch"
    scratch.mkdir()
    with torch.no_grad():
        torch.onnx.export(model, tuple(inputs.values()), str(scratch / "model.onnx"), input_names=list(inputs), output_names=[output],
                          opset_version=17, dynamo=False)
    graph = onnx.load(str(scratch / "model.onnx"))
    onnx.save_model(graph, str(folder / "model.onnx"), save_as_external_data=True, location="model.onnx_data")
    for file in scratch.iterdir():
        file.unlink()
    scratch.rmdir()


def write_tokenizer(folder):
    """CLIP's format without merges: every byte is a token."""
    letters = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    symbols = [chr(code) for code in letters] + [chr(256 + n) for n in range(256 - len(letters))]
    words = symbols + [symbol + "</w>" for symbol in symbols]
    words += [f"unused{n}" for n in range(TEXT["vocab_size"] - 2 - len(words))] + ["<|startoftext|>", "<|endoftext|>"]
    folder.mkdir()
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    torch.manual_seed(0)
    export(folder / "text_encoder", Text(), {"input_ids": torch.zeros(1, LENGTH, dtype=torch.int32)}, "last_hidden_state")
    vae = AutoencoderKL(**VAE)
    latents = torch.zeros(1, 4, LATENTS, LATENTS)
    export(folder / "vae_decoder", Decoder(vae), {"latent_sample": latents}, "sample")
    export(folder / "vae_encoder", Encoder(vae), {"sample": torch.zeros(1, 3, SIDE, SIDE)}, "latent_parameters")
    text = torch.zeros(1, LENGTH, TEXT["hidden_size"])
    export(folder / "unet", UNet(), {"sample": latents, "timestep": torch.tensor([999]), "encoder_hidden_states": text}, "out_sample")
    write_tokenizer(folder / "tokenizer")


if __name__ == "__main__":
    main()
