"""A tokenizer in CLIP's format (vocab.json, merges.txt), with merges learned from the painter's own words.

Format and order of work: Radford et al., CLIP (simple_tokenizer) as transformers' CLIPTokenizer has it: text in NFC, white space
collapsed, lower case, split into words, byte-level pairs merged by rank, the last symbol of a word ending in </w>. Ids: 256 bytes,
the same with </w>, the merges in order, <|startoftext|>, <|endoftext|>. Every word of the corpus becomes one token.
"""

import collections
import json
import pathlib
import unicodedata

LENGTH = 77
START, END = "<|startoftext|>", "<|endoftext|>"
CONTRACTIONS = ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d")


def byte_symbols():
    """GPT-2's printable stand-ins for the 256 bytes, in CLIP's order of ids."""
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    rest = [byte for byte in range(256) if byte not in keep]
    symbols = {byte: chr(byte) for byte in keep}
    symbols.update({byte: chr(256 + i) for i, byte in enumerate(rest)})
    return symbols


def split_words(text):
    """Contractions, runs of letters, single digits, runs of anything else."""
    out, at = [], 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        special = next((word for word in (START, END) + CONTRACTIONS if text.startswith(word, at)), None)
        end = at + (len(special) if special else 1)
        if not special:
            kind = unicodedata.category(text[at])[0]
            while kind != "N" and end < len(text) and not text[end].isspace():
                other = unicodedata.category(text[end])[0]
                if (other != "L") if kind == "L" else (other in "LN"):
                    break
                end += 1
        out.append(text[at:end])
        at = end
    return out


def learn_merges(words):
    """Pairs to merge, most frequent first, until each of `words` is one symbol."""
    symbols = byte_symbols()
    pieces = []
    for word in dict.fromkeys(words):
        piece = [symbols[byte] for byte in word.encode("utf-8")]
        piece[-1] += "</w>"
        pieces.append(piece)
    count, where = collections.Counter(), collections.defaultdict(set)
    for index, piece in enumerate(pieces):
        for pair in zip(piece, piece[1:]):
            count[pair] += 1
            where[pair].add(index)
    merges = []
    while count:
        best = max(count, key=lambda pair: (count[pair], pair))
        merges.append(best)
        for index in sorted(where.pop(best)):
            piece = pieces[index]
            for pair in zip(piece, piece[1:]):
                count[pair] -= 1
                where[pair].discard(index)
                if count[pair] <= 0:
                    del count[pair]
            pieces[index] = merged = merge(piece, best)
            for pair in zip(merged, merged[1:]):
                count[pair] += 1
                where[pair].add(index)
    return merges


def merge(piece, pair):
    out, at = [], 0
    while at < len(piece):
        if at + 1 < len(piece) and (piece[at], piece[at + 1]) == pair:
            out.append(piece[at] + piece[at + 1])
            at += 2
        else:
            out.append(piece[at])
            at += 1
    return out


class Tokenizer:
    def __init__(self, merges):
        self.symbols = byte_symbols()
        self.merges = [tuple(pair) for pair in merges]
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        singles = list(self.symbols.values())
        names = singles + [symbol + "</w>" for symbol in singles] + ["".join(pair) for pair in self.merges] + [START, END]
        self.ids = {name: index for index, name in enumerate(names)}
        self.start, self.end = self.ids[START], self.ids[END]
        self.cache = {}

    @classmethod
    def load(cls, folder):
        lines = (pathlib.Path(folder) / "merges.txt").read_text(encoding="utf-8").splitlines()[1:]
        return cls([tuple(line.split(" ")) for line in lines if line])

    def save(self, folder):
        folder = pathlib.Path(folder)
        with open(folder / "vocab.json", "w", encoding="utf-8") as file:
            json.dump(self.ids, file, ensure_ascii=False)
        lines = ["#version: 0.2"] + [" ".join(pair) for pair in self.merges]
        (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def word(self, word):
        if word in self.cache:
            return self.cache[word]
        if word in (START, END):
            return [self.ids[word]]
        piece = [self.symbols[byte] for byte in word.encode("utf-8")]
        piece[-1] += "</w>"
        while len(piece) > 1:
            best = min(zip(piece, piece[1:]), key=lambda pair: self.ranks.get(pair, len(self.ranks)))
            if best not in self.ranks:
                break
            piece = merge(piece, best)
        if len(self.cache) < 100000:
            self.cache[word] = [self.ids[symbol] for symbol in piece]
        return [self.ids[symbol] for symbol in piece]

    def encode(self, text):
        """77 ids: start, at most 75 of the text, end, and end again as padding."""
        text = " ".join(unicodedata.normalize("NFC", text).split()).lower()
        body = [token for word in split_words(text) for token in self.word(word)][: LENGTH - 2]
        return [self.start] + body + [self.end] * (LENGTH - 1 - len(body))
