#!/usr/bin/env python3
"""Makes src/image/testing/*_vectors.h: picture files and what an independent reader finds in them.

    python3 -m venv /tmp/pillow && /tmp/pillow/bin/pip install Pillow==12.3.0 piexif==1.1.3
    /tmp/pillow/bin/python tools/make_image_vectors.py && ./dev format

Pillow 13 resizes some pictures in the other order, which gives other last bits (src/image/resize.h).

PNG files are written here, bit by bit, since Pillow writes few of the variants; the pixels that are expected of
them follow from the samples. What is expected of the other files is what Pillow reads.
"""

import base64
import hashlib
import io
import pathlib
import random
import struct
import zlib

import piexif
import piexif.helper
from PIL import Image, ImageOps

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "src/image/testing"
NOTE = "// Made by tools/make_image_vectors.py, which says how; do not edit.\n"


def literal(data):
    """Bytes as a C++ string literal of base64, in several lines."""
    text = base64.b64encode(data).decode()
    return "\n".join(f'"{text[i:i + 88]}"' for i in range(0, max(len(text), 1), 88))


def sha256(data):
    return hashlib.sha256(bytes(data)).hexdigest()


# ---- PNG ----------------------------------------------------------------------------------------

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
SAMPLES = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
# Source: PNG (third edition) 8.2: first column, first row, column step, row step.
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def pack_row(samples, depth):
    if depth == 16:
        return b"".join(struct.pack(">H", s) for s in samples)
    out = bytearray()
    for start in range(0, len(samples), 8 // depth):
        byte = 0
        for i in range(8 // depth):
            sample = samples[start + i] if start + i < len(samples) else 0
            byte = byte << depth | sample
        out.append(byte)
    return bytes(out)


def png(size, colour, depth, rows, interlaced=False, before=(), after=()):
    """rows: per row a list of samples. before, after: (name, data) chunks around IDAT."""
    width, height = size
    each = SAMPLES[colour]
    raw = b""
    for x0, y0, dx, dy in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        if x0 >= width:
            continue
        for y in range(y0, height, dy):
            samples = [s for x in range(x0, width, dx) for s in rows[y][x * each : (x + 1) * each]]
            raw += b"\0" + pack_row(samples, depth)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    parts = [(b"IHDR", header), *before, (b"IDAT", zlib.compress(raw, 9)), *after, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, data) for name, data in parts)


def png_vectors(random_samples):
    size = (11, 9)
    for name, colour, depth, interlaced in [
        ("Grey1", GREY, 1, False), ("Grey2Interlaced", GREY, 2, True), ("Grey4", GREY, 4, False),
        ("Grey8", GREY, 8, False), ("Grey16Interlaced", GREY, 16, True), ("GreyAlpha8", GREY_ALPHA, 8, False),
        ("GreyAlpha16", GREY_ALPHA, 16, False), ("Rgb8", RGB, 8, False), ("Rgb8Interlaced", RGB, 8, True),
        ("Rgb16", RGB, 16, False), ("Rgba8", RGBA, 8, False), ("Rgba16Interlaced", RGBA, 16, True),
    ]:
        top = (1 << depth) - 1
        each = SAMPLES[colour]
        rows = [[random_samples.randint(0, top) for _ in range(size[0] * each)] for _ in range(size[1])]
        eight = [(2 * s * 255 + top) // (2 * top) for row in rows for s in row]
        channels = {GREY: 1, GREY_ALPHA: 4, RGB: 3, RGBA: 4}[colour]
        if colour == GREY_ALPHA:
            eight = [v for i in range(0, len(eight), 2) for v in [eight[i]] * 3 + [eight[i + 1]]]
        yield name, png(size, colour, depth, rows, interlaced), size, channels, eight
    yield from png_palette_vectors(random_samples, size)
    yield from png_transparent_vectors()


def png_palette_vectors(random_samples, size):
    for name, depth, interlaced, alphas in [
        ("Palette1", 1, False, []), ("Palette4Interlaced", 4, True, []), ("Palette8Transparent", 8, False, [0, 128, 7]),
    ]:
        colours = [[random_samples.randint(0, 255) for _ in range(3)] for _ in range(1 << min(depth, 6))]
        rows = [[random_samples.randrange(len(colours)) for _ in range(size[0])] for _ in range(size[1])]
        before = [(b"PLTE", bytes(v for colour in colours for v in colour))]
        if alphas:
            before.append((b"tRNS", bytes(alphas)))
            colours = [c + [alphas[i] if i < len(alphas) else 255] for i, c in enumerate(colours)]
        expected = [v for row in rows for s in row for v in colours[s]]
        yield name, png(size, PALETTE, depth, rows, interlaced, before), size, 4 if alphas else 3, expected


def png_transparent_vectors():
    rows = [[3, 7, 1], [7, 15, 0]]
    expected = [v for row in rows for s in row for v in [s * 17] * 3 + [0 if s == 7 else 255]]
    yield "Grey4Transparent", png((3, 2), GREY, 4, rows, before=[(b"tRNS", struct.pack(">H", 7))]), (3, 2), 4, expected
    rows = [[1, 2, 3, 4, 5, 6]]
    data = png((2, 1), RGB, 8, rows, before=[(b"tRNS", struct.pack(">HHH", 4, 5, 6))])
    yield "Rgb8Transparent", data, (2, 1), 4, [1, 2, 3, 255, 4, 5, 6, 0]


# ---- Pillow -------------------------------------------------------------------------------------


def smooth(size, mode):
    """A picture with slopes, an edge and some noise."""
    noise = random.Random(3)
    width, height = size
    picture = Image.new("RGBA", size)
    for y in range(height):
        for x in range(width):
            red = 255 * x // max(width - 1, 1)
            green = 255 * y // max(height - 1, 1)
            blue = 220 if (x + y) % 16 < 8 else 40
            picture.putpixel((x, y), (red, green, blue, min(255, 40 + 9 * x + noise.randint(0, 20))))
    return picture.convert("RGB").convert(mode) if mode in ("RGB", "L", "CMYK", "P") else picture


def saved(picture, kind, **options):
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def read(data, orient=False):
    picture = Image.open(io.BytesIO(data))
    if orient:
        picture = ImageOps.exif_transpose(picture)
    modes = {"L": "L", "RGBA": "RGBA", "CMYK": "RGB", "RGB": "RGB", "P": "RGB"}
    mode = "RGBA" if picture.mode == "P" and "transparency" in picture.info else modes[picture.mode]
    picture = picture.convert(mode)
    return picture.size, len(mode), picture.tobytes()


def without_adobe_marker(data):
    start = data.index(b"\xff\xee")
    return data[:start] + data[start + 2 + struct.unpack(">H", data[start + 2 : start + 4])[0] :]


def jpeg_vectors():
    size = (21, 18)
    cmyk = saved(smooth(size, "CMYK"), "JPEG", quality=90)
    ycck = cmyk.replace(b"Adobe\0d\0\0\0\0\0", b"Adobe\0d\0\0\0\0\2")
    assert ycck != cmyk
    yield "JpegGrey", saved(smooth(size, "L"), "JPEG")
    yield "JpegColour", saved(smooth(size, "RGB"), "JPEG")
    yield "JpegFullColour", saved(smooth(size, "RGB"), "JPEG", quality=95, subsampling=0)
    yield "JpegProgressive", saved(smooth(size, "RGB"), "JPEG", progressive=True)
    yield "JpegCmykOfAdobe", cmyk
    yield "JpegYcckOfAdobe", ycck


def webp_vectors():
    size = (21, 18)
    yield "WebpLossy", saved(smooth(size, "RGB"), "WEBP", quality=70)
    yield "WebpLossyAlpha", saved(smooth(size, "RGBA"), "WEBP", quality=70, exact=True)
    yield "WebpLossless", saved(smooth(size, "RGB"), "WEBP", lossless=True)
    yield "WebpLosslessAlpha", saved(smooth(size, "RGBA"), "WEBP", lossless=True, exact=True)
    frames = [smooth(size, "RGBA"), smooth(size, "RGBA").transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    yield "WebpAnimation", saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True, exact=True)


def gif_vectors():
    size = (21, 18)
    picture = smooth(size, "RGB").quantize(16)
    yield "GifInterlaced", saved(picture, "GIF", interlace=1)
    yield "GifPlain", saved(picture, "GIF", interlace=0)
    yield "GifTransparent", saved(picture, "GIF", transparency=5)
    yield "GifAnimation", saved(picture, "GIF", save_all=True, append_images=[picture.rotate(180)], duration=50)


def oriented_vectors():
    picture = smooth((16, 8), "L")
    for orientation in range(1, 9):
        exif = piexif.dump({"0th": {piexif.ImageIFD.Orientation: orientation}})
        yield f"Orientation{orientation}", saved(picture, "JPEG", exif=exif)
    exif = piexif.dump({"0th": {piexif.ImageIFD.Orientation: 6}})
    yield "WebpOrientation6", saved(smooth((16, 8), "RGB"), "WEBP", lossless=True, exif=exif)
    yield "PngOrientation6", saved(smooth((16, 8), "RGB"), "PNG", exif=exif)


def decode_vectors():
    for name, data, size, channels, pixels in png_vectors(random.Random(1)):
        yield "Png" + name, data, size, channels, pixels
    for name, data in [*jpeg_vectors(), *webp_vectors(), *gif_vectors()]:
        size, channels, pixels = read(data)
        yield name, data, size, channels, pixels
    for name, data in oriented_vectors():
        yield name, data, *read(data, orient=True)


def write_decode_vectors():
    entries = []
    for name, data, (width, height), channels, pixels in decode_vectors():
        assert len(pixels) == width * height * channels, name
        entries.append(f'    {{"{name}", {literal(data)}, {{{width}, {height}}}, {channels}, "{sha256(pixels)}"}},\n')
    (FOLDER / "decode_vectors.h").write_text(
        "#pragma once\n\n#include <string_view>\n\n#include \"image/picture.h\"\n\n" + NOTE
        + "namespace axle::image::testing {\n\n"
        "// A picture file and what is in it, orientation applied.\n"
        "struct DecodeVector {\n"
        "  std::string_view name;\n"
        "  std::string_view base64;  // Of the file.\n"
        "  Size size;\n"
        "  int channels;\n"
        "  std::string_view sha256;  // Of the pixels.\n"
        "};\n\n"
        "inline constexpr DecodeVector kDecodeVectors[] = {\n" + "".join(entries) + "};\n\n"
        "}  // namespace axle::image::testing\n"
    )


# ---- resizing -----------------------------------------------------------------------------------

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
RESIZE_CASES = [  # Size, box or None, new size.
    ((37, 23), None, (16, 16)),
    ((16, 16), None, (41, 29)),
    ((33, 20), None, (33, 9)),
    ((20, 33), None, (9, 33)),
    ((64, 48), None, (3, 2)),
    ((24, 24), None, (24, 24)),
    ((37, 23), (2.25, 1.5, 30.75, 17.125), (24, 24)),
    ((37, 23), (0.0, 0.0, 20.0, 23.0), (20, 23)),
]
FIT_CASES = [  # Size, new size.
    ((37, 23), (16, 16)), ((23, 37), (16, 16)), ((50, 20), (31, 64)), ((20, 50), (64, 31)), ((30, 20), (60, 40)),
    ((99, 5), (16, 16)), ((17, 16), (19, 16)),
]
BACKGROUND = (200, 100, 50, 128)


def noise_picture(size, channels):
    """The picture that testing::noise_picture() makes."""
    state = 1
    pixels = bytearray()
    for _ in range(size[0] * size[1] * channels):
        state = (state * 1664525 + 1013904223) % (1 << 32)
        pixels.append(state >> 24)
    return Image.frombytes(MODES[channels], size, bytes(pixels))


def write_resize_vectors():
    filters = ["NEAREST", "BOX", "BILINEAR", "HAMMING", "BICUBIC", "LANCZOS"]
    entries, fits = [], []
    for name in filters:
        kind = getattr(Image.Resampling, name)
        word = "Filter::k" + name.capitalize()
        for size, box, target in RESIZE_CASES:
            pixels = b"".join(noise_picture(size, c).resize(target, kind, box=box).tobytes() for c in MODES)
            part = ", ".join(f"{v}f" for v in box or (0.0, 0.0, *map(float, size)))
            entries.append(f'    {{{word}, {{{size[0]}, {size[1]}}}, {{{part}}}, {{{target[0]}, {target[1]}}}, "{sha256(pixels)}"}},\n')
    for size, target in FIT_CASES:
        cover = b"".join(ImageOps.fit(noise_picture(size, c), target, Image.Resampling.LANCZOS).tobytes() for c in MODES)
        contain = b""
        for c, mode in MODES.items():
            colour = Image.new("RGB", (1, 1), BACKGROUND[:3]).convert("L").getpixel((0, 0)) if c == 1 else BACKGROUND[:c]
            contain += ImageOps.pad(noise_picture(size, c), target, Image.Resampling.BICUBIC, color=colour).tobytes()
        fits.append(
            f'    {{{{{size[0]}, {size[1]}}}, {{{target[0]}, {target[1]}}}, "{sha256(cover)}", "{sha256(contain)}"}},\n'
        )
    (FOLDER / "resize_vectors.h").write_text(
        "#pragma once\n\n#include <string_view>\n\n#include \"image/picture.h\"\n#include \"image/resize.h\"\n\n" + NOTE
        + "namespace axle::image::testing {\n\n"
        "// The part `box` of noise_picture(from, channels) as `to`.\n"
        "struct ResizeVector {\n"
        "  Filter filter;\n"
        "  Size from;\n"
        "  Box box;\n"
        "  Size to;\n"
        "  std::string_view sha256;  // Of the pixels with 1, 3 and 4 channels, one after the other.\n"
        "};\n\n"
        "inline constexpr ResizeVector kResizeVectors[] = {\n" + "".join(entries) + "};\n\n"
        "// noise_picture(from, channels) fitted to `to`.\n"
        "struct FitVector {\n"
        "  Size from;\n"
        "  Size to;\n"
        "  std::string_view cover;    // fit_cover() with kLanczos; hashes as above.\n"
        "  std::string_view contain;  // fit_contain() with kBicubic on kFitBackground.\n"
        "};\n\n"
        "inline constexpr Colour kFitBackground{" + ", ".join(map(str, BACKGROUND)) + "};\n\n"
        "inline constexpr FitVector kFitVectors[] = {\n" + "".join(fits) + "};\n\n"
        "}  // namespace axle::image::testing\n"
    )


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    write_decode_vectors()
    write_resize_vectors()
