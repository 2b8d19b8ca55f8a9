// The other side of compare_tokenizers.py: llama.cpp's token ids. Linked against a built llama.cpp,
// never against axle.
//
//   llama_tokenize MODEL.gguf parse|plain < TEXTS
//
// TEXTS and output as those of src/text/tools/axle_tokenize.cc, without its first mark.

#include <llama.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

std::string read_input() {
  std::string all;
  std::vector<char> block(std::size_t{1} << 16);
  for (std::size_t size = 0; (size = std::fread(block.data(), 1, block.size(), stdin)) > 0;) {
    all.append(block.data(), size);
  }
  return all;
}

void tokenize(const llama_vocab* vocab, const char* text, std::uint32_t size, bool parse) {
  std::vector<llama_token> ids(size + 8);
  const auto capacity = static_cast<std::int32_t>(ids.size());
  const std::int32_t count = llama_tokenize(vocab, text, static_cast<std::int32_t>(size),
                                            ids.data(), capacity, false, parse);
  for (std::int32_t i = 0; i < count; ++i) {
    std::printf(i == 0 ? "%d" : " %d", ids[static_cast<std::size_t>(i)]);
  }
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  llama_model_params params = llama_model_default_params();
  params.vocab_only = true;
  llama_model* model = llama_model_load_from_file(argv[1], params);
  if (model == nullptr) {
    std::fprintf(stderr, "llama_tokenize: cannot load %s\n", argv[1]);
    return 1;
  }
  const std::string input = read_input();
  for (std::size_t at = 0; at + sizeof(std::uint32_t) <= input.size();) {
    std::uint32_t size = 0;
    std::memcpy(&size, input.data() + at, sizeof(size));
    at += sizeof(size);
    if (size > input.size() - at) return 1;
    tokenize(llama_model_get_vocab(model), input.data() + at, size,
             std::strcmp(argv[2], "parse") == 0);
    at += size;
  }
  llama_model_free(model);
  return 0;
}
