#!/usr/bin/env python3
"""Compares axle's token ids with llama.cpp's, text by text, on the vocabulary of a GGUF file.

    tools/compare_tokenizers.py --axle build/dev/bin/axle_tokenize --llama DIR MODEL.gguf ...

DIR is a build directory of llama.cpp (static libraries); its sources are found from its CMake cache. Needs only
Python's standard library and a C++ compiler. The texts are made from a fixed seed, so two runs compare the same.
Exit status 1 when any text differs.
"""

import argparse
import glob
import os
import random
import struct
import subprocess
import sys
import tempfile

# --- GGUF metadata -------------------------------------------------------------------------------

SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
TEXT, ARRAY = 8, 9


class Gguf:
    """The key-value part of a GGUF file (versions 2 and 3)."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.file = file
            if file.read(4) != b"GGUF":
                raise SystemExit(f"{path}: not a GGUF file")
            self.number("<I")
            self.number("<Q")
            count = self.number("<Q")
            self.values = {}
            for _ in range(count):
                key = self.text().decode()
                self.values[key] = self.value(self.number("<I"))

    def number(self, form):
        return struct.unpack(form, self.file.read(struct.calcsize(form)))[0]

    def text(self):
        return self.file.read(self.number("<Q"))

    def value(self, kind):
        if kind == TEXT:
            return self.text()
        if kind == ARRAY:
            kind, count = self.number("<I"), self.number("<Q")
            return [self.value(kind) for _ in range(count)]
        return self.number(SCALARS[kind])

    def get(self, name, default):
        return self.values.get("tokenizer.ggml." + name, default)


def pack_text(text):
    return struct.pack("<I", len(text)) + text


def pack_vocabulary(gguf):
    """The blocks that axle_tokenize reads."""
    tokens, types = gguf.get("tokens", []), gguf.get("token_type", [])
    scores, merges = gguf.get("scores", []), gguf.get("merges", [])
    parts = [struct.pack("<I", len(tokens)), *map(pack_text, tokens)]
    parts += [struct.pack(f"<I{len(types)}i", len(types), *types)]
    parts += [struct.pack(f"<I{len(scores)}f", len(scores), *scores)]
    parts += [struct.pack("<I", len(merges)), *map(pack_text, merges)]
    parts += [pack_text(gguf.get("pre", b"")), pack_text(gguf.get("model", b""))]
    parts += [struct.pack("<I", 1 if gguf.get("add_space_prefix", True) else 0)]
    return b"".join(parts)


# --- Texts ---------------------------------------------------------------------------------------

PHRASES = """The quick brown fox jumps over the lazy dog.
I'm sure they've said we'll go, she'd know; it's John's, DON'T YOU'RE?
Wie schön, daß Größe übermäßig zählt – „Grüße“!
L'été où j'ai vu l'œuvre, ça m'a plu à l'école.
¿Dónde está el niño? ¡Mañana, señor!
Привет, как дела? Съешь ещё этих мягких французских булок.
Γειά σου Κόσμε, τι κάνεις σήμερα;
שלום עולם, מה שלומך היום?
مرحبا بالعالم، كيف حالك اليوم؟ ١٢٣٤٥
नमस्ते दुनिया, आप कैसे हैं? १२३४५
สวัสดีชาวโลก คุณเป็นอย่างไรบ้าง
你好，世界！今天天气怎么样？三百二十一。
こんにちは世界。今日はいい天気ですね、カタカナも。
안녕하세요 세계, 오늘 날씨가 어때요?
Xin chào thế giới, hôm nay bạn thế nào?
Merhaba dünya, İstanbul'da ığüşöç ne haber?
ሰላም ልዑል Հայերեն ქართული ଓଡ଼ିଆ
e\u0301 a\u0308 o\u0302\u0323 n\u0303 \u1e69 s\u0323\u0307 \u212b \ufb01
👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪🇯🇵 ❤️ 😀😃 🤷‍♀️ ☕️ 1️⃣
def f(x: int) -> str:\n    return f"{x!r:>{10}}"  # comment\n
for (int i = 0; i < n; ++i) { a[i] = b[i] * 2.5e-3f; }\n
SELECT * FROM t WHERE a != 'it''s' AND b >= 10;\n
<div class="a b"><p>Hello&nbsp;world</p></div>
{"key": [1, 2.0, null, true], "text": "a\\n\\"b\\""}
https://example.org/path?q=a%20b&c=d#frag user@example.com
$$\\int_0^1 x^2\\,dx = \\frac{1}{3}$$ \\alpha\\beta
3.14159 1,234,567.89 0xDEADBEEF 1e-10 2024-02-29 12:34:56 ½ ² Ⅷ ٣ 四
+++ --- *** === ~~~ ### @@@ !!! ??? ... ,,, ;;; ::: ((())) [[[]]] {{{}}} <<<>>> |||
a_b_c camelCase PascalCase SCREAMING_CASE kebab-case file.name.txt""".split("\n")

SPACES = [" ", "  ", "   ", "    ", "\t", "\t\t", "\n", "\n\n", "\n\n\n", "\r\n", "\r", " \n", "\n ", "\u00a0",
          "\u2003", "\u3000", "\u200b", "\u2028", "\v", "\f", "        ", " \t \n \r\n  "]
CONTROL = [chr(code) for code in range(1, 32)] + ["\x7f", "\x80", "\x9f", "\ufeff", "\ufffd", "\ufffe", "\u00ad"]


def random_letters(rng):
    """Some code points of one block of Unicode."""
    ranges = [(0x20, 0x7e), (0xa0, 0x24f), (0x250, 0x36f), (0x370, 0x52f), (0x590, 0x6ff), (0x900, 0xdff),
              (0xe00, 0xfff), (0x1000, 0x1fff), (0x2000, 0x2bff), (0x3000, 0x30ff), (0x4e00, 0x9fff), (0xac00, 0xd7a3),
              (0xe000, 0xe0ff), (0xfb00, 0xffef), (0x10000, 0x107ff), (0x1d400, 0x1d7ff), (0x1f300, 0x1faff),
              (0x20000, 0x2a6df), (0xe0100, 0xe01ef)]
    low, high = rng.choice(ranges)
    return "".join(chr(rng.randint(low, high)) for _ in range(rng.randint(1, 8)))


def digits(rng):
    return "".join(rng.choice("0123456789") for _ in range(rng.randint(1, 12)))


def word(rng):
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    text = "".join(rng.choice(letters) for _ in range(rng.randint(1, 10)))
    return rng.choice([text, text.capitalize(), text.upper(), text + "'s", text + "'LL"])


def make_texts(count, specials):
    """`count` different texts, beginning with fixed ones."""
    rng = random.Random(20241122)
    phrases = [phrase.encode().decode("unicode_escape").encode("latin-1").decode("utf-8")
               if "\\n" in phrase and phrase.isascii() else phrase for phrase in PHRASES]
    fixed = [*phrases, *SPACES, *CONTROL, *specials, "", "a", "'", "''s", " 's", "\n" * 50, " " * 100, "a" * 300,
             "0" * 40, "é" * 40, "漢" * 40, "😀" * 20, *(left + right for left in SPACES for right in ("a", "1", "!"))]
    parts = [lambda: rng.choice(phrases), lambda: rng.choice(SPACES), lambda: random_letters(rng), lambda: digits(rng),
             lambda: word(rng), lambda: " " + word(rng), lambda: rng.choice(specials or [""]),
             lambda: rng.choice(CONTROL), lambda: rng.choice("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
             lambda: rng.choice(phrases)[rng.randint(0, 9):][:rng.randint(1, 12)]]
    texts = dict.fromkeys(fixed)
    while len(texts) < count:
        texts["".join(rng.choice(parts)() for _ in range(rng.randint(1, 16)))] = None
    return list(texts)[:count]


# --- Running both ----------------------------------------------------------------------------------

def build_oracle(build_dir, target):
    """Compiles llama_tokenize.cc against the libraries below `build_dir`."""
    with open(os.path.join(build_dir, "CMakeCache.txt"), encoding="utf-8") as cache:
        sources = next(line.split("=", 1)[1].strip() for line in cache if line.startswith("CMAKE_HOME_DIRECTORY"))
    libraries = [path for name in ("libllama.a", "libggml.a", "libggml-cpu.a", "libggml-base.a")
                 for path in glob.glob(os.path.join(build_dir, "**", name), recursive=True)]
    if len(libraries) < 4:
        raise SystemExit(f"{build_dir}: no static libllama.a and libggml*.a (build with -DBUILD_SHARED_LIBS=OFF)")
    here = os.path.dirname(os.path.abspath(__file__))
    subprocess.run(["c++", "-std=c++17", "-O1", os.path.join(here, "llama_tokenize.cc"),
                    "-I", os.path.join(sources, "include"), "-I", os.path.join(sources, "ggml", "include"),
                    "-Wl,--start-group", *libraries, "-Wl,--end-group", "-fopenmp", "-lpthread", "-ldl", "-lm",
                    "-o", target], check=True)


def tokens_by(command, texts):
    data = b"".join(pack_text(text.encode()) for text in texts)
    lines = subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout.decode().split("\n")[:-1]
    if len(lines) != len(texts):
        raise SystemExit(f"{command[0]}: {len(lines)} answers to {len(texts)} texts")
    return lines


def special_names(gguf):
    """Names of tokens that are looked for in text: a few of each kind."""
    kinds = gguf.get("token_type", [])
    names = [name.decode() for name, kind in zip(gguf.get("tokens", []), kinds) if kind in (3, 4)]
    return names[:12] + names[-4:]


def compare(model, arguments, oracle, directory):
    """Prints what differs; returns how many texts do."""
    gguf = Gguf(model)
    vocabulary = os.path.join(directory, "model.vocab")
    with open(vocabulary, "wb") as file:
        file.write(pack_vocabulary(gguf))
    texts = make_texts(arguments.count, special_names(gguf))
    wrong = 0
    for mode in ("parse", "plain"):
        theirs = tokens_by([oracle, model, mode], texts)
        ours = tokens_by([arguments.axle, vocabulary, mode], texts)
        differing = [i for i in range(len(texts)) if ours[i][2:] != theirs[i]]
        back = sum(line.startswith("=") for line in ours)
        total = sum(len(line.split()) for line in theirs)
        print(f"{os.path.basename(model)} ({gguf.get('model', b'').decode()}, {gguf.get('pre', b'').decode()}), {mode}: "
              f"{len(texts)} texts, {total} tokens, {len(differing)} differ; {back} decode to their text")
        for i in differing[:arguments.show]:
            print(f"  {texts[i]!r}\n    axle      {ours[i][2:]}\n    llama.cpp {theirs[i]}")
        wrong += len(differing)
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL.gguf")
    parser.add_argument("--axle", required=True, help="path of axle_tokenize")
    parser.add_argument("--llama", required=True, help="a build directory of llama.cpp")
    parser.add_argument("--count", type=int, default=4000, help="how many texts (4000)")
    parser.add_argument("--show", type=int, default=5, help="how many differing texts to print (5)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        oracle = os.path.join(directory, "llama_tokenize")
        build_oracle(arguments.llama, oracle)
        wrong = sum([compare(model, arguments, oracle, directory) for model in arguments.models])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
