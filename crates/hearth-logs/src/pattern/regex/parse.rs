//! Reading a regular expression.

use std::iter::Peekable;
use std::str::Chars;

use super::super::InvalidPattern;
use super::class::Class;

/// Characters besides letters, digits and blanks that stand for themselves.
const SYMBOLS: &str = ":_#=@/;,-";
/// Characters with a meaning, which `\` takes from them.
const OPERATORS: &str = "^$?[]{}|\\*+.";
/// Most repetitions that can be asked for; what they add up to is bounded besides.
const MAX_REPEAT: usize = 1000;

/// One side of a `|`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Alternative {
    /// It fits at the start of a text only: `^`.
    pub(super) from_start: bool,
    pub(super) terms: Vec<Term>,
    /// It fits at the end of a text only: `$`.
    pub(super) to_end: bool,
}

/// A character, and how often it may stand there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) class: Class,
    pub(super) least: usize,
    /// `None` is any number.
    pub(super) most: Option<usize>,
}

type Rest<'t> = Peekable<Chars<'t>>;

/// The alternatives of an expression.
pub(super) fn alternatives(text: &str) -> Result<Vec<Alternative>, InvalidPattern> {
    let mut rest = text.chars().peekable();
    let mut all = vec![alternative(&mut rest)?];
    // An alternative ends with the text or before a `|`.
    while rest.next().is_some() {
        all.push(alternative(&mut rest)?);
    }
    Ok(all)
}

fn alternative(rest: &mut Rest<'_>) -> Result<Alternative, InvalidPattern> {
    let mut alternative = Alternative {
        from_start: rest.next_if_eq(&'^').is_some(),
        ..Alternative::default()
    };
    while let Some(c) = rest.next_if(|c| *c != '|') {
        if alternative.to_end {
            return Err(InvalidPattern::new("a '$' can stand at an end only"));
        }
        if c == '$' {
            alternative.to_end = true;
            continue;
        }
        let class = class(c, rest)?;
        let (least, most) = repetition(rest)?;
        alternative.terms.push(Term { class, least, most });
    }
    Ok(alternative)
}

/// The class that begins with a character.
fn class(c: char, rest: &mut Rest<'_>) -> Result<Class, InvalidPattern> {
    match c {
        '.' => Ok(Class::all()),
        '[' => bracketed(rest),
        '\\' => escaped(rest),
        '^' => Err(InvalidPattern::new("a '^' can stand at a start only")),
        '?' | '*' | '+' | '{' => Err(InvalidPattern::new(format!(
            "there is nothing that '{c}' could repeat"
        ))),
        ']' | '}' => Ok(Class::one(c as u8)),
        _ => plain(c).map(Class::one),
    }
}

/// A character that stands for itself.
fn plain(c: char) -> Result<u8, InvalidPattern> {
    match u8::try_from(c) {
        Ok(byte) if byte.is_ascii_alphanumeric() || matches!(c, ' ' | '\t') || SYMBOLS.contains(c) => {
            Ok(byte)
        }
        _ => Err(InvalidPattern::new(format!(
            "Invalid character(s) in term '{c}': a regular expression has letters, digits and {SYMBOLS}, no \
             parentheses, and other characters of ASCII as \\xhh"
        ))),
    }
}

/// What stands behind a `\`.
fn escaped(rest: &mut Rest<'_>) -> Result<Class, InvalidPattern> {
    let missing = || InvalidPattern::new("something is missing behind a '\\'");
    let c = rest.next().ok_or_else(missing)?;
    match c {
        'd' => Ok(Class::digits()),
        'D' => Ok(Class::digits().not()),
        's' => Ok(Class::spaces()),
        'S' => Ok(Class::spaces().not()),
        'w' => Ok(Class::word()),
        'W' => Ok(Class::word().not()),
        'x' => hexadecimal(rest).map(Class::one),
        _ if OPERATORS.contains(c) => Ok(Class::one(c as u8)),
        _ if c.is_ascii_alphanumeric() => Err(InvalidPattern::new(format!("'\\{c}' has no meaning"))),
        _ => plain(c).map(Class::one),
    }
}

fn hexadecimal(rest: &mut Rest<'_>) -> Result<u8, InvalidPattern> {
    let mut digit = || rest.next().and_then(|c| c.to_digit(16));
    let code = digit().zip(digit()).map(|(high, low)| high * 16 + low);
    let character = code.and_then(|code| u8::try_from(code).ok()).filter(u8::is_ascii);
    character.ok_or_else(|| InvalidPattern::new("'\\x' takes two digits of a character of ASCII"))
}

/// The rest of a class in brackets.
fn bracketed(rest: &mut Rest<'_>) -> Result<Class, InvalidPattern> {
    let missing = || InvalidPattern::new("a ']' is missing");
    let is_negated = rest.next_if_eq(&'^').is_some();
    let mut found: Option<Class> = None;
    loop {
        let c = rest.next().ok_or_else(missing)?;
        let part = match c {
            ']' => break,
            '\\' => escaped(rest)?,
            _ => {
                let first = member(c)?;
                match range_end(rest)? {
                    Some(last) if last < first => {
                        return Err(InvalidPattern::new("a range ends before it begins"));
                    }
                    Some(last) => Class::range(first, last),
                    None => Class::one(first),
                }
            }
        };
        found = Some(found.unwrap_or_default().or(part));
    }
    let found = found.ok_or_else(|| InvalidPattern::new("there is nothing between '[' and ']'"))?;
    Ok(if is_negated { found.not() } else { found })
}

/// A character between brackets; operators have no meaning there.
fn member(c: char) -> Result<u8, InvalidPattern> {
    match u8::try_from(c) {
        Ok(byte) if OPERATORS.contains(c) => Ok(byte),
        _ => plain(c),
    }
}

/// The end of a range, if there is a `-` that does not stand last.
fn range_end(rest: &mut Rest<'_>) -> Result<Option<u8>, InvalidPattern> {
    let mut ahead = rest.clone();
    if ahead.next() != Some('-') || matches!(ahead.peek(), None | Some(']')) {
        return Ok(None);
    }
    rest.next();
    match rest.next() {
        Some(c) if c != '\\' => member(c).map(Some),
        _ => Err(InvalidPattern::new("a range ends with a character")),
    }
}

/// How often a term may stand there, by what is behind it.
fn repetition(rest: &mut Rest<'_>) -> Result<(usize, Option<usize>), InvalidPattern> {
    let Some(operator) = rest.next_if(|c| "?*+{".contains(*c)) else {
        return Ok((1, Some(1)));
    };
    let found = match operator {
        '?' => (0, Some(1)),
        '*' => (0, None),
        '+' => (1, None),
        _ => counts(rest)?,
    };
    // Whether as much as possible is taken or as little is nothing to whoever asks for a match alone.
    let _ = rest.next_if_eq(&'?');
    Ok(found)
}

/// The rest of `{m, n}`, of which one may be missing, and of `{m}`.
fn counts(rest: &mut Rest<'_>) -> Result<(usize, Option<usize>), InvalidPattern> {
    let refused = || {
        InvalidPattern::new(format!(
            "write {{m,n}} with numbers up to {MAX_REPEAT}, the smaller one first"
        ))
    };
    let mut inner = String::new();
    loop {
        match rest.next().ok_or_else(refused)? {
            '}' => break,
            c => inner.push(c),
        }
    }
    let number = |text: &str| match text.trim() {
        "" => Ok(None),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
            let number = digits.parse().ok().filter(|number| *number <= MAX_REPEAT);
            number.map(Some).ok_or_else(refused)
        }
        _ => Err(refused()),
    };
    let (least, most) = match inner.split_once(',') {
        None => {
            let exactly = number(&inner)?;
            (exactly, exactly)
        }
        Some((least, most)) => (number(least)?, number(most)?),
    };
    let is_ordered = least.zip(most).is_none_or(|(least, most)| least <= most);
    if least.or(most).is_none() || !is_ordered {
        return Err(refused());
    }
    Ok((least.unwrap_or(0), most))
}
