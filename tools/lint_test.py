#!/usr/bin/env python3
"""Each house rule of lint.py must find its offender and leave the innocent alone."""

import unittest

import lint

RANKS = {"base": 0, "card": 1, "text": 1, "llm": 3, "vision": 3, "api/openai": 5}


class LintTest(unittest.TestCase):
    def test_include_of_a_higher_room_is_found(self):
        found = lint.check_layering("card/engine.cc", '#include "llm/step.h"\n', RANKS)
        self.assertEqual(len(found), 1)
        self.assertIn("rank 3", found[0])

    def test_include_of_a_room_of_equal_rank_is_found(self):
        self.assertTrue(lint.check_layering("card/engine.cc", '#include "text/tokenizer.h"\n', RANKS))

    def test_engine_rooms_never_include_each_other_not_even_in_tests(self):
        self.assertTrue(lint.check_layering("llm/step_test.cc", '#include "vision/encoder.h"\n', RANKS))

    def test_include_of_a_lower_room_and_of_itself_is_fine(self):
        text = '#include "llm/mask.h"\n#include "base/status.h"\n#include <vector>\n'
        self.assertEqual(lint.check_layering("llm/step.cc", text, RANKS), [])

    def test_nested_room_is_known_by_its_whole_name(self):
        self.assertEqual(lint.check_layering("api/openai/chat.cc", '#include "llm/step.h"\n', RANKS), [])

    def test_folder_without_rank_is_found(self):
        self.assertTrue(lint.check_layering("stray/file.cc", "", RANKS))

    def test_long_file_is_found_and_tests_may_be_longer(self):
        self.assertTrue(lint.check_size("src/a/b.cc", "x\n" * 601))
        self.assertFalse(lint.check_size("src/a/b_test.cc", "x\n" * 601))
        self.assertTrue(lint.check_size("src/a/b_test.cc", "x\n" * 801))

    def test_library_outside_its_room_is_found(self):
        self.assertTrue(lint.check_confinement("src/llm/step.cc", "#include <ggml.h>\n"))
        self.assertFalse(lint.check_confinement("softcard/executor/layer.cc", "#include <ggml.h>\n"))

    def test_capturing_lambda_in_co_await_is_found(self):
        text = "co_await co_spawn(ex, [self]() -> awaitable<void> { co_return; }, use_awaitable);"
        self.assertTrue(lint.check_coroutines("src/http/a.cc", text))

    def test_reference_parameter_of_a_coroutine_is_found(self):
        self.assertTrue(lint.check_coroutines("src/http/a.cc", "awaitable<void> serve(Socket& socket) {"))
        self.assertFalse(lint.check_coroutines("src/http/a.cc", "awaitable<void> serve(Socket socket) {"))

    def test_header_without_pragma_once_is_found(self):
        self.assertTrue(lint.check_header("src/a/b.h", "int x;\n"))
        self.assertFalse(lint.check_header("src/a/b.h", "#pragma once\n"))


if __name__ == "__main__":
    unittest.main()
