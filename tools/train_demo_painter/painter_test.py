#!/usr/bin/env python3
"""Words and tokenizer of the demo painter. Needs the standard library only; run by ./dev lint."""

import pathlib
import re
import tempfile
import unittest

import clip_tokenizer
import words
from clip_tokenizer import END, START, Tokenizer, learn_merges

CLDR = """<ldml><annotations>
<annotation cp="A">apple | fruit | orchard</annotation><annotation cp="A" type="tts">red apple</annotation>
<annotation cp="G">apple | fruit | sour</annotation><annotation cp="G" type="tts">green apple</annotation>
<annotation cp="W">watch | wrist | zeitgeist</annotation><annotation cp="W" type="tts">watch</annotation>
<annotation cp="X">nothing | unheard</annotation><annotation cp="X" type="tts">left out</annotation>
</annotations></ldml>"""
LISTING = "# fruit\nred apple: apple\ngreen apple: apple\nwatch: clock, wrist watch\nno such emoji: nowhere\n"


def small_world():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "en.xml").write_text(CLDR, encoding="utf-8")
        (folder / "emoji.txt").write_text(LISTING, encoding="utf-8")
        return words.load_emoji(folder / "en.xml", folder / "emoji.txt")


class WordsTest(unittest.TestCase):
    def test_emoji_that_cldr_does_not_name_are_left_out(self):
        emoji, _ = small_world()
        self.assertEqual([one.character for one in emoji], ["A", "G", "W"])

    def test_keywords_of_many_emoji_and_names_already_taken_are_no_further_names(self):
        emoji, _ = small_world()
        self.assertIn("orchard", emoji[0].keywords)
        self.assertNotIn("apple", emoji[0].keywords)

    def test_words_of_emoji_that_are_not_learned_are_junk(self):
        _, junk = small_world()
        self.assertIn("unheard", junk)
        self.assertNotIn("apple", junk)

    def test_a_word_of_two_emoji_means_both(self):
        emoji, junk = small_world()
        self.assertEqual(words.Prompts(emoji, junk, 1).meanings["apple"], [0, 1])

    def test_prompts_hold_a_name_of_what_they_ask_for_and_its_attributes(self):
        emoji, junk = small_world()
        prompts = words.Prompts(emoji, junk, 1)
        for _ in range(200):
            text, meant = prompts.draw(2, colour=words.COLOURS.index("gray"), background=0, size=1)
            self.assertEqual(meant, [2])
            self.assertRegex(text, "gray|grey|silver")
            self.assertIn("white", text)
            self.assertRegex(text, "small|tiny|little")

    def test_a_recoloured_emoji_is_not_called_by_its_old_colour(self):
        emoji, junk = small_world()
        prompts = words.Prompts(emoji, junk, 1)
        for _ in range(100):
            self.assertNotIn("red", prompts.draw(0, colour=words.COLOURS.index("blue"))[0].split())

    def test_equal_seeds_draw_equal_prompts(self):
        emoji, junk = small_world()
        first, second = (words.Prompts(emoji, junk, 5) for _ in range(2))
        self.assertEqual([first.draw(0) for _ in range(20)], [second.draw(0) for _ in range(20)])

    def test_the_listing_has_four_hundred_emoji_and_no_name_twice(self):
        lines = (words.HERE / "emoji.txt").read_text(encoding="utf-8").splitlines()
        names = [line.split(":")[0] for line in lines if line and not line.startswith("#")]
        self.assertGreater(len(names), 400)
        self.assertEqual(len(names), len(set(names)))
        self.assertTrue(all(":" in line for line in lines if line and not line.startswith("#")))


class TokenizerTest(unittest.TestCase):
    def setUp(self):
        self.words = ["apple", "applet", "cat", "cats", "café"]
        self.tokenizer = Tokenizer(learn_merges(self.words))

    def test_every_word_of_the_corpus_becomes_one_token(self):
        self.assertEqual([len(self.tokenizer.word(word)) for word in self.words], [1] * len(self.words))

    def test_a_text_is_start_tokens_end_and_padded_with_end_to_77(self):
        ids = self.tokenizer.encode("Apple,  CAT")
        self.assertEqual(len(ids), 77)
        self.assertEqual(ids[0], self.tokenizer.start)
        self.assertEqual(ids[1], self.tokenizer.word("apple")[0])
        self.assertEqual(ids[3], self.tokenizer.word("cat")[0])
        self.assertEqual(set(ids[4:]), {self.tokenizer.end})

    def test_a_long_text_keeps_75_tokens(self):
        ids = self.tokenizer.encode("cat " * 100)
        self.assertEqual(ids[-1], self.tokenizer.end)
        self.assertEqual(ids[1:-1], self.tokenizer.word("cat") * 75)

    def test_unknown_words_fall_to_smaller_pieces(self):
        pieces = self.tokenizer.word("catapult")
        self.assertGreater(len(pieces), 1)
        self.assertTrue(all(piece < self.tokenizer.start for piece in pieces))

    def test_ids_are_bytes_bytes_with_ends_merges_and_two_specials(self):
        names = list(self.tokenizer.ids)
        self.assertEqual(names[:3], ["!", '"', "#"])
        self.assertEqual(names[256], "!</w>")
        self.assertEqual(names[-2:], [START, END])
        self.assertEqual(len(names), 514 + len(self.tokenizer.merges))

    def test_splits_as_clip_does(self):
        self.assertEqual(clip_tokenizer.split_words("it's 19 ((cats))"), ["it", "'s", "1", "9", "((", "cats", "))"])

    def test_what_was_saved_loads_the_same(self):
        with tempfile.TemporaryDirectory() as folder:
            self.tokenizer.save(folder)
            again = Tokenizer.load(folder)
            self.assertEqual(again.ids, self.tokenizer.ids)
            self.assertEqual(again.encode("applets, catty"), self.tokenizer.encode("applets, catty"))
            first = (pathlib.Path(folder) / "merges.txt").read_text(encoding="utf-8").splitlines()[0]
            self.assertTrue(re.match("#version", first))


if __name__ == "__main__":
    unittest.main()
