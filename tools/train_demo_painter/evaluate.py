#!/usr/bin/env python3
"""Measures an exported painter through its ONNX graphs, and makes sheets to look at.

  python3 evaluate.py FOLDER --out FOLDER   writes contact.png, img2img.png, figures.json

Recognition is by the nearest neighbour among all one-character emoji of the font, in pixels and in features (edge directions and
coarse colour), of pictures cut to what differs from their border, turned and flipped. It shows identity, not beauty.
"""

import argparse
import json
import pathlib
import random

import numpy
from PIL import Image, ImageDraw

import pictures
import words
from sample import Painter

PROMPTS = """red apple|a photo of a cat face|dog face|car|rocket|sunflower|a beautiful red rose, highly detailed, 8k|pizza|grinning
face|angry face|ghost|snowman|house|bicycle|butterfly|octopus|elephant|penguin|tiger|kitty|umbrella|guitar|alarm clock|birthday
cake|hamburger|strawberry|banana|christmas tree|cactus|mushroom|airplane|sailboat|crown|robot|blue apple|green car|pink elephant|a cute
little zorblax frog on a blue background|key|soccer ball""".replace("\n", " ").split("|")
REPAINT = [("red apple", "tomato"), ("basketball", "tangerine"), ("automobile", "taxi"), ("cat face", "tiger face"),
           ("evergreen tree", "christmas tree"), ("grinning face", "angry face"), ("ghost", "snowman"), ("automobile", "blue car")]  # fmt: skip
LONG = ["a beautiful {}, highly detailed, 8k", "professional photo of a {} sitting in a garden, masterpiece, best quality, sharp focus",
        "wuxelbim {} flarnok", "can you draw a very nice {}, studio lighting, trending on artstation, by greg rutkowski, intricate"]  # fmt: skip
SMALL = 32


def cut(picture):
    """What differs from the border colour, scaled to 32x32 on white; picture uint8 [h, w, 3]."""
    pixels = picture.astype(numpy.float32)
    border = [pixels[:3], pixels[-3:], pixels[:, :3], pixels[:, -3:]]
    background = numpy.median(numpy.concatenate([side.reshape(-1, 3) for side in border]), axis=0)
    away = numpy.abs(pixels - background).max(-1)
    rows, columns = numpy.flatnonzero((away > 40).sum(1) > 1), numpy.flatnonzero((away > 40).sum(0) > 1)
    if len(rows) < 4 or len(columns) < 4:
        return numpy.full((SMALL, SMALL, 3), 255, numpy.float32)
    share = (away / 48).clip(0, 1)[..., None]
    white = (share * pixels + (1 - share) * 255).round().astype(numpy.uint8)
    middle = (rows[0] + rows[-1] + 1) / 2, (columns[0] + columns[-1] + 1) / 2
    half = max(rows[-1] - rows[0], columns[-1] - columns[0]) / 2 + 1
    box = (middle[1] - half, middle[0] - half, middle[1] + half, middle[0] + half)
    padded = Image.new("RGB", (256, 256), "white")
    padded.paste(Image.fromarray(white), (64, 64))
    return numpy.asarray(padded.resize((SMALL, SMALL), Image.Resampling.BOX, tuple(v + 64 for v in box)), dtype=numpy.float32)


def features(small):
    """[n, 32, 32, 3] -> [n, 320]: directions of edges in 4x4 cells, mean colour in 8x8 cells reduced to 4x4 x 4 numbers."""
    grey = small.mean(-1)
    dy, dx = numpy.gradient(grey, axis=(1, 2))
    strength, angle = numpy.hypot(dx, dy), numpy.arctan2(dy, dx) % numpy.pi
    bins = []
    for k in range(8):
        near = numpy.clip(1 - numpy.abs((angle - k * numpy.pi / 8 + numpy.pi / 2) % numpy.pi - numpy.pi / 2) / (numpy.pi / 8), 0, 1)
        bins.append((strength * near).reshape(-1, 4, 8, 4, 8).mean((2, 4)).reshape(len(small), -1))
    edges = numpy.concatenate(bins, 1)
    edges /= numpy.linalg.norm(edges, axis=1, keepdims=True) + 1e-3
    colour = small.reshape(-1, 8, 4, 8, 4, 3).mean((2, 4)).reshape(len(small), -1) / 255
    return numpy.concatenate([edges, 0.12 * colour], 1)


class Gallery:
    """All emoji of the font, as a picture may show them."""

    def __init__(self, renderer):
        characters, _ = words.read_cldr()
        self.names, shown = [], []
        for name, character in characters.items():
            if len(character.replace("\ufe0f", "")) != 1 or ord(character[0]) < 0x2600:
                continue
            picture = pictures.glyph(renderer.font, character)
            if picture is None:
                continue
            for turn in (-10, 0, 10):
                white = Image.new("RGBA", picture.size, "white")
                white.alpha_composite(picture.rotate(turn, Image.Resampling.BICUBIC))
                small = cut(numpy.asarray(white.convert("RGB")))
                for side in (small, small[:, ::-1]):
                    self.names.append(name)
                    shown.append(side)
        self.pixels = numpy.stack(shown).reshape(len(shown), -1)
        self.features = features(numpy.stack(shown))

    def nearest(self, picture):
        """The names that the picture looks most like: five by pixels, five by features."""
        small = cut(picture)
        return tuple(
            self.best(numpy.square(known - asked.reshape(1, -1)).sum(1))
            for known, asked in ((self.pixels, small), (self.features, features(small[None])))
        )

    def best(self, distances):
        out = []
        for index in numpy.argsort(distances)[:60]:
            if self.names[index] not in out:
                out.append(self.names[index])
        return out[:5]


def sharpness(picture):
    grey = picture.astype(numpy.float32).mean(-1)
    return float(numpy.square(numpy.diff(grey, axis=0)).mean() + numpy.square(numpy.diff(grey, axis=1)).mean())


def sheet(path, rows, labels, side=96):
    """rows: lists of pictures; labels: one text for each row's first picture, or a list of texts."""
    across = max(len(row) for row in rows)
    out = Image.new("RGB", (across * side, len(rows) * (side + 13)), "white")
    draw = ImageDraw.Draw(out)
    for y, (row, label) in enumerate(zip(rows, labels)):
        for x, picture in enumerate(row):
            out.paste(Image.fromarray(picture).resize((side - 2, side - 2), Image.Resampling.LANCZOS), (x * side, y * (side + 13) + 12))
        for text, x in label:
            draw.text((x * side + 1, y * (side + 13)), text, fill="black")
    out.save(path)


def contact(painter, prompts, path, seeds=(1, 2), across=3):
    """Prompts x seeds x 1, 2, 4 steps. Returns {(prompt, seed, steps): picture}."""
    made = {(p, s, n): painter.paint(p, s, n) for p in prompts for s in seeds for n in (1, 2, 4)}
    rows, labels = [], []
    for at in range(0, len(prompts), across):
        some = prompts[at : at + across]
        rows.append([made[p, s, n] for p in some for s in seeds for n in (1, 2, 4)])
        labels.append([(p[: 15 * len(seeds) * 3 - 2], i * len(seeds) * 3) for i, p in enumerate(some)])
    sheet(path, rows, labels, 80)
    return made


def recognised(gallery, pairs):
    """pairs of picture and accepted names -> [top-1 pixels, top-1 features, either among the first five]."""
    hits = numpy.zeros(3, dtype=int)
    for picture, accepted in pairs:
        pixels, edges = gallery.nearest(picture)
        hits += [pixels[0] in accepted, edges[0] in accepted, bool(set(pixels + edges) & accepted)]
    return [int(v) for v in hits] + [len(pairs)]


def intended(renderer, directions, index, seed, colour=-1):
    """The training picture that the first noise of this seed stands for."""
    look = directions @ numpy.random.default_rng(seed).standard_normal((1, 4, 16, 16)).reshape(-1)
    return numpy.asarray(renderer.render(look, pictures.Attributes(index, colour)))


def colour_of(picture):
    pixels = picture.astype(numpy.float32)
    away = numpy.abs(pixels - numpy.median(pixels[:3].reshape(-1, 3), axis=0)).max(-1) > 40
    return pixels[away].mean(0) if away.any() else pixels.mean((0, 1))


def colours(painter, renderer, directions, emoji, meant, kept_out, count=48):
    """How often a recoloured emoji has the mean colour nearest to that of its own recoloured picture, among the eleven colours."""
    draw = random.Random(3)
    wanted = [i for i, one in enumerate(emoji) if len(meant[one.name]) == 1 and not set(one.name.split()) & set(words.COLOURS)]
    pairs = [(i, c) for i in wanted for c in range(len(words.COLOURS)) if pictures.held_out(emoji[i].name, c) == kept_out]
    right = 0
    for seed, (index, colour) in enumerate(draw.sample(pairs, count)):
        painted = colour_of(painter.paint(f"{words.COLOURS[colour]} {emoji[index].name}", seed, 4))
        asked = [colour_of(intended(renderer, directions, index, seed, c)) for c in range(len(words.COLOURS))]
        right += int(numpy.argmin([numpy.square(painted - one).sum() for one in asked])) == colour
    return [right, count]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--names", type=int, default=120, help="how many emoji names are painted for the figures")
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    painter = Painter(arguments.folder, arguments.threads)
    emoji, junk = words.load_emoji()
    prompts, renderer = words.Prompts(emoji, junk, 0), pictures.Renderer(emoji)
    meant = prompts.meanings
    index_of = {one.name: index for index, one in enumerate(emoji)}
    gallery = Gallery(renderer)
    directions = look_directions(arguments.folder)
    figures = {"emoji": len(emoji), "gallery": len(set(gallery.names))}

    def accepted(name):
        return {emoji[i].name for i in meant[name]}

    made = contact(painter, PROMPTS, arguments.out / "contact.png")
    plain = [p for p in PROMPTS if p in meant]
    for steps in (1, 2, 4):
        figures[f"contact_{steps}"] = recognised(gallery, [(made[p, s, steps], accepted(p)) for p in plain for s in (1, 2)])
    names = [one.name for one in random.Random(5).sample(emoji, min(arguments.names, len(emoji))) if len(meant[one.name]) == 1]
    for steps in (1, 2, 4):
        painted = {name: painter.paint(name, 100 + i, steps) for i, name in enumerate(names)}
        targets = [intended(renderer, directions, index_of[name], 100 + i) for i, name in enumerate(names)]
        figures[f"names_{steps}"] = recognised(gallery, [(painted[name], accepted(name)) for name in names])
        differences = [painted[name].astype(float) - target for name, target in zip(names, targets)]
        figures[f"rmse_to_intended_{steps}"] = round(float(numpy.mean([numpy.sqrt(numpy.square(d).mean()) for d in differences])), 2)
        figures[f"sharpness_{steps}"] = round(float(numpy.mean([sharpness(p) for p in painted.values()])), 1)
        figures["sharpness_of_training_pictures"] = round(float(numpy.mean([sharpness(t) for t in targets])), 1)
    pairs = [(painter.paint(n, 1, 4).astype(float), painter.paint(n, 2, 4).astype(float)) for n in names[:40]]
    figures["deviation_between_seeds"] = round(float(numpy.mean([numpy.abs(a - b).mean() for a, b in pairs])), 2)
    figures["same_seed_repeats"] = bool((painter.paint("car", 3, 4) == painter.paint("car", 3, 4)).all())
    figures["long_prompts"] = recognised(
        gallery, [(painter.paint(LONG[i % len(LONG)].format(n), i, 4), accepted(n)) for i, n in enumerate(names[:40])]
    )
    said = [(i, word) for i, one in enumerate(emoji) for word in one.names[1:]]
    said = random.Random(6).sample(said, 40)
    figures["synonyms"] = recognised(gallery, [(painter.paint(w, i, 4), accepted(w)) for i, (_, w) in enumerate(said)])
    figures["held_out_colours"] = colours(painter, renderer, directions, emoji, meant, True)
    figures["trained_colours"] = colours(painter, renderer, directions, emoji, meant, False)
    rows, labels = [], []
    for source, prompt in REPAINT:
        picture = numpy.asarray(renderer.canonical(index_of[source]))
        rows.append([picture] + [painter.repaint(picture, prompt, strength, 1) for strength in (0.25, 0.5, 0.75, 1.0)])
        labels.append([(source, 0), (f"{prompt} at .25, .5, .75, 1", 1)])
    sheet(arguments.out / "img2img.png", rows, labels)
    (arguments.out / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


def look_directions(folder):
    """[6, 1024]: reads from the U-Net's weights how the first noise becomes a look."""
    import onnx
    from onnx import numpy_helper

    weights = {w.name: w for w in onnx.load(str(folder / "unet.onnx")).graph.initializer}
    for name, weight in weights.items():
        if sorted(weight.dims) == [pictures.LOOKS, 1024]:
            found = numpy_helper.to_array(weight).astype(numpy.float64)
            return found if found.shape[0] == pictures.LOOKS else found.T
    raise SystemExit(f"{folder}/unet.onnx holds no weights of {pictures.LOOKS} x 1024: was it made by this trainer?")


if __name__ == "__main__":
    main()
