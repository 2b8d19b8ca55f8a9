//! Chat templates: minijinja, with the settings of Hugging Face's `transformers` (utils/chat_template_utils.py).

use std::cell::Cell;
use std::io;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};

use crate::ffi::{Code, Failure, Outcome};
use crate::python::{as_float, float_repr, JsonStyle};

const NAME: &str = "chat_template";
/// How deep macros may call each other. Each level takes a few kilobytes of the caller's stack.
const MAX_RECURSION: usize = 100;

/// Stack of the thread that a render runs on (address space; only what is touched takes memory). A template can nest
/// values some steps deep each, and dropping or printing such a value calls itself for each level.
const STACK_BYTES: usize = 512 << 20;

thread_local! {
    /// The time of the render that runs on this thread, in seconds since 1970.
    static NOW: Cell<i64> = const { Cell::new(0) };
}

pub struct ChatTemplate {
    environment: Environment<'static>,
    max_bytes: usize,
}

impl ChatTemplate {
    pub fn compile(source: &str, max_steps: u64, max_bytes: usize) -> Outcome<Self> {
        let mut environment = environment().map_err(|e| Failure::new(Code::Internal, e.to_string()))?;
        environment.set_fuel(Some(max_steps));
        environment
            .add_template_owned(NAME, without_generation_tags(source))
            .map_err(|e| Failure::corrupt(located(&e)))?;
        Ok(Self { environment, max_bytes })
    }

    pub fn render(&self, context_json: &[u8], now_unix: i64) -> Outcome<Vec<u8>> {
        let context: serde_json::Value = serde_json::from_slice(context_json)
            .map_err(|e| Failure::invalid(format!("the context is not JSON: {e}")))?;
        if !context.is_object() {
            return Err(Failure::invalid("the context is not a JSON object"));
        }
        let render = || self.render_value(Value::from(Serde(context)), now_unix);
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, render);
            let failed = |what: &str| Failure::new(Code::Internal, format!("the chat template's thread {what}"));
            thread.map_err(|e| failed(&format!("cannot start: {e}")))?.join().map_err(|_| failed("failed"))?
        })
    }

    fn render_value(&self, context: Value, now_unix: i64) -> Outcome<Vec<u8>> {
        NOW.with(|now| now.set(now_unix));
        let mut prompt = Prompt { bytes: Vec::new(), limit: self.max_bytes, full: false };
        let rendered = self
            .environment
            .get_template(NAME)
            .and_then(|template| template.render_captured_to(context, &mut prompt).map(drop));
        match rendered {
            Ok(()) => Ok(prompt.bytes),
            Err(_) if prompt.full => Err(Failure::new(
                Code::Exhausted,
                format!("the chat template writes more than {} bytes", self.max_bytes),
            )),
            Err(error) => Err(failure(&error, self.environment.fuel())),
        }
    }
}

/// The text that the template writes, up to a limit.
struct Prompt {
    bytes: Vec<u8>,
    limit: usize,
    full: bool,
}

impl io::Write for Prompt {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.limit - self.bytes.len() {
            self.full = true;
            return Err(io::Error::other("too long"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a template says with raise_exception().
#[derive(Debug)]
struct Raised(String);

impl std::fmt::Display for Raised {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Raised {}

fn failure(error: &Error, fuel: Option<u64>) -> Failure {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(current) = cause {
        if let Some(raised) = current.downcast_ref::<Raised>() {
            return Failure::invalid(raised.0.clone());
        }
        if current.downcast_ref::<Error>().is_some_and(|e| e.kind() == ErrorKind::OutOfFuel) {
            let steps = fuel.unwrap_or_default();
            return Failure::new(Code::Exhausted, format!("the chat template takes more than {steps} steps"));
        }
        cause = current.source();
    }
    Failure::invalid(format!("the chat template cannot be applied: {}", located(error)))
}

fn located(error: &Error) -> String {
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    let line = error.line().map(|line| format!("line {line}: ")).unwrap_or_default();
    format!("{line}{}{detail}", error.kind())
}

fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.set_recursion_limit(MAX_RECURSION);
    environment.set_formatter(write_value);
    environment.add_function("raise_exception", raise_exception);
    environment.add_function("strftime_now", strftime_now);
    environment.add_filter("tojson", tojson);
    environment.add_filter("length", length);
    environment.add_filter("count", length);
    environment.add_test("iterable", is_iterable);
    Ok(environment)
}

fn write_value(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    match as_float(value) {
        Some(float) => out.write_str(&float_repr(float)).map_err(Error::from),
        None => minijinja::escape_formatter(out, state, value),
    }
}

fn raise_exception(message: String) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message.clone()).with_source(Raised(message)))
}

/// Undefined counts as empty, as in jinja2.
fn length(value: &Value) -> Result<usize, Error> {
    if value.is_undefined() {
        return Ok(0);
    }
    let text = || format!("a value of type {} has no length", value.kind());
    value.len().ok_or_else(|| Error::new(ErrorKind::InvalidOperation, text()))
}

/// As in Python: none is not iterable; undefined is.
fn is_iterable(value: &Value) -> bool {
    use ValueKind::{Iterable, Map, Seq, String, Undefined};
    matches!(value.kind(), String | Seq | Map | Iterable | Undefined)
}

fn tojson(value: &Value, options: Kwargs) -> Result<String, Error> {
    let indent: Option<Value> = options.get("indent")?;
    let indent = indent.filter(|indent| !indent.is_none()).map(|indent| match indent.as_str() {
        Some(text) => text.to_string(),
        None => " ".repeat(i64::try_from(indent).unwrap_or(0).clamp(0, 64) as usize),
    });
    let separators: Option<Vec<String>> = options.get("separators")?;
    let (item_separator, key_separator) = match separators.as_deref() {
        Some([item, key]) => (item.clone(), key.clone()),
        Some(_) => return Err(Error::new(ErrorKind::InvalidOperation, "tojson: two separators are wanted")),
        None if indent.is_some() => (",".to_string(), ": ".to_string()),
        None => (", ".to_string(), ": ".to_string()),
    };
    let style = JsonStyle {
        indent,
        item_separator,
        key_separator,
        ensure_ascii: options.get::<Option<bool>>("ensure_ascii")?.unwrap_or(false),
        sort_keys: options.get::<Option<bool>>("sort_keys")?.unwrap_or(false),
    };
    options.assert_all_used()?;
    style.dump(value)
}

/// Local time by the C library, as Python's datetime.now().strftime(format).
fn strftime_now(format: String) -> Result<String, Error> {
    let failed = || Error::new(ErrorKind::InvalidOperation, "strftime_now: the format gives no text");
    if format.is_empty() {
        return Ok(String::new());
    }
    let format = std::ffi::CString::new(format).map_err(|_| failed())?;
    let now: libc::time_t = NOW.with(Cell::get);
    let mut text = vec![0u8; 4096];
    // SAFETY: `parts` is written by localtime_r before it is read; the buffer's true length is given.
    let written = unsafe {
        let mut parts: libc::tm = std::mem::zeroed();
        if libc::localtime_r(&now, &mut parts).is_null() {
            return Err(failed());
        }
        libc::strftime(text.as_mut_ptr().cast(), text.len(), format.as_ptr(), &parts)
    };
    text.truncate(written);
    String::from_utf8(text).map_err(|_| failed())
}

/// `{% generation %}` marks the answer's part for training. It becomes a condition that is always true, with the same
/// handling of white space.
fn without_generation_tags(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find("{%") {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        let end = tag.find("%}").map_or(tag.len(), |end| end + 2);
        let (tag, after) = tag.split_at(end);
        let word = tag.trim_start_matches("{%").trim_end_matches("%}").trim_matches(['-', '+', ' ', '\t', '\n', '\r']);
        match word {
            "generation" => out.push_str(&tag.replacen("generation", "if true", 1)),
            "endgeneration" => out.push_str(&tag.replacen("endgeneration", "endif", 1)),
            _ => out.push_str(tag),
        }
        rest = after;
    }
    out + rest
}
