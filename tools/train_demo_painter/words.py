"""What the demo painter is taught to paint, and the prompts that ask for it.

Names and characters come from Unicode CLDR (Debian unicode-cldr-core); emoji.txt chooses among them and adds everyday words.
A prompt is words around one name: colour, size, background, place, fillers that mean nothing here, and junk.
"""

import pathlib
import random
import re
import xml.etree.ElementTree
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent
CLDR_ANNOTATIONS = pathlib.Path("/usr/share/unicode/cldr/common/annotations/en.xml")

COLOURS = ["red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "gray"]
COLOUR_WORDS = {"gray": ["gray", "grey", "silver"], "purple": ["purple", "violet"], "blue": ["blue", "blue", "blue colored"]}
BACKGROUNDS = ["white", "red", "orange", "yellow", "green", "blue", "purple", "pink", "gray", "black"]
SIZES = {1: ["small", "tiny", "little"], 2: ["big", "large", "huge", "giant"]}
PLACES = {1: ["on the left", "left side"], 2: ["on the right", "right side"], 3: ["at the top", "top"], 4: ["at the bottom", "bottom"]}

# What is painted when a prompt holds no word that is known; the seed chooses.
POPULAR = ["grinning face", "red heart", "star", "cat face", "sunflower", "red apple", "rocket", "rainbow"]

LEADS = """a|an|the|one|my|a photo of a|a photo of an|photo of|a picture of a|a picture of the|picture of|an image of a|image of|a drawing
of a|drawing of|a painting of a|an illustration of a|illustration of|a portrait of a|a close up of a|an emoji of a|emoji of|icon of a|draw
a|draw|paint a|paint me a|please draw a|please paint a|show me a|i want a|generate a|create an image of a|make a picture of a|a sketch of
a|a cartoon of a|a sticker of a|a render of a|can you draw a|a single|there is a|this is a|here is a""".replace("\n", " ").split("|")
PRAISE = """beautiful|cute|nice|lovely|pretty|wonderful|funny|detailed|realistic|colorful|amazing|simple|elegant|fancy|fresh|perfect|cartoon|shiny
|adorable|stunning|fantastic|great|friendly|classic|modern|vintage|glossy|stylish|delicate|magical|real|typical|single|very nice|very
cute|fluffy|soft|super""".replace("\n", " ").split("|")
FILLERS = """highly detailed|8k|4k|hd|masterpiece|best quality|digital art|trending on artstation|sharp focus|studio lighting|cinematic
lighting|intricate|ultra realistic|photorealistic|professional photography|award winning|concept art|vector art|flat design|sticker|clip
art|cartoon style|watercolor|oil painting|in the style of van gogh|by greg rutkowski|unreal engine|octane render|3d render|soft
light|vibrant colors|bokeh|minimalist|high resolution|isolated|centered|emoji|icon|pixel art|hdr|kawaii|fantasy|vivid|wallpaper|high
quality|ultra detailed|dramatic lighting|beautiful composition|extremely detailed|artstation|deviantart|illustration|digital
painting|anime style|realistic|simple|smooth|professional|photo|photograph|drawing|in a garden|on a table|in the park|in the kitchen|at
home|outside|full body|close up|front view|side view|dslr|35mm|depth of field|volumetric light|elegant|epic|cute|beautiful|very
detailed|crisp|clean lines|logo|poster|sitting|standing|alone|for kids|childrens book|comic|hand drawn""".replace("\n", " ").split("|")
BACKGROUND_PHRASES = ["on a {} background", "{} background", "with a {} background", "in front of a {} background", "on {}"]


@dataclass
class Emoji:
    name: str
    character: str
    names: list  # Everyday names, the CLDR name first.
    keywords: list  # Further CLDR keywords that belong to at most two of the chosen emoji.


def plain(text):
    return text.strip().lower().replace("’", "'")


def read_cldr(path=CLDR_ANNOTATIONS):
    """Returns name -> character and character -> keywords. Source: CLDR annotations, UTS #35 part 2, section 14."""
    characters, keywords = {}, {}
    for entry in xml.etree.ElementTree.parse(path).iter("annotation"):
        character = entry.get("cp")
        if entry.get("type") == "tts":
            characters[plain(entry.text)] = character
        else:
            keywords[character] = [plain(word) for word in entry.text.split("|")]
    return characters, keywords


def load_emoji(cldr=CLDR_ANNOTATIONS, listing=HERE / "emoji.txt"):
    """Returns the chosen emoji and CLDR words that stand for none of them."""
    characters, keywords = read_cldr(cldr)
    chosen = []
    for line in listing.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, others = line.split(":", 1)
        name = plain(name)
        if name not in characters:
            print(f"words: CLDR has no emoji named {name!r}; left out")
            continue
        names = [name] + [plain(other) for other in others.split(",") if other.strip()]
        chosen.append(Emoji(name, characters[name], names, []))
    taken = {name for emoji in chosen for name in emoji.names}
    owners = {}
    for emoji in chosen:
        for word in keywords.get(emoji.character, []):
            owners.setdefault(word, []).append(emoji)
    for word, mine in owners.items():
        if word not in taken and len(mine) <= 2 and re.fullmatch(r"[a-z' -]+", word):
            for emoji in mine:
                emoji.keywords.append(word)
    known = {part for emoji in chosen for name in emoji.names + emoji.keywords for part in re.findall("[a-z]+", name)}
    all_words = {part for words in keywords.values() for word in words for part in re.findall("[a-z]+", word)}
    return chosen, sorted(all_words - known - corpus_of_phrases())


def corpus_of_phrases():
    phrases = LEADS + PRAISE + FILLERS + BACKGROUND_PHRASES + COLOURS + BACKGROUNDS
    phrases += [word for group in (COLOUR_WORDS, SIZES, PLACES) for words in group.values() for word in words]
    return {part for phrase in phrases for part in re.findall(r"[a-z]+|[0-9]", phrase)}


class Prompts:
    """Draws prompts for pictures. Not for threads: each user has its own, with its own generator."""

    def __init__(self, emoji, junk, seed):
        self.emoji = emoji
        self.junk = junk
        self.random = random.Random(seed)
        self.meanings = {}  # name -> indexes of the emoji that it may stand for
        for index, one in enumerate(emoji):
            for name in one.names + one.keywords:
                self.meanings.setdefault(name, []).append(index)
        index_of = {one.name: index for index, one in enumerate(emoji)}
        self.popular = [index_of[name] for name in POPULAR if name in index_of]

    def corpus(self):
        """Every word that training prompts are made of, junk aside, most important first."""
        names = [part for name in self.meanings for part in re.findall(r"[a-z]+|[^\sa-z]", name)]
        return list(dict.fromkeys(names + sorted(corpus_of_phrases())))

    def name_for(self, index, coloured):
        one = self.emoji[index]
        draw = self.random.random()
        if draw < 0.4 or (len(one.names) == 1 and not one.keywords):
            name = one.names[0]
        elif one.keywords and (draw > 0.92 or len(one.names) == 1):
            name = self.random.choice(one.keywords)
        else:
            name = self.random.choice(one.names)
        if coloured and set(name.split()) & set(COLOURS):
            others = [other for other in one.names if not set(other.split()) & set(COLOURS)]
            name = self.random.choice(others) if others else " ".join(w for w in name.split() if w not in COLOURS) or name
        return name

    def junk_word(self):
        if self.random.random() < 0.6:
            return self.random.choice(self.junk)
        return "".join(self.random.choice("bcdfghjklmnprstvwz" if i % 2 else "aeiou") for i in range(self.random.randint(3, 9)))

    def draw(self, index, colour=-1, background=-1, size=0, place=0):
        """Returns a prompt for emoji `index`, and the indexes of all that the same words may stand for."""
        choose, chance = self.random.choice, self.random.random
        name = self.name_for(index, colour >= 0)
        words = [name]
        if colour >= 0:
            said = COLOURS[colour]
            words.insert(0, choose(COLOUR_WORDS.get(said, [said])))
        if size:
            words.insert(0, choose(SIZES[size]))
        style = chance()
        if style > 0.7:
            words.insert(0 if chance() < 0.8 else len(words) - 1, choose(PRAISE))
            if chance() < 0.3:
                words.insert(0, choose(PRAISE))
        if style > 0.35:
            lead = choose(LEADS)
            if lead.endswith("a") and words[0][0] in "aeiou" and chance() < 0.8:
                lead += "n"
            words.insert(0, lead)
        parts = [" ".join(words)]
        if background >= 0:
            parts.append(choose(BACKGROUND_PHRASES).format(BACKGROUNDS[background]))
        if place:
            parts.append(choose(PLACES[place]))
        text = choose([" ", ", "]).join(parts)
        if chance() < 0.4:
            text += ", " + ", ".join(choose(FILLERS) for _ in range(int(1 + 10 * chance() ** 2)))
        elif chance() < 0.1:
            text = choose(FILLERS) + ", " + text
        if chance() < 0.15:
            split = text.split(" ")
            for _ in range(1 if chance() < 0.7 else 3):
                split.insert(self.random.randrange(len(split) + 1), self.junk_word())
            text = " ".join(split)
        return text, self.meanings.get(name, [index])

    def draw_unknown(self):
        """A prompt of which no word is known."""
        words = [self.junk_word() for _ in range(self.random.randint(1, 4))]
        lead = [self.random.choice(LEADS)] if self.random.random() < 0.4 else []
        return " ".join(lead + words), self.popular
