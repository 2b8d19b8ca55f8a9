"""Renders the training pictures: emoji of Noto Color Emoji, recoloured, turned, moved, on backgrounds.

How a picture looks beside its attributes is decided by six standard normal numbers, its look. The painter reads the same six
numbers from the first noise of a request (models.look_directions), so each seed has a look of its own. Poses are few: a small
network remembers a few sharp pictures better than all places between them.
"""

import math
import multiprocessing
import pathlib
import random
import zlib
from dataclasses import dataclass

import numpy
from PIL import Image, ImageDraw, ImageFont

import words

SIDE = 128
FONT = pathlib.Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
FONT_SIZE = 109  # The one size of the font's bitmaps.
LOOKS = 6
CHOICE, FLIP, POSE, BACKGROUND, TINT, SHADE = range(LOOKS)
POSES = [(0.9, 0, 0, 0), (0.78, -7, 5, -9), (0.78, 7, -5, 9)]  # Scale, pixels to the right and down, degrees.
LOOK_BANK = 2048  # Looks that pictures share, so that two emoji in the same pose can be found.
HUES = {"red": 0, "orange": 24, "yellow": 48, "green": 110, "blue": 215, "purple": 275, "pink": 335, "brown": 22}
BACKGROUND_RGB = {
    "white": (255, 255, 255), "red": (238, 96, 92), "orange": (250, 176, 88), "yellow": (252, 232, 120), "green": (140, 210, 130),
    "blue": (128, 178, 246), "purple": (182, 146, 230), "pink": (250, 178, 208), "gray": (178, 182, 188), "black": (36, 36, 40),
}  # fmt: skip


@dataclass
class Attributes:
    emoji: int
    colour: int = -1  # Index in words.COLOURS, -1 as it is.
    background: int = -1  # Index in words.BACKGROUNDS, -1 as the look has it.
    size: int = 0  # Key of words.SIZES, 0 as the look has it.
    place: int = 0  # Key of words.PLACES, 0 as the look has it.


def held_out(emoji_name, colour):
    """True for the eighth of all (emoji, colour) pairs that is never shown in training."""
    if "apple" in emoji_name:
        return colour == words.COLOURS.index("blue")
    return zlib.crc32(f"{emoji_name}/{colour}".encode()) % 8 == 0


def uniform(normal):
    """The share of a standard normal distribution below `normal`."""
    return 0.5 * (1 + math.erf(normal / math.sqrt(2)))


def look_bank():
    return numpy.random.default_rng(7).standard_normal((LOOK_BANK, LOOKS)).astype(numpy.float32)


def glyph(font, character):
    """The emoji in the middle of a transparent 160x160 picture."""
    box = Image.new("RGBA", (200, 200))
    ImageDraw.Draw(box).text((20, 20), character, font=font, embedded_color=True)
    bounds = box.getbbox()
    if bounds is None:
        return None
    box = box.crop(bounds)
    out = Image.new("RGBA", (160, 160))
    out.paste(box, ((160 - box.width) // 2, (160 - box.height) // 2))
    return out


def recolour(picture, colour):
    """The emoji with its main colour turned into `colour`; small parts of other hues stay."""
    red, green, blue, alpha = (numpy.asarray(band, dtype=numpy.float32) for band in picture.split())
    hsv = numpy.asarray(Image.merge("RGB", picture.split()[:3]).convert("HSV"), dtype=numpy.float32)
    hue, saturation, value = hsv[..., 0] * (360 / 255), hsv[..., 1] / 255, hsv[..., 2] / 255
    weight = saturation * value * (alpha > 128)
    visible = max(1.0, float((alpha > 128).sum()))
    name = words.COLOURS[colour]
    if weight.sum() / visible < 0.12:  # Grey all over: every pixel takes the colour.
        mine = numpy.ones_like(hue)
        new_saturation = 0.75 * (1 - 0.6 * numpy.maximum(0, value - 0.75) / 0.25)
        turned = numpy.zeros_like(hue)
    else:
        histogram, _ = numpy.histogram(hue, bins=36, range=(0, 360), weights=weight)
        smooth = histogram + numpy.roll(histogram, 1) + numpy.roll(histogram, -1)
        main = (int(smooth.argmax()) + 0.5) * 10
        turned = (hue - main + 180) % 360 - 180
        mine = numpy.clip((58 - numpy.abs(turned)) / 14, 0, 1) * numpy.clip(saturation * 5, 0, 1)
        new_saturation = numpy.clip(saturation, 0, 1)
    new_hue, new_value = HUES.get(name, 0) + 0.4 * turned, value
    if name in ("black", "gray", "white"):
        low, span = {"black": (0.06, 0.3), "gray": (0.3, 0.45), "white": (0.66, 0.34)}[name]
        new_saturation, new_value = new_saturation * 0.06, low + span * value
    elif name == "brown":
        new_saturation, new_value = numpy.clip(new_saturation * 0.95, 0, 0.8), value * 0.58
    elif name == "pink":
        new_saturation, new_value = new_saturation * 0.58, numpy.clip(value * 0.3 + 0.7, 0, 1)
    else:
        new_saturation = numpy.clip(new_saturation * 1.1, 0, 1)
        if name in ("red", "blue", "purple", "green"):
            new_value = value * (0.8 if name == "green" else 0.92)
    turned_rgb = hsv_to_rgb(new_hue % 360, new_saturation, numpy.clip(new_value, 0, 1)) * 255
    old = numpy.stack([red, green, blue], axis=-1)
    mixed = old + (turned_rgb - old) * mine[..., None]
    return Image.fromarray(numpy.concatenate([mixed, alpha[..., None]], axis=-1).round().clip(0, 255).astype(numpy.uint8))


def hsv_to_rgb(hue, saturation, value):
    """hue in degrees, the others in [0, 1]; arrays of one shape. Returns that shape + [3], in [0, 1]."""
    bands = []
    for offset in (5, 3, 1):
        k = (offset + hue / 60) % 6
        bands.append(value - value * saturation * numpy.clip(numpy.minimum(k, 4 - k), 0, 1))
    return numpy.stack(bands, axis=-1)


def background_rgb(look, named):
    if named >= 0:
        return BACKGROUND_RGB[words.BACKGROUNDS[named]]
    share = uniform(look[BACKGROUND])
    if share < 0.4:
        return (255, 255, 255)
    hue = (share - 0.4) / 0.6 * 360
    return tuple(int(round(255 * band)) for band in hsv_to_rgb(numpy.float64(hue), numpy.float64(0.3), numpy.float64(0.97)))


def shade_matrix(look):
    """RGB to RGB, as Image.convert takes it: turns the hue by up to 14 degrees and scales brightness by 0.84 to 1.1."""
    angle = math.radians((uniform(look[TINT]) - 0.5) * 28)
    gain = 0.84 + 0.26 * uniform(look[SHADE])
    cos, sin = math.cos(angle), math.sin(angle) / math.sqrt(3)
    rows = []
    for row in range(3):
        line = []
        for column in range(3):
            turn = (cos if row == column else 0) + (1 - cos) / 3
            if row != column:
                turn += -sin if (column - row) % 3 == 1 else sin
            line.append(turn * gain)
        rows += line + [0]
    return tuple(rows)


def compose(emoji_picture, look, attributes):
    """A 128x128 RGB picture of an RGBA emoji in a look."""
    scale, x, y, turn = POSES[min(len(POSES) - 1, int(uniform(look[POSE]) * len(POSES)))]
    if attributes.size == 1:
        scale, x, y = 0.6 * scale, 2.5 * x, 2.5 * y
    elif attributes.size == 2:
        scale, x, y = scale + 0.12, 0, 0
    far = 26 if attributes.size == 1 else 12
    x = {1: -far, 2: far}.get(attributes.place, x)
    y = {3: -far, 4: far}.get(attributes.place, y)
    turn = math.radians(turn)
    flip = -1 if look[FLIP] < 0 else 1
    source = emoji_picture
    shrink = 1.0
    if scale < 0.6:
        source, shrink = emoji_picture.resize((96, 96), Image.Resampling.LANCZOS), 0.6
    middle, cos, sin = source.width / 2, math.cos(turn) / scale * shrink, math.sin(turn) / scale * shrink
    # Where in the source the pixel (i, j) of the result lies.
    a, b = flip * cos, flip * sin
    dx, dy = SIDE / 2 + x, SIDE / 2 + y
    affine = (a, b, middle - a * dx - b * dy, -sin, cos, middle + sin * dx - cos * dy)
    placed = source.transform((SIDE, SIDE), Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC)
    shaded = Image.merge("RGB", placed.split()[:3]).convert("RGB", shade_matrix(look))
    out = Image.new("RGB", (SIDE, SIDE), background_rgb(look, attributes.background))
    out.paste(shaded, (0, 0), placed.getchannel("A"))
    return out


class Renderer:
    """Renders pictures of one list of emoji; keeps the recoloured ones it made last."""

    def __init__(self, emoji, font=FONT):
        self.font = ImageFont.truetype(str(font), FONT_SIZE)
        self.emoji = emoji
        self.kept = {}

    def source(self, index, colour):
        if (index, colour) not in self.kept:
            if len(self.kept) > 64:
                self.kept.clear()
            if (index, -1) not in self.kept:
                self.kept[index, -1] = glyph(self.font, self.emoji[index].character)
            if colour >= 0:
                self.kept[index, colour] = recolour(self.kept[index, -1], colour)
        return self.kept[index, colour]

    def render(self, look, attributes):
        return compose(self.source(attributes.emoji, attributes.colour), look, attributes)

    def canonical(self, index):
        """The emoji as the font has it, in the middle of a white picture."""
        look = numpy.zeros(LOOKS)
        look[FLIP], look[BACKGROUND], look[SHADE], look[POSE] = 1, -3, 0.3, -3
        return self.render(look, Attributes(index))


def plan(emoji, per_emoji, seed=11):
    """Attributes and looks of all pictures: int16 [n, 6] (emoji, colour, background, size, place, look in the bank)."""
    draw = random.Random(seed)
    rows = []
    for index, one in enumerate(emoji):
        shown = [c for c in range(len(words.COLOURS)) if not held_out(one.name, c)]
        for number in range(per_emoji):
            colour = draw.choice(shown) if number % 10 in (1, 4, 7) else -1
            background = draw.randrange(len(words.BACKGROUNDS)) if draw.random() < 0.18 else -1
            chance = draw.random()
            size = 1 if chance < 0.08 else 2 if chance < 0.13 else 0
            place = draw.randint(1, 4) if draw.random() < (0.6 if size == 1 else 0.03) else 0
            rows.append((index, colour, background, size, place, draw.randrange(LOOK_BANK)))
    return numpy.array(rows, dtype=numpy.int16)


def _render_some(task):
    path, emoji, rows, begin, end = task
    renderer, bank = Renderer(emoji), look_bank()
    pixels = numpy.load(path, mmap_mode="r+")
    order = sorted(range(begin, end), key=lambda i: (rows[i][0], rows[i][1]))
    for i in order:
        emoji_index, colour, background, size, place, look = (int(v) for v in rows[i])
        pixels[i] = numpy.asarray(renderer.render(bank[look], Attributes(emoji_index, colour, background, size, place)))
    pixels.flush()


def render_pool(emoji, rows, path, processes=2):
    """Renders all planned pictures into the .npy file `path`, uint8 [n, 128, 128, 3]."""
    numpy.lib.format.open_memmap(path, mode="w+", dtype=numpy.uint8, shape=(len(rows), SIDE, SIDE, 3)).flush()
    per_task = max(1, len(rows) // (16 * processes))
    tasks = [(path, emoji, rows, at, min(at + per_task, len(rows))) for at in range(0, len(rows), per_task)]
    pool = multiprocessing.Pool(processes)
    pool.map(_render_some, tasks, chunksize=1)
    pool.close()
    pool.join()
