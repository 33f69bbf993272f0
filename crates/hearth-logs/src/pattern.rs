//! Filter patterns for text: terms that a message must, may or must not contain.
//!
//! As CloudWatch has them: terms are looked for anywhere in the message, also inside words, and
//! upper and lower case differ. All plain terms must be there; with `?` before every term, one of
//! them must; a term behind `-` must not. Phrases, and terms with other characters than letters,
//! digits and `_`, stand in double quotes. Beside other terms, those with `?` have no effect.

use std::iter::Peekable;
use std::str::Chars;

/// A parsed filter pattern. The default matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterPattern {
    all: Vec<String>,
    any: Vec<String>,
    none: Vec<String>,
}

/// A text that is not a filter pattern, or one of a kind that is not supported.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// A pattern for JSON, for columns or a regular expression.
    #[error(
        "Hearth does not support {0} filter patterns yet; use terms, such as: ERROR \"exact phrase\" -excluded"
    )]
    Unsupported(&'static str),
    /// An unquoted term with other characters than letters, digits and `_`, or an empty one.
    #[error("Invalid filter pattern: Invalid character(s) in term '{0}'")]
    Term(String),
    /// A quote that does not end.
    #[error("Invalid filter pattern: a double quote is missing")]
    Unclosed,
}

impl FilterPattern {
    /// Reads a pattern; an empty one matches everything.
    ///
    /// # Errors
    /// When it is not one, or not one of terms.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let mut rest = text.trim().chars().peekable();
        match rest.peek() {
            Some('{') => return Err(InvalidPattern::Unsupported("JSON")),
            Some('[') => return Err(InvalidPattern::Unsupported("space-delimited")),
            Some('%') => return Err(InvalidPattern::Unsupported("regular expression")),
            _ => {}
        }
        let mut pattern = Self::default();
        let mut constrained = false;
        while skip_spaces(&mut rest) {
            let optional = rest.next_if_eq(&'?').is_some();
            let excluded = !optional && rest.next_if_eq(&'-').is_some();
            let term = term(&mut rest)?;
            constrained |= !optional;
            let place = match (optional, excluded) {
                (true, _) => &mut pattern.any,
                (_, true) => &mut pattern.none,
                _ => &mut pattern.all,
            };
            place.push(term);
        }
        if constrained {
            pattern.any.clear();
        }
        // A quoted blank is how CloudWatch spells "everything".
        pattern.all.retain(|term| !term.trim().is_empty());
        Ok(pattern)
    }

    /// Whether a message fits.
    pub fn matches(&self, message: &str) -> bool {
        let has = |term: &String| message.contains(term.as_str());
        self.all.iter().all(has)
            && (self.any.is_empty() || self.any.iter().any(has))
            && !self.none.iter().any(has)
    }
}

/// Goes to the next term; `false` if there is none.
fn skip_spaces(rest: &mut Peekable<Chars<'_>>) -> bool {
    while rest.next_if(|c| c.is_whitespace()).is_some() {}
    rest.peek().is_some()
}

fn term(rest: &mut Peekable<Chars<'_>>) -> Result<String, InvalidPattern> {
    if rest.next_if_eq(&'"').is_some() {
        return phrase(rest);
    }
    let mut word = String::new();
    while let Some(c) = rest.next_if(|c| !c.is_whitespace()) {
        word.push(c);
    }
    if word.is_empty() || !word.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return Err(InvalidPattern::Term(word));
    }
    Ok(word)
}

/// What is in quotes; `\` lets a quote or itself be part of it.
fn phrase(rest: &mut Peekable<Chars<'_>>) -> Result<String, InvalidPattern> {
    let mut phrase = String::new();
    loop {
        match rest.next().ok_or(InvalidPattern::Unclosed)? {
            '"' if phrase.is_empty() => return Err(InvalidPattern::Term("\"\"".to_owned())),
            '"' => return Ok(phrase),
            '\\' => phrase.push(rest.next_if(|c| matches!(c, '"' | '\\')).unwrap_or('\\')),
            c => phrase.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matched<'m>(pattern: &str, messages: &[&'m str]) -> Vec<&'m str> {
        let pattern = FilterPattern::parse(pattern).unwrap();
        messages
            .iter()
            .copied()
            .filter(|message| pattern.matches(message))
            .collect()
    }

    #[test]
    fn the_cases_of_the_user_guide() {
        let bad = "[ERROR 400] BAD REQUEST";
        let missing = "[ERROR 419] MISSING ARGUMENTS";
        let info = "[INFO] REQUEST FAILED";
        let server = "[ERROR 500] INTERNAL SERVER ERROR";
        let all = [bad, missing, info, server];
        assert_eq!(matched("ERROR", &all), [bad, missing, server]);
        assert_eq!(matched("ERROR ARGUMENTS", &all), [missing]);
        assert_eq!(matched("?INFO ?ARGUMENTS", &all), [missing, info]);
        assert_eq!(matched("?INFO ?ARGUMENTS REQUEST", &all), [bad, info]);
        assert_eq!(matched("\"INTERNAL SERVER ERROR\"", &all), [server]);
        assert_eq!(matched("ERROR -ARGUMENTS", &all), [bad, server]);
        assert_eq!(matched("-\"ERROR 4\"", &all), [info, server]);
        assert_eq!(matched("\" \"", &["one", "two words"]), ["one", "two words"]);
        assert_eq!(
            matched("Exception", &["IllegalArgumentException"]),
            ["IllegalArgumentException"]
        );
        assert_eq!(matched("error", &all), Vec::<&str>::new());
        assert_eq!(matched("  ", &all), all);
        assert_eq!(
            matched(r#""say \"hi\" C:\\ \d""#, &[r#"say "hi" C:\ \d"#]).len(),
            1
        );
    }

    #[test]
    fn other_kinds_are_refused_by_name() {
        for (pattern, kind) in [
            ("{ $.level = \"ERROR\" }", "JSON"),
            ("[ip, user]", "space-delimited"),
            (" %A%", "regular expression"),
        ] {
            assert_eq!(
                FilterPattern::parse(pattern),
                Err(InvalidPattern::Unsupported(kind))
            );
        }
    }

    #[test]
    fn what_must_be_quoted_is_refused_without_quotes() {
        for (pattern, term) in [
            ("a@b.c", "a@b.c"),
            ("x -", ""),
            ("\"\"", "\"\""),
            ("?-a", "-a"),
            ("a\"b\"", "a\"b\""),
        ] {
            assert_eq!(
                FilterPattern::parse(pattern),
                Err(InvalidPattern::Term(term.to_owned()))
            );
        }
        assert_eq!(FilterPattern::parse("\"open"), Err(InvalidPattern::Unclosed));
    }

    proptest! {
        #[test]
        fn any_text_is_survived(pattern in "\\PC{0,80}", message in "\\PC{0,80}") {
            if let Ok(pattern) = FilterPattern::parse(&pattern) {
                pattern.matches(&message);
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
    }
}
