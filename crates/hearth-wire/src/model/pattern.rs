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

type Predicate = fn(&str) -> bool;

#[derive(Debug)]
enum Matcher {
    Regex(Regex),
    Written(Predicate),
}

/// Longest text that is looked at, in bytes: longer than any text with a pattern may be.
const LONGEST: usize = 64 * 1024;

/// Patterns with syntax that the regular expression engine does not have, written out.
const WRITTEN: [(&str, Predicate); 4] = [
    (r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)", is_tag_text),
    (r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$", is_tag_text),
    // That it is not empty is said by its least length too.
    (r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]+)$", is_tag_text),
    (r"[0-9A-Za-z\.\-_]*(?<!\.)", is_bucket_name),
];

/// The ways in which the models write "a word that is not a number", which takes a look ahead, and the same without it.
const NOT_A_NUMBER: [&str; 3] = [
    r"(?!^[0-9]+$)([a-zA-Z0-9-_]+)",
    r"((?!^\d+$)^[0-9a-zA-Z-_]+$)",
    r"((?!\d+$)[0-9a-zA-Z-_]+)",
];
const NOT_A_NUMBER_REGEX: &str = "(?:[a-zA-Z0-9_-]*[a-zA-Z_-][a-zA-Z0-9_-]*)";

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

    /// Whether the whole of a text matches. A text of more than 64 KiB never does: whatever it is
    /// for, it is too long, and looking at it takes time.
    pub fn matches(&self, text: &str) -> bool {
        if self.accepts_words && is_word(text) {
            return true;
        }
        if text.len() > LONGEST {
            return false;
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
    let text = NOT_A_NUMBER
        .iter()
        .fold(text.to_owned(), |text, way| text.replace(way, NOT_A_NUMBER_REGEX));
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::model::{Kind, Shape};
    use crate::{lambda, logs, sts};

    fn visit(shape: &'static Shape, seen: &mut BTreeSet<&'static str>, patterns: &mut Vec<&'static Pattern>) {
        if !seen.insert(shape.name) {
            return;
        }
        patterns.extend(shape.pattern);
        match shape.kind {
            Kind::Structure { members, .. } => {
                members
                    .iter()
                    .for_each(|member| visit(member.shape, seen, patterns));
            }
            Kind::List(item) => visit(item, seen, patterns),
            Kind::Map(key, value) => [key, value]
                .into_iter()
                .for_each(|part| visit(part, seen, patterns)),
            _ => {}
        }
    }

    fn implemented() -> Vec<&'static Pattern> {
        let mut patterns = Vec::new();
        for service in [&lambda::MODEL, &logs::MODEL, &sts::MODEL] {
            let mut seen = BTreeSet::new();
            let shapes = service
                .operations
                .iter()
                .filter_map(|operation| operation.shapes.as_ref());
            for shape in shapes.flat_map(|shapes| [shapes.input, shapes.output]).flatten() {
                visit(shape, &mut seen, &mut patterns);
            }
        }
        patterns
    }

    #[test]
    fn every_pattern_of_the_implemented_operations_compiles() {
        let patterns = implemented();
        assert!(patterns.len() > 30);
        for pattern in patterns {
            pattern.matches("\u{1f600}");
        }
    }

    #[test]
    fn the_written_ones_follow_their_patterns() {
        for tag in [0, 1, 2].map(|way| Pattern::new(WRITTEN[way].0)) {
            for good in ["", "a b", "größe=1", "数", "²", "_.:/=+-@", "\u{a0}"] {
                assert!(tag.matches(good), "{good}");
            }
            for bad in ["#", "a\tb", "a,b", "\u{1f600}"] {
                assert!(!tag.matches(bad), "{bad}");
            }
        }
        let bucket = Pattern::new(WRITTEN[3].0);
        assert!(bucket.matches("my.bucket-1_A") && bucket.matches(""));
        assert!(!bucket.matches("bucket.") && !bucket.matches("a b"));
    }

    #[test]
    fn words_that_are_no_numbers_are_told_from_those_that_are() {
        for alias in NOT_A_NUMBER.map(Pattern::new) {
            for good in ["prod", "1a", "a1", "-", "_7_"] {
                assert!(alias.matches(good), "{} {good}", alias.text);
            }
            for bad in ["", "17", "$LATEST", "a.b", "a\n"] {
                assert!(!alias.matches(bad), "{} {bad}", alias.text);
            }
        }
        let name = Pattern::new(r"(function:)?([a-zA-Z0-9-_]{1,64})(:((?!\d+$)[0-9a-zA-Z-_]+))?");
        assert!(name.matches("f") && name.matches("f:prod") && name.matches("function:1"));
        assert!(!name.matches("f:1") && !name.matches("f:$LATEST"));
    }

    #[test]
    fn the_whole_text_must_match() {
        let pattern = Pattern::new("a|bc");
        assert!(pattern.matches("a") && pattern.matches("bc"));
        assert!(!pattern.matches("ac") && !pattern.matches("abc") && !pattern.matches("a\n"));
    }

    proptest! {
        #[test]
        fn patterns_that_accept_words_do(word in "[a-zA-Z0-9_-]{1,64}") {
            for pattern in implemented().into_iter().filter(|pattern| pattern.accepts_words) {
                let regex = Regex::new(&format!("^(?:{})$", pattern.text)).unwrap();
                prop_assert!(regex.is_match(&word), "{} {}", pattern.text, word);
            }
        }
    }
}
