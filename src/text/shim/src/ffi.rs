//! What crosses the C interface: borrowed text in, owned buffers out, and a code with a message for every failure.

use std::panic::{catch_unwind, AssertUnwindSafe};

/// Why a call failed; the numbers are those of `AxtCode` in shim.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Code {
    Ok = 0,
    InvalidArgument = 1,
    Corrupt = 2,
    Unsupported = 3,
    Exhausted = 4,
    Internal = 5,
}

#[derive(Debug)]
pub struct Failure {
    pub code: Code,
    pub message: String,
}

impl Failure {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
    pub fn corrupt(message: impl Into<String>) -> Self {
        Self::new(Code::Corrupt, message)
    }
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(Code::Unsupported, message)
    }
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }
}

pub type Outcome<T> = Result<T, Failure>;

/// `AxtText`: bytes of the caller, valid for the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Text {
    data: *const u8,
    len: usize,
}

impl Text {
    pub fn from_static_lifetime(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr(), len: bytes.len() }
    }

    /// # Safety
    /// `data` points to `len` readable bytes, or `len` is 0.
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        unsafe { slice(self.data, self.len) }
    }

    /// # Safety
    /// As `bytes`.
    pub unsafe fn str<'a>(self, what: &str) -> Outcome<&'a str> {
        std::str::from_utf8(unsafe { self.bytes() })
            .map_err(|e| Failure::invalid(format!("{what} is not UTF-8 at byte {}", e.valid_up_to())))
    }
}

/// A slice that may come as a null pointer when it is empty.
///
/// # Safety
/// `data` points to `len` readable values, or `len` is 0.
pub unsafe fn slice<'a, T>(data: *const T, len: usize) -> &'a [T] {
    if len == 0 {
        &[]
    } else {
        unsafe { std::slice::from_raw_parts(data, len) }
    }
}

/// `AxtBuffer` and `AxtIds`: memory of this library that the caller gives back.
#[repr(C)]
pub struct Owned<T> {
    data: *mut T,
    len: usize,
    capacity: usize,
}

impl<T> Owned<T> {
    /// Puts `values` into the caller's structure, which holds nothing yet.
    ///
    /// # Safety
    /// `out` is null or points to a writable structure.
    pub unsafe fn fill(out: *mut Self, values: Vec<T>) {
        if out.is_null() {
            return;
        }
        let mut values = std::mem::ManuallyDrop::new(values);
        let filled = Self { data: values.as_mut_ptr(), len: values.len(), capacity: values.capacity() };
        unsafe { *out = filled };
    }

    /// # Safety
    /// `owned` is null or was filled by `fill` (or is all zero), and is not freed twice.
    pub unsafe fn free(owned: *mut Self) {
        let Some(owned) = (unsafe { owned.as_mut() }) else { return };
        if !owned.data.is_null() {
            drop(unsafe { Vec::from_raw_parts(owned.data, owned.len, owned.capacity) });
            *owned = Self { data: std::ptr::null_mut(), len: 0, capacity: 0 };
        }
    }
}

pub type Buffer = Owned<u8>;
pub type Ids = Owned<i32>;

/// Runs the body of an export: a failure, or a panic in one of the libraries, becomes a code and a message.
///
/// # Safety
/// `error` is null or points to a writable buffer.
pub unsafe fn guard(error: *mut Buffer, body: impl FnOnce() -> Outcome<()>) -> i32 {
    let failure = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return Code::Ok as i32,
        Ok(Err(failure)) => failure,
        Err(panic) => Failure::new(Code::Internal, panic_text(panic.as_ref())),
    };
    unsafe { Buffer::fill(error, failure.message.into_bytes()) };
    failure.code as i32
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let reason = panic
        .downcast_ref::<&str>()
        .map(|text| text.to_string())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason given".to_string());
    format!("the text library failed: {reason}")
}
