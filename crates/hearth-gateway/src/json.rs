//! JSON text as AWS sends it on.

use std::borrow::Cow;

/// One JSON value without the white space between its parts. Numbers, escapes and the order of keys stay as they are.
pub(crate) fn compact(json: &str) -> Cow<'_, str> {
    let is_space = |byte: u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    if !json.bytes().any(is_space) {
        return json.into();
    }
    let mut kept = String::with_capacity(json.len());
    let (mut in_text, mut escaped) = (false, false);
    for char in json.chars() {
        match char {
            '"' if !escaped => in_text = !in_text,
            ' ' | '\t' | '\n' | '\r' if !in_text => continue,
            _ => {}
        }
        escaped = char == '\\' && !escaped;
        kept.push(char);
    }
    kept.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn only_space_between_the_parts_goes() {
        assert_eq!(
            compact(r#"{ "b" : [ 1.0 , "a \" b" ],"a":"\\" , "c": 1e400 }"#),
            r#"{"b":[1.0,"a \" b"],"a":"\\","c":1e400}"#
        );
        assert_eq!(compact("[1,2]"), "[1,2]");
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((".{0,6}", inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_means_the_same(value in value()) {
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(compact(&pretty), value.to_string());
        }

        #[test]
        fn any_text_is_compacted(text in ".{0,40}") {
            let _ = compact(&text);
        }
    }
}
