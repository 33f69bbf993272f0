//! Reading a pattern from left to right.

use super::InvalidPattern;

/// What is left of a pattern.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'p> {
    rest: &'p str,
    /// Regular expressions read so far.
    pub(super) expressions: usize,
    /// Wildcards in selectors read so far.
    pub(super) wildcards: usize,
}

impl<'p> Cursor<'p> {
    pub(super) fn new(text: &'p str) -> Self {
        Self {
            rest: text,
            expressions: 0,
            wildcards: 0,
        }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// The next character, taken.
    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.rest = &self.rest[next.len_utf8()..];
        Some(next)
    }

    /// Takes this text if it comes next.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// The same behind any spaces.
    pub(super) fn eat_token(&mut self, text: &str) -> bool {
        self.skip_spaces();
        self.eat(text)
    }

    /// Takes a keyword, in any case, that no other letter or digit follows.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        self.skip_spaces();
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        match self.rest.split_at_checked(word.len()) {
            Some((found, rest)) if found.eq_ignore_ascii_case(word) && ends(rest) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    pub(super) fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Takes characters as long as they are wanted.
    pub(super) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'p str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Takes characters up to where an end begins.
    pub(super) fn take_until(&mut self, ends: impl Fn(&str) -> bool) -> &'p str {
        let at = self.rest.char_indices().map(|(at, _)| at);
        let end = at
            .into_iter()
            .find(|at| ends(&self.rest[*at..]))
            .unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Takes this text behind any spaces, or says that it is missing.
    pub(super) fn expect(&mut self, text: &str) -> Result<(), InvalidPattern> {
        if self.eat_token(text) {
            Ok(())
        } else {
            Err(InvalidPattern::new(format!("'{text}' is missing")))
        }
    }

    /// The rest of a text in quotes; `\` lets a quote or itself be part of it.
    pub(super) fn quoted(&mut self, quote: char) -> Result<String, InvalidPattern> {
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err(InvalidPattern::new("a quote is missing")),
                Some(c) if c == quote => return Ok(text),
                Some('\\') => match self.peek() {
                    Some(c) if c == quote || c == '\\' => text.extend(self.next()),
                    _ => text.push('\\'),
                },
                Some(c) => text.push(c),
            }
        }
    }
}
