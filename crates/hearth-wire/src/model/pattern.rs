//! The patterns of texts: regular expressions that the whole text must match.

use std::sync::OnceLock;

use regex_lite::Regex;

/// A regular expression of a model, compiled at its first use.
#[derive(Debug)]
pub struct Pattern {
    text: &'static str,
    accepts_words: bool,
    matcher: OnceLock<Matcher>,
}

#[derive(Debug)]
enum Matcher {
    Regex(Regex),
    Written(fn(&str) -> bool),
}

/// Patterns with syntax that the regular expression engine does not have, written out.
const WRITTEN: [(&str, fn(&str) -> bool); 2] = [
    (r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)", is_tag_text),
    (r"[0-9A-Za-z\.\-_]*(?<!\.)", is_bucket_name),
];

impl Pattern {
    /// A pattern as the model writes it.
    pub const fn new(text: &'static str) -> Self {
        Self {
            text,
            accepts_words: false,
            matcher: OnceLock::new(),
        }
    }

    /// A pattern that is known to match every text of one or more ASCII letters, digits, `-` and
    /// `_`. Such texts, nearly all names in practice, are accepted without the regular expression.
    pub const fn accepting_words(text: &'static str) -> Self {
        Self {
            text,
            accepts_words: true,
            matcher: OnceLock::new(),
        }
    }

    /// The pattern as the model writes it.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// Whether the whole of a text matches.
    pub fn matches(&self, text: &str) -> bool {
        if self.accepts_words && is_word(text) {
            return true;
        }
        match self.matcher.get_or_init(|| compile(self.text)) {
            Matcher::Regex(regex) => regex.is_match(text),
            Matcher::Written(matches) => matches(text),
        }
    }
}

fn compile(text: &str) -> Matcher {
    if let Some((_, matches)) = WRITTEN.iter().find(|(pattern, _)| *pattern == text) {
        return Matcher::Written(*matches);
    }
    let regex = Regex::new(&format!("^(?:{text})$"));
    Matcher::Regex(regex.expect("a test compiles every pattern of the implemented operations"))
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Letters, separators and numbers of any script, and the punctuation that tags may have.
fn is_tag_text(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c))
}

/// Letters, digits, `.`, `-` and `_`, not ending in a full stop.
fn is_bucket_name(text: &str) -> bool {
    !text.ends_with('.')
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
}
