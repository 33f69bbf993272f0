//! What can be told about a pattern without running it.

/// Whether a pattern surely accepts every word: one or more letters, digits, `-` and `_`.
///
/// True when one alternative consists of optional groups around one repeated class of all these
/// characters. Such texts, function names above all, then need no regular expression at run time.
pub(crate) fn accepts_words(pattern: &str) -> bool {
    alternatives(pattern).into_iter().any(|alternative| {
        let rest = without_optional_groups(alternative);
        let class = rest
            .strip_prefix('(')
            .and_then(|rest| rest.strip_suffix(')'))
            .unwrap_or(&rest);
        class
            .strip_prefix("[a-zA-Z0-9-_")
            .and_then(|class| class.strip_suffix("]+"))
            .is_some_and(|more| matches!(more, "" | "$" | r"\." | "."))
    })
}

/// The parts of a pattern between the `|` outside groups and classes.
fn alternatives(pattern: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, byte, depth) in scan(pattern) {
        if byte == b'|' && depth == 0 {
            parts.push(&pattern[start..at]);
            start = at + 1;
        }
    }
    parts.push(&pattern[start..]);
    parts
}

/// The pattern without its outermost `(…)?` groups.
fn without_optional_groups(pattern: &str) -> String {
    let mut kept = String::new();
    let mut group = None;
    let mut from = 0;
    for (at, byte, depth) in scan(pattern) {
        match byte {
            b'(' if depth == 1 => group = Some(at),
            b')' if depth == 0 && pattern[at + 1..].starts_with('?') => {
                kept.push_str(&pattern[from..group.take().unwrap_or(at)]);
                from = at + 2;
            }
            _ => {}
        }
    }
    kept.push_str(&pattern[from..]);
    kept
}

/// The unescaped bytes outside classes, each with the depth of groups after it.
fn scan(pattern: &str) -> impl Iterator<Item = (usize, u8, usize)> {
    let (mut depth, mut escaped, mut in_class) = (0_usize, false, false);
    pattern.bytes().enumerate().filter_map(move |(at, byte)| {
        let plain = !std::mem::take(&mut escaped);
        match byte {
            b'\\' if plain => escaped = true,
            b']' if plain => in_class = false,
            b'[' if plain => in_class = true,
            b'(' if plain && !in_class => depth += 1,
            b')' if plain && !in_class => depth = depth.saturating_sub(1),
            _ => {}
        }
        (plain && !in_class).then_some((at, byte, depth))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_qualifiers_accept_words() {
        for pattern in [
            r"(arn:(aws[a-zA-Z-]*)?:lambda:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?",
            r"(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?",
            r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+",
            "[a-zA-Z0-9-_]+",
        ] {
            assert!(accepts_words(pattern), "{pattern}");
        }
    }

    #[test]
    fn anything_less_certain_does_not() {
        for pattern in [
            r"arn:aws:lambda:([a-zA-Z0-9-_]+)",
            r"(?!^[0-9]+$)([a-zA-Z0-9-_]+)",
            "(function:)([a-zA-Z0-9-_]+)",
            r"[a-z]+(\|[a-zA-Z0-9-_]+)?",
            "[a-zA-Z0-9]+",
            "",
        ] {
            assert!(!accepts_words(pattern), "{pattern}");
        }
    }
}
