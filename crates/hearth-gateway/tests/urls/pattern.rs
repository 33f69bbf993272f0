//! Compares what came with what a case expects.

use serde_json::Value;

/// Says where a value first differs from a pattern. A text that ends in `<any>` stands for any text that begins so.
pub(crate) fn compare(value: &Value, pattern: &Value, place: &str) -> Result<(), String> {
    match (value, pattern) {
        (Value::Object(members), Value::Object(patterns)) => {
            if let Some(more) = members.keys().find(|key| !patterns.contains_key(*key)) {
                return Err(format!("{place} has an unexpected {more}: {}", members[more]));
            }
            patterns.iter().try_for_each(|(key, pattern)| {
                let value = members.get(key).ok_or_else(|| format!("{place} has no {key}"))?;
                compare(value, pattern, &format!("{place}.{key}"))
            })
        }
        (Value::String(text), Value::String(pattern)) => {
            let fits = match pattern.strip_suffix("<any>") {
                Some(beginning) => text.starts_with(beginning),
                None => text == pattern,
            };
            if fits {
                Ok(())
            } else {
                Err(format!("{place} is {text:?}, not {pattern:?}"))
            }
        }
        _ if value == pattern => Ok(()),
        _ => Err(format!("{place} is {value}, not {pattern}")),
    }
}
