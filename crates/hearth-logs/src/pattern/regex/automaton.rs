//! Matching in one pass, all places of an expression at once.
//!
//! An expression without parentheses is a few rows of places, each passed by one character, some of which may be left
//! out or passed again. Which of them have been reached is a set of bits, and one character moves the whole set on by
//! a few operations per 64 places (G. Navarro and M. Raffinot, "Flexible Pattern Matching in Strings", 4.4). So the
//! worst expression costs [`MAX_PLACES`] / 64 such steps per character of any message, whatever it says.

use super::super::InvalidPattern;
use super::class::{KINDS, kind};
use super::parse::{Alternative, Term};

/// Most places of an expression: as many as a pattern may have characters. Repetitions count as written out.
pub(super) const MAX_PLACES: usize = 1024;
/// Places of a word.
pub(super) const WORD: usize = u64::BITS as usize;

/// An expression, ready to be looked for. Places are numbered through: for each alternative its start, then one for
/// each character that may come.
#[derive(Clone, Debug)]
pub(super) struct Automaton {
    /// For each kind of character and word of places: which places such a character leads to.
    passed_by: Vec<u64>,
    words: Vec<Word>,
}

/// What is known of 64 places.
#[derive(Clone, Copy, Debug, Default)]
struct Word {
    /// Reached without a character at the start of the text …
    first: u64,
    /// … and at every other place of it.
    always: u64,
    /// Passed again by a further character.
    repeated: u64,
    /// May be left out.
    optional: u64,
    /// Reached, they say that the expression fits …
    last: u64,
    /// … and those that say it at the end of the text.
    last_at_end: u64,
}

impl Automaton {
    /// Writes alternatives out.
    pub(super) fn new(alternatives: &[Alternative]) -> Result<Self, InvalidPattern> {
        let places: usize = alternatives.iter().map(length).sum();
        if places > MAX_PLACES {
            return Err(InvalidPattern::new(format!(
                "a regular expression has at most {MAX_PLACES} characters, repetitions written out"
            )));
        }
        let words = places.div_ceil(WORD);
        let mut automaton = Self {
            passed_by: vec![0; KINDS * words],
            words: vec![Word::default(); words],
        };
        let mut place = 0;
        for alternative in alternatives {
            place = automaton.write(alternative, place);
        }
        Ok(automaton)
    }

    /// The steps that each character of a message costs.
    #[cfg(test)]
    pub(super) fn cost(&self) -> usize {
        self.words.len()
    }

    /// Whether the expression fits anywhere in a text.
    pub(super) fn matches(&self, text: &str) -> bool {
        let mut reached: Vec<u64> = self.words.iter().map(|word| word.first).collect();
        let fits = |reached: &[u64], last: fn(&Word) -> u64| {
            let mut words = reached.iter().zip(&self.words);
            words.any(|(reached, word)| reached & last(word) != 0)
        };
        if fits(&reached, |word| word.last) {
            return true;
        }
        for c in text.chars() {
            if self.step(&mut reached, kind(c)) {
                return true;
            }
        }
        fits(&reached, |word| word.last_at_end)
    }

    /// Moves on by one character; whether the expression fits now.
    fn step(&self, reached: &mut [u64], kind: usize) -> bool {
        let count = self.words.len();
        let passed_by = &self.passed_by[kind * count..][..count];
        let mut fits = 0;
        // Of the last word: whether its highest place was reached before, is reached now, and what its sum carries.
        let (mut before, mut now, mut carry) = (0, 0, false);
        for ((reached, passed), word) in reached.iter_mut().zip(passed_by).zip(&self.words) {
            let moved = *reached << 1 | before;
            before = *reached >> (WORD - 1);
            let mut next = passed & (moved | *reached & word.repeated) | word.always;
            // From a place that is reached all optional ones directly behind it are: a sum carries through them.
            let entered = (next << 1 | now) & word.optional;
            now = next >> (WORD - 1);
            let (sum, over) = add(word.optional, entered, carry);
            carry = over;
            next |= (word.optional ^ sum) & word.optional | entered;
            fits |= next & word.last;
            *reached = next;
        }
        fits != 0
    }

    /// Writes an alternative out from a place on; where the next one goes.
    fn write(&mut self, alternative: &Alternative, start: usize) -> usize {
        let mut place = start;
        // Whether everything so far may be left out.
        let mut skipped = true;
        self.begin(alternative, place);
        for term in &alternative.terms {
            for number in 0..copies(term) {
                place += 1;
                for kind in (0..KINDS).filter(|kind| term.class.has(*kind)) {
                    self.passed_by[kind * self.words.len() + place / WORD] |= bit(place);
                }
                let word = &mut self.words[place / WORD];
                if number >= term.least {
                    word.optional |= bit(place);
                } else {
                    skipped = false;
                }
                if term.most.is_none() && number + 1 == copies(term) {
                    word.repeated |= bit(place);
                }
                if skipped {
                    self.begin(alternative, place);
                }
            }
        }
        let word = &mut self.words[place / WORD];
        word.last_at_end |= bit(place);
        if !alternative.to_end {
            word.last |= bit(place);
        }
        place + 1
    }

    /// Marks a place that no character is needed for.
    fn begin(&mut self, alternative: &Alternative, place: usize) {
        let word = &mut self.words[place / WORD];
        word.first |= bit(place);
        if !alternative.from_start {
            word.always |= bit(place);
        }
    }
}

fn bit(place: usize) -> u64 {
    1 << (place % WORD)
}

/// Places of an alternative.
fn length(alternative: &Alternative) -> usize {
    1 + alternative.terms.iter().map(copies).sum::<usize>()
}

/// Places of a term.
fn copies(term: &Term) -> usize {
    term.most.unwrap_or_else(|| term.least.max(1))
}

/// A sum, and whether it carries into the next word.
fn add(one: u64, other: u64, carry: bool) -> (u64, bool) {
    let (sum, first) = one.overflowing_add(other);
    let (sum, second) = sum.overflowing_add(u64::from(carry));
    (sum, first || second)
}
