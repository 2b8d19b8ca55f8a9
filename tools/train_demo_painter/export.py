"""Writes the trained painter as ONNX graphs with weights in half precision, beside tokenizer and time rows."""

import json
import pathlib

import numpy
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

import models
import stages

OPSET = 17


def halve_weights(model):
    """Stores each float initializer of more than 8 numbers as float16, with a Cast back where it is used."""
    casts = []
    for index, weight in enumerate(model.graph.initializer):
        if weight.data_type != TensorProto.FLOAT or numpy.prod(weight.dims) <= 8:
            continue
        half = numpy_helper.from_array(numpy_helper.to_array(weight).astype(numpy.float16), weight.name + ".half")
        casts.append(helper.make_node("Cast", [half.name], [weight.name], name=weight.name + ".cast", to=TensorProto.FLOAT))
        model.graph.initializer[index].CopyFrom(half)
    nodes = casts + list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def write(path, module, inputs, names, output):
    torch.onnx.export(
        module.cpu().eval().float(), inputs, str(path), opset_version=OPSET, input_names=names, output_names=[output], dynamo=False
    )
    model = onnx.load(str(path))
    model.producer_name, model.producer_version, model.doc_string = "train_demo_painter", "", ""
    for node in model.graph.node:
        node.doc_string = ""
    halve_weights(model)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def preview_rows(run, pictures=2000):
    """How latents look without the decoder, by least squares over training pictures: four rows of red, green, blue, and what is added."""
    latents = numpy.load(run.path("latents.npy"), mmap_mode="r")
    pixels = numpy.load(run.path("pixels.npy"), mmap_mode="r")
    chosen = numpy.linspace(0, len(latents) - 1, pictures).astype(int)
    points = numpy.stack([latents[i] for i in chosen]).astype(numpy.float32).transpose(0, 2, 3, 1).reshape(-1, 4)
    colours = numpy.stack([pixels[i] for i in chosen]).reshape(pictures, 16, 8, 16, 8, 3).mean((2, 4)).reshape(-1, 3) / 127.5 - 1
    rows, *_ = numpy.linalg.lstsq(numpy.hstack([points, numpy.ones((len(points), 1))]), colours, rcond=None)
    return [[round(float(number), 4) for number in row] for row in rows]


def export(run, tokens, folder):
    """Exports the averaged weights of all stages to `folder`."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    model, vae = stages.load_painter(run, tokens), stages.load_decoder(run)
    sample, row = torch.randn(1, 4, 16, 16), models.time_rows()[:1]
    write(folder / "text_encoder.onnx", model["text"], (torch.zeros(1, 77, dtype=torch.int32),), ["input_ids"], "last_hidden_state")
    hidden = torch.randn(1, 77, models.TEXT_WIDTH)
    write(folder / "unet.onnx", model["unet"], (sample, row, hidden), ["sample", "time_row", "encoder_hidden_states"], "noise_pred")
    write(folder / "vae_decoder.onnx", models.PictureDecoder(vae["decoder"]), (sample / models.LATENT_SCALE,), ["x"], "image")
    write(folder / "vae_encoder.onnx", vae["encoder"], (torch.zeros(1, 3, 128, 128),), ["image"], "moments")
    numpy.save(folder / "time_rows.npy", models.time_rows().numpy())
    stages.Tokenizer.load(run.folder).save(folder)
    names = {"model_name": "axle demo painter", "time_steps": [999, 759, 499, 259], "preview": preview_rows(run)}
    (folder / "pictures.json").write_text(json.dumps(names) + "\n")
    counts = {name: sum(p.numel() for p in part.parameters()) for name, part in [*model.items(), *vae.items()]}
    run.say(f"exported {json.dumps(counts)} to {folder}")
    return nn.ModuleDict({**model, **vae})
