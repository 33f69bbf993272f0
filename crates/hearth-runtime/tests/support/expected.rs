//! `expected.json`: patterns for an outcome.
//!
//! Strings stand for themselves but for `{any}`, which is any text. In lists, `{rest}` as the last element
//! is any number of elements. Times, request ids and paths were replaced before (see `Scene::generalise`).

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::outcome::{Answer, Outcome};

const ANY: &str = "{any}";
const REST: &str = "{rest}";

/// What must come of a case.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    /// The error of the init; without it, the init must succeed.
    init: Option<AnswerPattern>,
    #[serde(default)]
    answers: Vec<AnswerPattern>,
    /// How the process ends by itself; without it, it must not.
    exit: Option<String>,
    log: Vec<String>,
}

/// One answer. Only what is given is compared.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AnswerPattern {
    /// The response, as JSON.
    #[serde(deserialize_with = "even_null")]
    result: Option<Value>,
    /// The response, as it is.
    text: Option<String>,
    /// The length of the response.
    bytes: Option<usize>,
    /// The content type of a streamed response.
    stream: Option<String>,
    /// Whether a streamed response was ended; true unless it says otherwise.
    complete: Option<bool>,
    /// The type of the error.
    r#type: Option<String>,
    /// The JSON of the error.
    error: Option<Value>,
    /// The process ends without an answer.
    ended: bool,
}

fn even_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Expected {
    /// Says what differs.
    pub(crate) fn matches(&self, outcome: &Outcome) -> Result<(), String> {
        match (&self.init, &outcome.init) {
            (None, Answer::Claimed) => {}
            (None, _) => return Err("the init failed".to_owned()),
            (Some(pattern), answer) => pattern.matches(answer).map_err(|why| format!("init: {why}"))?,
        }
        if self.answers.len() != outcome.answers.len() {
            return Err(format!(
                "{} answers instead of {}",
                outcome.answers.len(),
                self.answers.len()
            ));
        }
        for (number, (pattern, answer)) in self.answers.iter().zip(&outcome.answers).enumerate() {
            pattern
                .matches(answer)
                .map_err(|why| format!("answer {}: {why}", number + 1))?;
        }
        if self.exit != outcome.exit {
            return Err("it ended otherwise".to_owned());
        }
        let strings = |texts: &[String]| texts.iter().cloned().map(Value::String).collect();
        value(
            &Value::Array(strings(&self.log)),
            &Value::Array(strings(&outcome.log)),
        )
        .map_err(|why| format!("log: {why}"))
    }
}

impl AnswerPattern {
    fn matches(&self, answer: &Answer) -> Result<(), String> {
        match answer {
            Answer::Response(body) if self.wants_response() && self.stream.is_none() => self.response(body),
            Answer::Stream {
                content_type,
                body,
                complete,
                error,
            } if self.stream.as_ref() == Some(content_type) => {
                if self.complete.unwrap_or(true) != *complete {
                    return Err(format!("complete: {complete}"));
                }
                self.response(body)?;
                match (&self.error, error) {
                    (None, None) => Ok(()),
                    (Some(_), Some((error_type, body))) => self.error(error_type, body),
                    (_, error) => Err(format!("error {error:?}")),
                }
            }
            Answer::Error { error_type, body } if self.error.is_some() && self.stream.is_none() => {
                self.error(error_type, body)
            }
            Answer::Ended if self.ended => Ok(()),
            other => Err(format!("not {other}")),
        }
    }

    fn wants_response(&self) -> bool {
        self.result.is_some() || self.text.is_some() || self.bytes.is_some()
    }

    fn response(&self, body: &str) -> Result<(), String> {
        if let Some(pattern) = &self.result {
            let found = serde_json::from_str(body).map_err(|error| error.to_string())?;
            value(pattern, &found)?;
        }
        if self.text.as_ref().is_some_and(|expected| !text(expected, body)) {
            return Err(format!("text {body:?}"));
        }
        match self.bytes {
            Some(bytes) if bytes != body.len() => Err(format!("{} bytes", body.len())),
            _ => Ok(()),
        }
    }

    fn error(&self, error_type: &str, body: &str) -> Result<(), String> {
        if self.r#type.as_deref() != Some(error_type) {
            return Err(format!("error type {error_type:?}"));
        }
        let found = serde_json::from_str(body).map_err(|error| error.to_string())?;
        self.error
            .as_ref()
            .map_or(Ok(()), |pattern| value(pattern, &found))
    }
}

fn value(pattern: &Value, found: &Value) -> Result<(), String> {
    let fits = match (pattern, found) {
        (Value::String(pattern), Value::String(found)) => text(pattern, found),
        (Value::Array(patterns), Value::Array(found)) => return list(patterns, found),
        (Value::Object(patterns), Value::Object(found)) if patterns.len() == found.len() => {
            return patterns.iter().try_for_each(|(name, pattern)| {
                let member = found.get(name).ok_or_else(|| format!("no member {name:?}"))?;
                value(pattern, member).map_err(|why| format!("{name}: {why}"))
            });
        }
        _ => pattern == found,
    };
    if fits {
        Ok(())
    } else {
        Err(format!("{found} instead of {pattern}"))
    }
}

fn list(patterns: &[Value], found: &[Value]) -> Result<(), String> {
    let (patterns, open) = match patterns.split_last() {
        Some((Value::String(last), patterns)) if last == REST => (patterns, true),
        _ => (patterns, false),
    };
    if found.len() < patterns.len() || (found.len() > patterns.len() && !open) {
        return Err(format!("{} elements instead of {}", found.len(), patterns.len()));
    }
    let mut pairs = patterns.iter().zip(found).enumerate();
    pairs.try_for_each(|(at, (pattern, found))| value(pattern, found).map_err(|why| format!("[{at}] {why}")))
}

fn text(pattern: &str, found: &str) -> bool {
    let Some((start, rest)) = pattern.split_once(ANY) else {
        return pattern == found;
    };
    let Some(found) = found.strip_prefix(start) else {
        return false;
    };
    (0..=found.len()).any(|at| found.is_char_boundary(at) && text(rest, &found[at..]))
}
