//! The filter pattern language of CloudWatch Logs.
//!
//! A pattern in braces compares members of a JSON message, one in brackets columns of a message of words, and any
//! other one looks for terms. What AWS leaves open is read leniently; what cannot be a pattern is refused, never
//! guessed. Patterns are short (the API allows 1024 characters), their nesting, wildcards and regular expressions are
//! bounded, and a message is read once per comparison.

mod columns;
mod comparison;
mod cursor;
mod expression;
mod glob;
mod json;
mod regex;
mod selector;
mod terms;

#[cfg(test)]
mod cases;

use cursor::Cursor;

/// A parsed filter pattern. The default matches everything.
#[derive(Clone, Debug, Default)]
pub struct FilterPattern(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Terms(terms::Terms),
    Json(json::Json),
    Columns(columns::Columns),
}

impl Default for Kind {
    fn default() -> Self {
        Self::Terms(terms::Terms::default())
    }
}

/// A text that is not a filter pattern.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid filter pattern: {0}")]
pub struct InvalidPattern(String);

impl InvalidPattern {
    fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl FilterPattern {
    /// Reads a pattern; an empty one matches everything.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let mut cursor = Cursor::new(text.trim());
        let kind = if cursor.eat("{") {
            Kind::Json(json::Json::parse(&mut cursor)?)
        } else if cursor.eat("[") {
            Kind::Columns(columns::Columns::parse(&mut cursor)?)
        } else {
            Kind::Terms(terms::Terms::parse(&mut cursor)?)
        };
        cursor.skip_spaces();
        match cursor.peek() {
            None => Ok(Self(kind)),
            Some(_) => Err(InvalidPattern::new("there is more behind its end")),
        }
    }

    /// Whether a message fits.
    pub fn matches(&self, message: &str) -> bool {
        match &self.0 {
            Kind::Terms(terms) => terms.matches(message),
            Kind::Json(json) => json.matches(message),
            Kind::Columns(columns) => columns.matches(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Text of the characters that patterns are made of.
    fn pattern() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "{", "}", "[", "]", "(", ")", "$", ".", "a", "b", "0", "1", "-", "?", "*", "=", "!=", "<", ">=",
            "&&", "||", "%", "\"", "\\", " ", ",", "...", "IS", "NULL", "NOT", "EXISTS", "TRUE", "1e3", "ü",
        ]);
        prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_text_is_survived(pattern in "\\PC{0,80}", message in "\\PC{0,80}") {
            if let Ok(pattern) = FilterPattern::parse(&pattern) {
                pattern.matches(&message);
            }
        }

        #[test]
        fn any_near_miss_is_survived(pattern in pattern(), message in "[a-c0-1 .\\[\\]\"{}:]{0,40}") {
            if let Ok(pattern) = FilterPattern::parse(&pattern) {
                pattern.matches(&message);
                pattern.matches(r#"{"a":{"b":[1,"0",null,true]},"b":"a"}"#);
            }
        }

        #[test]
        fn a_quoted_text_matches_where_it_is_contained(text in "[^\\s]\\PC{0,20}", around in "\\PC{0,10}") {
            let quoted = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
            let pattern = FilterPattern::parse(&quoted).unwrap();
            let message = format!("{around}{text}{around}");
            prop_assert!(pattern.matches(&message));
            prop_assert_eq!(pattern.matches(&around), around.contains(&text));
        }

        #[test]
        fn numbers_compare_as_numbers(one in -1000i32..1000, other in -1000i32..1000) {
            let message = format!("{{\"n\":{one}}}");
            let holds = |operator: &str| {
                FilterPattern::parse(&format!("{{ $.n {operator} {other} }}")).unwrap().matches(&message)
            };
            prop_assert_eq!(holds("="), one == other);
            prop_assert_eq!(holds("!="), one != other);
            prop_assert_eq!(holds("<"), one < other);
            prop_assert_eq!(holds(">="), one >= other);
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let deep = format!("{{ {}$.a = 1{} }}", "(".repeat(400), ")".repeat(400));
        assert!(FilterPattern::parse(&deep).is_err());
    }
}
