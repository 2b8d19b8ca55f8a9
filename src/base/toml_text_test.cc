#include "base/toml_text.h"

#include <gmock/gmock.h>

namespace axle {
namespace {

using testing::HasSubstr;

TEST(TomlTextTest, LettersOfAllLanguagesAreFineInStringsAndComments) {
  for (const char* text :
       {"", "a = 1\n", "# gr\xC3\xBC\xC3\x9F\n[a]\nb = 'caf\xC3\xA9'\n",
        "a = \"\xC3\xA9\\\"\xC3\xA9\"", "a = '''\n\xC3\xA9 ' '' \xC3\xA9\n'''\nb = 1",
        "a = \"\"\"\n\\\"\"\" \xC3\xA9\"\"\"",
        "\xEF\xBB\xBF"
        "a = 1"}) {
    EXPECT_EQ(check_toml_text(text), Status()) << text;
  }
}

TEST(TomlTextTest, OutsideOfThemTheLineIsNamed) {
  for (const char* text :
       {"\n\xD2\x8B = 1", "a = 'x'\nb = \xC3\xA9", "# c\n\xC3\xA9", "a = 'open\n\xC3\xA9",
        "a = ''\n\xC3\xA9''", "a = \"\\\\\"\n \xC3\xA9"}) {
    const Status status = check_toml_text(text);
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << text;
    EXPECT_THAT(status.message(), HasSubstr("line 2: ")) << text;
  }
}

}  // namespace
}  // namespace axle
