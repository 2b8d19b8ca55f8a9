//! The exported functions. Each is documented in shim.h and catches every panic.

use crate::ffi::{guard, slice, Buffer, Failure, Ids, Owned, Text};
use crate::gguf::GgufVocab;
use crate::template::ChatTemplate;
use crate::tokenizer::TextTokenizer;
use crate::{axera, clip, gguf};

#[no_mangle]
pub extern "C" fn axt_init() {
    std::panic::set_hook(Box::new(|_| {}));
}

#[no_mangle]
pub unsafe extern "C" fn axt_buffer_free(buffer: *mut Buffer) {
    unsafe { Owned::free(buffer) }
}

#[no_mangle]
pub unsafe extern "C" fn axt_ids_free(ids: *mut Ids) {
    unsafe { Owned::free(ids) }
}

#[no_mangle]
pub unsafe extern "C" fn axt_tokenizer_from_json(
    json: Text,
    out: *mut *mut TextTokenizer,
    error: *mut Buffer,
) -> i32 {
    unsafe {
        guard(error, || {
            let tokenizer = TextTokenizer::from_json(json.bytes())?;
            *out = Box::into_raw(Box::new(tokenizer));
            Ok(())
        })
    }
}

/// `AxtGgufVocab` of shim.h.
#[repr(C)]
pub struct RawGgufVocab {
    tokens: *const Text,
    token_count: usize,
    types: *const i32,
    type_count: usize,
    scores: *const f32,
    score_count: usize,
    merges: *const Text,
    merge_count: usize,
    pre: Text,
    model: Text,
    add_space_prefix: i32,
}

unsafe fn texts<'a>(data: *const Text, len: usize, what: &str) -> Result<Vec<&'a str>, Failure> {
    unsafe { slice(data, len) }
        .iter()
        .enumerate()
        .map(|(i, text)| {
            unsafe { text.str(what) }.map_err(|e| Failure::corrupt(format!("{what} {i}: {}", e.message)))
        })
        .collect()
}

#[no_mangle]
pub unsafe extern "C" fn axt_tokenizer_from_gguf(
    vocab: *const RawGgufVocab,
    out: *mut *mut TextTokenizer,
    error: *mut Buffer,
) -> i32 {
    unsafe {
        guard(error, || {
            let raw = &*vocab;
            let vocab = GgufVocab {
                tokens: texts(raw.tokens, raw.token_count, "token")?,
                types: slice(raw.types, raw.type_count),
                scores: slice(raw.scores, raw.score_count),
                merges: texts(raw.merges, raw.merge_count, "merge")?,
                pre: raw.pre.str("tokenizer.ggml.pre")?,
                model: raw.model.str("tokenizer.ggml.model")?,
                add_space_prefix: raw.add_space_prefix != 0,
            };
            *out = Box::into_raw(Box::new(gguf::build(&vocab)?));
            Ok(())
        })
    }
}

#[no_mangle]
pub unsafe extern "C" fn axt_tokenizer_from_clip(
    vocab: Text,
    merges: Text,
    out: *mut *mut TextTokenizer,
    error: *mut Buffer,
) -> i32 {
    unsafe {
        guard(error, || {
            let read = |text: Text, what| {
                text.str(what).map_err(|e| Failure::corrupt(e.message))
            };
            let tokenizer = clip::build(read(vocab, "vocab.json")?, read(merges, "merges.txt")?)?;
            *out = Box::into_raw(Box::new(tokenizer));
            Ok(())
        })
    }
}

#[no_mangle]
pub unsafe extern "C" fn axt_tokenizer_from_axera(
    text: Text,
    out: *mut *mut TextTokenizer,
    error: *mut Buffer,
) -> i32 {
    unsafe {
        guard(error, || {
            *out = Box::into_raw(Box::new(axera::read(text.bytes())?));
            Ok(())
        })
    }
}

#[no_mangle]
pub unsafe extern "C" fn axt_tokenizer_free(tokenizer: *mut TextTokenizer) {
    if !tokenizer.is_null() {
        unsafe {
            guard(std::ptr::null_mut(), || {
                drop(Box::from_raw(tokenizer));
                Ok(())
            });
        }
    }
}

#[no_mangle]
pub unsafe extern "C" fn axt_tokenizer_to_json(
    tokenizer: *const TextTokenizer,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    unsafe {
        guard(error, || {
            Buffer::fill(out, (*tokenizer).to_json()?.into_bytes());
            Ok(())
        })
    }
}

#[no_mangle]
pub unsafe extern "C" fn axt_encode(
    tokenizer: *const TextTokenizer,
    text: Text,
    parse_special: i32,
    out: *mut Ids,
    error: *mut Buffer,
) -> i32 {
    unsafe {
        guard(error, || {
            let ids = (*tokenizer).encode(text.str("the text")?, parse_special != 0)?;
            Ids::fill(out, ids);
            Ok(())
        })
    }
}

#[no_mangle]
pub unsafe extern "C" fn axt_vocab_size(tokenizer: *const TextTokenizer) -> u32 {
    unsafe { (*tokenizer).pieces().len() as u32 }
}

#[no_mangle]
pub unsafe extern "C" fn axt_token_bytes(tokenizer: *const TextTokenizer, id: u32) -> Text {
    Text::from_static_lifetime(unsafe { (*tokenizer).pieces().bytes(id as usize) })
}

#[no_mangle]
pub unsafe extern "C" fn axt_is_special(tokenizer: *const TextTokenizer, id: u32) -> i32 {
    i32::from(unsafe { (*tokenizer).pieces().is_special(id as usize) })
}

#[no_mangle]
pub unsafe extern "C" fn axt_token_id(tokenizer: *const TextTokenizer, name: Text) -> i64 {
    let mut id = -1;
    unsafe {
        guard(std::ptr::null_mut(), || {
            id = (*tokenizer).token_id(name.str("the name")?).map_or(-1, i64::from);
            Ok(())
        });
    }
    id
}

#[no_mangle]
pub unsafe extern "C" fn axt_strips_first_blank(tokenizer: *const TextTokenizer) -> i32 {
    i32::from(unsafe { (*tokenizer).pieces().strips_first_blank() })
}

#[no_mangle]
pub unsafe extern "C" fn axt_stop_ids(tokenizer: *const TextTokenizer, count: *mut usize) -> *const i32 {
    unsafe {
        let ids = (*tokenizer).stop_ids();
        *count = ids.len();
        ids.as_ptr()
    }
}

#[no_mangle]
pub unsafe extern "C" fn axt_memory_bytes(tokenizer: *const TextTokenizer) -> usize {
    unsafe { (*tokenizer).memory_bytes() }
}

#[no_mangle]
pub unsafe extern "C" fn axt_template_new(
    source: Text,
    max_steps: u64,
    max_bytes: usize,
    out: *mut *mut ChatTemplate,
    error: *mut Buffer,
) -> i32 {
    unsafe {
        guard(error, || {
            let source = source
                .str("the template")
                .map_err(|failure| Failure::corrupt(failure.message))?;
            *out = Box::into_raw(Box::new(ChatTemplate::compile(source, max_steps, max_bytes)?));
            Ok(())
        })
    }
}

#[no_mangle]
pub unsafe extern "C" fn axt_template_render(
    template: *const ChatTemplate,
    context_json: Text,
    now_unix: i64,
    out: *mut Buffer,
    error: *mut Buffer,
) -> i32 {
    unsafe {
        guard(error, || {
            let text = (*template).render(context_json.bytes(), now_unix)?;
            Buffer::fill(out, text);
            Ok(())
        })
    }
}

#[no_mangle]
pub unsafe extern "C" fn axt_template_free(template: *mut ChatTemplate) {
    if !template.is_null() {
        unsafe {
            guard(std::ptr::null_mut(), || {
                drop(Box::from_raw(template));
                Ok(())
            });
        }
    }
}
