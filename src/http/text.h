#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// Small operations on ASCII text that the formats of HTTP need. Internal to the room.
//
// Source: RFC 9110 section 5.6.2 (tokens), RFC 3629 (UTF-8), RFC 3986 section 2.1 (percent).
namespace axle::http {

char to_lower(char c);
// The value of a hexadecimal digit, -1 for any other character.
int hex_value(char c);
bool is_token_char(char c);
// One or more token characters: the form of methods and header names.
bool is_token(std::string_view text);
// No CR, LF or NUL: may stand in a header field.
bool is_field_value(std::string_view text);
// Without blanks and tabs at both ends.
std::string_view trim(std::string_view text);
// The parts between commas, trimmed; empty ones are left out.
std::vector<std::string_view> split_list(std::string_view text);
// Bytes of the well-formed UTF-8 character at `offset`; 0 where there is none.
std::size_t utf8_length(std::string_view text, std::size_t offset);

}  // namespace axle::http
