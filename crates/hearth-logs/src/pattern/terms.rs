//! Terms that a message must, may or must not contain.
//!
//! Terms are looked for anywhere in the message, also inside words, and upper and lower case differ. All plain terms
//! must be there; with `?` before every term, one of them must; a term behind `-` must not. Phrases, and terms with
//! other characters than letters, digits and `_`, stand in double quotes, regular expressions between `%`. Beside
//! other terms, those with `?` have no effect.

use super::InvalidPattern;
use super::cursor::Cursor;
use super::regex::Regex;

#[derive(Clone, Debug, Default)]
pub(super) struct Terms {
    all: Vec<Term>,
    any: Vec<Term>,
    none: Vec<Term>,
}

#[derive(Clone, Debug)]
enum Term {
    Text(String),
    Regex(Regex),
}

impl Terms {
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, InvalidPattern> {
        let mut terms = Self::default();
        let mut constrained = false;
        loop {
            cursor.skip_spaces();
            if cursor.peek().is_none() {
                break;
            }
            let optional = cursor.eat("?");
            let excluded = !optional && cursor.eat("-");
            constrained |= !optional;
            let place = match (optional, excluded) {
                (true, _) => &mut terms.any,
                (_, true) => &mut terms.none,
                _ => &mut terms.all,
            };
            place.push(Term::parse(cursor)?);
        }
        if constrained {
            terms.any.clear();
        }
        // A quoted blank is how CloudWatch spells "everything".
        terms
            .all
            .retain(|term| !matches!(term, Term::Text(text) if text.trim().is_empty()));
        Ok(terms)
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        let is_in = |term: &Term| match term {
            Term::Text(text) => message.contains(text.as_str()),
            Term::Regex(regex) => regex.matches(message),
        };
        self.all.iter().all(is_in)
            && (self.any.is_empty() || self.any.iter().any(is_in))
            && !self.none.iter().any(is_in)
    }
}

impl Term {
    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, InvalidPattern> {
        if cursor.eat("\"") {
            let text = cursor.quoted('"')?;
            return match text.is_empty() {
                true => Err(InvalidPattern::new("an empty term")),
                false => Ok(Self::Text(text)),
            };
        }
        if cursor.eat("%") {
            return Ok(Self::Regex(Regex::parse(cursor)?));
        }
        let word = cursor.take_while(|c| !c.is_whitespace());
        if word.is_empty() || !word.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return Err(InvalidPattern::new(format!(
                "Invalid character(s) in term '{word}'"
            )));
        }
        Ok(Self::Text(word.to_owned()))
    }
}
