//! Tokenizers and chat templates behind the C interface of shim.h, which documents every export.
#![deny(unsafe_op_in_unsafe_fn)]
#![allow(clippy::missing_safety_doc)]

mod axera;
mod clip;
mod exports;
mod ffi;
mod gguf;
mod pieces;
mod pretokenizer;
mod python;
mod template;
mod tokenizer;
mod vocabulary;
