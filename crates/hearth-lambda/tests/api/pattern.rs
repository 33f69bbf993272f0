//! Compares answers with what a case expects of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use uuid::Uuid;

/// Compares a value with a pattern: texts such as `<uuid>` stand for any value of that form, and a member `"..."` of an
/// object for any further members. Says where they differ first.
pub(crate) fn compare(value: &Value, pattern: &Value, place: &str) -> Result<(), String> {
    match (value, pattern) {
        (Value::Object(value), Value::Object(pattern)) => {
            for (key, pattern) in pattern.iter().filter(|(key, _)| *key != "...") {
                compare(
                    value.get(key).unwrap_or(&Value::Null),
                    pattern,
                    &format!("{place}.{key}"),
                )?;
            }
            let unexpected = |key: &&String| !pattern.contains_key("...") && !pattern.contains_key(*key);
            match value.keys().find(unexpected) {
                Some(key) => Err(format!("{place} has an unexpected {key}")),
                None => Ok(()),
            }
        }
        (Value::Array(values), Value::Array(patterns)) if values.len() == patterns.len() => {
            let mut pairs = values.iter().zip(patterns).enumerate();
            pairs.try_for_each(|(index, (value, pattern))| {
                compare(value, pattern, &format!("{place}[{index}]"))
            })
        }
        (Value::String(value), Value::String(pattern)) if fits(value, pattern) => Ok(()),
        (Value::Number(_), Value::String(pattern)) if pattern == "<number>" => Ok(()),
        (value, pattern) if value == pattern => Ok(()),
        (value, pattern) => Err(format!("{place} is {value}, not {pattern}")),
    }
}

fn fits(value: &str, pattern: &str) -> bool {
    match pattern {
        "<uuid>" => Uuid::parse_str(value).is_ok(),
        "<date>" => value.len() == 28 && value.ends_with("+0000") && value.as_bytes()[10] == b'T',
        "<hash>" => STANDARD.decode(value).is_ok_and(|hash| hash.len() == 32),
        "<time>" => value.len() == 24 && value.ends_with('Z') && value.as_bytes()[10] == b'T',
        "<url>" => is_function_url(value),
        _ => match pattern.strip_suffix("<any>") {
            Some(prefix) => value.starts_with(prefix),
            None => value == pattern,
        },
    }
}

/// `http://<32 letters and digits>.lambda-url.<region>.<the host of the requests>/`.
fn is_function_url(value: &str) -> bool {
    let host = value
        .strip_prefix("http://")
        .and_then(|rest| rest.strip_suffix(".lambda-url.us-east-1.hearth.test:4566/"));
    host.is_some_and(|id| {
        id.len() == 32
            && id
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}
