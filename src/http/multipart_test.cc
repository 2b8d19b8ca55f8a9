#include "http/multipart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace axle::http {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kType = "multipart/form-data; boundary=B";

// The parts of a form that must be good.
std::vector<FormPart> parse(std::string_view body, std::string_view content_type = kType) {
  Result<std::vector<FormPart>> parts = parse_multipart(content_type, body);
  EXPECT_TRUE(parts.ok()) << parts.status();
  return parts.ok() ? *std::move(parts) : std::vector<FormPart>();
}

// The one part that these headers and this body make.
FormPart parse_one(std::string_view headers, std::string_view body = "x") {
  const std::string form =
      "--B\r\n" + std::string(headers) + "\r\n\r\n" + std::string(body) + "\r\n--B--\r\n";
  const std::vector<FormPart> parts = parse(form);
  EXPECT_EQ(parts.size(), 1u) << headers;
  if (parts.size() != 1) return {};
  FormPart part = parts.front();
  EXPECT_EQ(part.body, body) << headers;
  part.body = {};  // It would outlive `form`.
  return part;
}

FormPart parse_disposition(std::string_view parameters) {
  return parse_one("Content-Disposition: form-data; " + std::string(parameters));
}

// What is wrong with a form.
std::string refusal(std::string_view body, std::string_view content_type = kType) {
  const Result<std::vector<FormPart>> parts = parse_multipart(content_type, body);
  EXPECT_EQ(parts.status().code(), Code::kInvalidArgument) << body;
  return parts.status().message();
}

std::string refusal_of_headers(std::string_view headers) {
  return refusal("--B\r\n" + std::string(headers) + "\r\n\r\nx\r\n--B--\r\n");
}

TEST(MultipartTest, ReadsAFormOfCurl) {
  const std::vector<FormPart> parts = parse(
      "--------------------------d74496d66958873e\r\n"
      "Content-Disposition: form-data; name=\"prompt\"\r\n\r\n"
      "a cat\r\n"
      "--------------------------d74496d66958873e\r\n"
      "Content-Disposition: form-data; name=\"image\"; filename=\"say %22hi%22.png\"\r\n"
      "Content-Type: image/png\r\n\r\n"
      "\x89PNG\r\n\x1a\n\r\n"
      "--------------------------d74496d66958873e--\r\n",
      "multipart/form-data; boundary=------------------------d74496d66958873e");
  EXPECT_EQ(parts, (std::vector<FormPart>{
                       {"prompt", {}, "", "a cat"},
                       {"image", "say \"hi\".png", "image/png", "\x89PNG\r\n\x1a\n"},
                   }));
}

TEST(MultipartTest, ReadsAFormOfABrowserWithAnEmptyFileField) {
  const std::vector<FormPart> parts = parse(
      "------WebKitFormBoundaryX7v\r\n"
      "Content-Disposition: form-data; name=\"mask\"; filename=\"\"\r\n"
      "Content-Type: application/octet-stream\r\n\r\n\r\n"
      "------WebKitFormBoundaryX7v\r\n"
      "Content-Disposition: form-data; name=\"a%0D%0Ab\"\r\n\r\n\r\n"
      "------WebKitFormBoundaryX7v--\r\n",
      "multipart/form-data; boundary=----WebKitFormBoundaryX7v");
  EXPECT_EQ(parts, (std::vector<FormPart>{{"mask", "", "application/octet-stream", ""},
                                          {"a\r\nb", {}, "", ""}}));
}

TEST(MultipartTest, KeepsSeveralPartsOfOneNameInTheirOrder) {
  const std::vector<FormPart> parts = parse(
      "--B\r\nContent-Disposition: form-data; name=\"image[]\"; filename=\"a\"\r\n\r\n1\r\n"
      "--B\r\ncontent-type: image/png\r\ncontent-disposition: form-data; name=\"image[]\"; "
      "filename=\"b\"\r\n\r\n2\r\n--B--");
  EXPECT_EQ(parts,
            (std::vector<FormPart>{{"image[]", "a", "", "1"}, {"image[]", "b", "image/png", "2"}}));
}

TEST(MultipartTest, BodiesAreViewsIntoTheForm) {
  const std::string form = "--B\r\nContent-Disposition: form-data; name=a\r\n\r\nbody\r\n--B--\r\n";
  const std::vector<FormPart> parts = parse(form);
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts.front().body.data(), form.data() + form.find("body"));
}

TEST(MultipartTest, TheBoundaryMayBeQuotedAndStandAmongOtherParameters) {
  const std::string_view form =
      "--a b:c\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--a b:c--";
  for (const std::string_view type :
       {"multipart/form-data; boundary=\"a b:c\"", "Multipart/Form-Data;BOUNDARY=\"a b:c\"",
        " multipart/form-data ; charset=utf-8; boundary = a b:c ; ",
        "multipart/form-data; boundary=\"a b:c\"; boundary=z"}) {
    EXPECT_EQ(parse(form, type).size(), 1u) << type;
  }
}

TEST(MultipartTest, LeavesOutWhatStandsBeforeAndAfterTheForm) {
  const std::vector<FormPart> parts = parse(
      "for old readers --B\r\n--Bx\r\n--B \t\r\nContent-Disposition: form-data; name=a\r\n\r\nx"
      "\r\n--B-- \r\n--B\r\nafter");
  EXPECT_EQ(parts, (std::vector<FormPart>{{"a", {}, "", "x"}}));
}

TEST(MultipartTest, OnlyAWholeLineIsABoundary) {
  for (const std::string_view body :
       {"\r--B\r\n", "\r\n--", "\r\n--Bb\r\n", "\r\n--B-\r\n", "\r\n--B--x\r\n", "a--B--",
        "\n--B--\r\n", "\r\n --B\r\n", "\r\n", "\r\n\r\n--b"}) {
    parse_one("Content-Disposition: form-data; name=a", body);
  }
}

TEST(MultipartTest, AFormMayHaveNoParts) {
  EXPECT_TRUE(parse("--B--").empty());
  EXPECT_TRUE(parse("--B--\r\n").empty());
  EXPECT_TRUE(parse("\r\n--B-- ").empty());
}

TEST(MultipartTest, APartMayEndWithItsHeaders) {
  const std::vector<FormPart> parts =
      parse("--B\r\nContent-Disposition: form-data; name=a\r\n\r\n--B--");
  EXPECT_EQ(parts, (std::vector<FormPart>{{"a", {}, "", ""}}));
}

TEST(MultipartTest, NamesMayBeQuotedEscapedOrBare) {
  EXPECT_EQ(parse_disposition("name=a").name, "a");
  EXPECT_EQ(parse_disposition("NAME = a ; x=y").name, "a");
  EXPECT_EQ(parse_disposition("name=\"\"").name, "");
  EXPECT_EQ(parse_disposition(R"(name="a;b=\"c\\")").name, R"(a;b="c\)");
  EXPECT_EQ(parse_disposition("name=\"\xc3\xa9\"").name, "\xc3\xa9");
  EXPECT_EQ(parse_disposition("name=a; name=b").name, "a");
}

TEST(MultipartTest, OnlyTheEscapesOfBrowsersAreUndone) {
  EXPECT_EQ(parse_disposition("name=a; filename=\"%22%0d%0A%41%2\"").filename, "\"\r\n%41%2");
  EXPECT_EQ(parse_disposition(R"(name=a; filename="C:\dir\cat.png")").filename,
            R"(C:\dir\cat.png)");
}

TEST(MultipartTest, AnExtendedNameWins) {
  const auto filename = [](std::string_view parameters) {
    return parse_disposition("name=a; " + std::string(parameters)).filename;
  };
  EXPECT_EQ(filename("filename*=utf-8''%C3%A9%22.png"), "\xc3\xa9\".png");
  EXPECT_EQ(filename("filename=plain; filename*=UTF-8'en'a%20b"), "a b");
  EXPECT_EQ(filename("filename*=ISO-8859-1''%E9a"), "\xc3\xa9\x61");
  EXPECT_EQ(parse_disposition("name*=utf-8''b").name, "b");
  for (const std::string_view bad :
       {"utf-8'a", "a", "utf-8''%zz", "utf-8''a%2", "utf-8''a%00", "koi8-r''a"}) {
    EXPECT_EQ(filename("filename=plain; filename*=" + std::string(bad)), "plain") << bad;
  }
}

TEST(MultipartTest, HeadersMayBeFoldedAndUnknown) {
  const FormPart part = parse_one(
      "X-Other: 1\r\nContent-Disposition: form-data;\r\n\tname=a;\r\n filename=b\r\n"
      "Content-Type:  text/plain; charset=utf-8 \r\nContent-Transfer-Encoding: Binary");
  EXPECT_EQ(part, (FormPart{"a", "b", "text/plain; charset=utf-8", ""}));
}

TEST(MultipartTest, RefusesOtherContentTypesAndBadBoundaries) {
  const std::string_view form = "--B--\r\n";
  EXPECT_THAT(refusal(form, "application/json"), HasSubstr("found 'application/json'"));
  EXPECT_THAT(refusal(form, ""), HasSubstr("must be multipart/form-data"));
  EXPECT_THAT(refusal(form, "multipart/mixed; boundary=B"), HasSubstr("multipart/mixed"));
  EXPECT_THAT(refusal(form, "multipart/form-data"), HasSubstr("no boundary"));
  EXPECT_THAT(refusal(form, "multipart/form-data; boundary"), HasSubstr("no '='"));
  EXPECT_THAT(refusal(form, "multipart/form-data; boundary="), HasSubstr("1 to 70"));
  EXPECT_THAT(refusal(form, "multipart/form-data; boundary=\"B \""), HasSubstr("blank"));
  EXPECT_THAT(refusal(form, "multipart/form-data; boundary=\"B"), HasSubstr("closing '\"'"));
  EXPECT_THAT(refusal(form, "multipart/form-data; boundary=\"B\"C"), HasSubstr("';' is missing"));
  EXPECT_THAT(refusal(form, "multipart/form-data; boundary=\xc3\xa9"), HasSubstr("printable"));
  const std::string longest(70, 'b');
  const std::string type = "multipart/form-data; boundary=" + longest;
  EXPECT_TRUE(parse("--" + longest + "--", type).empty());
  EXPECT_THAT(refusal("--" + longest + "b--", type + "b"), HasSubstr("found 71"));
}

TEST(MultipartTest, RefusesAFormThatIsCutOff) {
  const std::string form =
      "--B\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n"
      "--B\r\nContent-Disposition: form-data; name=b\r\n\r\ny\r\n--B--";
  for (std::size_t size = 0; size < form.size(); ++size) {
    EXPECT_THAT(refusal(form.substr(0, size)), HasSubstr("the form ")) << size;
  }
  EXPECT_EQ(parse(form).size(), 2u);
  EXPECT_THAT(refusal("--C--\r\n"), HasSubstr("no line '--B'"));
  EXPECT_THAT(refusal("--B\r\n"), HasSubstr("cut off"));
}

TEST(MultipartTest, RefusesPartsThatCannotBeUsed) {
  EXPECT_THAT(refusal_of_headers("Content-Type: text/plain"), HasSubstr("no name"));
  EXPECT_THAT(refusal_of_headers(""), HasSubstr("part 1 of the form: it has no Content-Disp"));
  EXPECT_THAT(refusal("--B\r\n--B--\r\n"), HasSubstr("no Content-Disposition"));
  EXPECT_THAT(refusal_of_headers("Content-Disposition: form-data"), HasSubstr("gives no name"));
  EXPECT_THAT(refusal_of_headers("Content-Disposition: form-data; filename=a"),
              HasSubstr("gives no name"));
  EXPECT_THAT(refusal_of_headers("Content-Disposition: attachment; name=a"),
              HasSubstr("must be form-data"));
  EXPECT_THAT(refusal_of_headers("Content-Disposition: form-data; name=\"a"),
              HasSubstr("closing '\"'"));
  EXPECT_THAT(refusal_of_headers("no header"), HasSubstr("no 'name: value'"));
  EXPECT_THAT(refusal_of_headers("A: b\nContent-Disposition: form-data; name=a"),
              HasSubstr("control character"));
  EXPECT_THAT(refusal_of_headers("Content-Disposition: form-data; name=a\r\n"
                                 "Content-Transfer-Encoding: base64"),
              HasSubstr("send the bytes as they are"));
}

TEST(MultipartTest, RefusesTooManyPartsAndTooLongHeaders) {
  std::vector<FormPart> parts(kMaxFormParts, FormPart{.name = "a"});
  Form form = write_multipart(parts);
  EXPECT_EQ(parse(form.body, form.content_type).size(), kMaxFormParts);
  parts.push_back({.name = "a"});
  form = write_multipart(parts);
  EXPECT_THAT(refusal(form.body, form.content_type), HasSubstr("more than 256 parts"));

  const std::string start = "Content-Disposition: form-data; name=a; x=";
  const std::string longest = start + std::string(kMaxFormPartHeaderBytes - start.size(), 'x');
  EXPECT_EQ(parse_one(longest).name, "a");
  EXPECT_THAT(refusal_of_headers(longest + "x"), HasSubstr("longer than 8192 bytes"));
  EXPECT_THAT(refusal("--B\r\n" + longest + "x\r\n--B--"), HasSubstr("longer than 8192 bytes"));
}

TEST(MultipartTest, ReadsWhatTheWriterWrites) {
  const std::vector<FormPart> parts = {
      {"prompt", {}, "", "a \"cat\"\r\n"},
      {"im\\age\"[]\r\n", "a\\\"b\n%41.png", "image/png", "--axle-form-0 \r\n--axle-form-1--\r\n"},
      {"", "", "", ""},
  };
  const Form form = write_multipart(parts);
  EXPECT_EQ(parse(form.body, form.content_type), parts);
  EXPECT_EQ(form.content_type, "multipart/form-data; boundary=axle-form-2");
}

}  // namespace
}  // namespace axle::http
