#pragma once

// The C interface of the Rust library in shim/: tokenizers and chat templates. Only this room uses
// it; the C++ types of tokenizer.h and chat_template.h are what others see.
//
// Text goes in as AxtText, borrowed for the call. Results come as AxtBuffer or AxtIds, which the
// caller zeroes before and frees after. Every function that can fail returns an AxtCode and puts
// the reason into `error`; `out` is then untouched. A panic inside is caught and comes back as
// AXT_INTERNAL.
//
// Threading: handles are immutable and may be used by many threads at once.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  AXT_OK = 0,
  AXT_INVALID_ARGUMENT = 1,
  AXT_CORRUPT = 2,
  AXT_UNSUPPORTED = 3,
  AXT_EXHAUSTED = 4,
  AXT_INTERNAL = 5
};
typedef int32_t AxtCode;

typedef struct AxtText {
  const char* data;
  size_t len;
} AxtText;

typedef struct AxtBuffer {
  char* data;
  size_t len;
  size_t capacity;
} AxtBuffer;

typedef struct AxtIds {
  int32_t* data;
  size_t len;
  size_t capacity;
} AxtIds;

typedef struct AxtGgufVocab {
  const AxtText* tokens;
  size_t token_count;
  const int32_t* types;
  size_t type_count;
  const float* scores;
  size_t score_count;
  const AxtText* merges;
  size_t merge_count;
  AxtText pre;
  AxtText model;
  int32_t add_space_prefix;
} AxtGgufVocab;

typedef struct AxtTokenizer AxtTokenizer;
typedef struct AxtTemplate AxtTemplate;

// Silences the panic messages of this library on standard error. Call once, before all others.
void axt_init(void);

// Free what a call gave; all-zero structures and null are allowed.
void axt_buffer_free(AxtBuffer* buffer);
void axt_ids_free(AxtIds* ids);

// As Tokenizer::from_json, from_gguf_vocab and from_axera_text.
AxtCode axt_tokenizer_from_json(AxtText json, AxtTokenizer** out, AxtBuffer* error);
AxtCode axt_tokenizer_from_gguf(const AxtGgufVocab* vocab, AxtTokenizer** out, AxtBuffer* error);
AxtCode axt_tokenizer_from_axera(AxtText text, AxtTokenizer** out, AxtBuffer* error);
// CLIP's vocab.json and merges.txt; see clip_tokenizer.h.
AxtCode axt_tokenizer_from_clip(AxtText vocab, AxtText merges, AxtTokenizer** out,
                                AxtBuffer* error);
void axt_tokenizer_free(AxtTokenizer* tokenizer);

AxtCode axt_tokenizer_to_json(const AxtTokenizer* tokenizer, AxtBuffer* out, AxtBuffer* error);
AxtCode axt_encode(const AxtTokenizer* tokenizer, AxtText text, int32_t parse_special, AxtIds* out,
                   AxtBuffer* error);

// Highest id plus one.
uint32_t axt_vocab_size(const AxtTokenizer* tokenizer);
// Valid while the tokenizer lives; empty for ids that are not there.
AxtText axt_token_bytes(const AxtTokenizer* tokenizer, uint32_t id);
int32_t axt_is_special(const AxtTokenizer* tokenizer, uint32_t id);
// -1: no such token.
int64_t axt_token_id(const AxtTokenizer* tokenizer, AxtText name);
int32_t axt_strips_first_blank(const AxtTokenizer* tokenizer);
// Valid while the tokenizer lives.
const int32_t* axt_stop_ids(const AxtTokenizer* tokenizer, size_t* count);
size_t axt_memory_bytes(const AxtTokenizer* tokenizer);

// As ChatTemplate::compile and render; `now_unix` in seconds since 1970.
AxtCode axt_template_new(AxtText source, uint64_t max_steps, size_t max_bytes, AxtTemplate** out,
                         AxtBuffer* error);
AxtCode axt_template_render(const AxtTemplate* chat_template, AxtText context_json,
                            int64_t now_unix, AxtBuffer* out, AxtBuffer* error);
void axt_template_free(AxtTemplate* chat_template);

#ifdef __cplusplus
}  // extern "C"
#endif
