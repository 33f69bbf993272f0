//! Patterns for messages of words: `[ip, user, ..., status = 4*, size > 100]`.

use super::InvalidPattern;
use super::comparison::Comparison;
use super::cursor::Cursor;
use super::expression::Expression;

/// Names of columns that stand for any number of them.
const REST: &str = "...";

/// Conditions on the words of a message, from both ends.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    /// From the first word on.
    first: Vec<Column>,
    /// Up to the last word, where any number of words may stand in between.
    last: Option<Vec<Column>>,
}

/// What must hold of a word; anything, without a condition.
type Column = Option<Expression<Comparison>>;

impl Columns {
    /// Reads a pattern behind its opening bracket.
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, InvalidPattern> {
        let mut columns = Self {
            first: Vec::new(),
            last: None,
        };
        loop {
            if cursor.eat_token(REST) {
                if columns.last.replace(Vec::new()).is_some() {
                    return Err(InvalidPattern::new("'...' can stand in one place only"));
                }
            } else {
                let column = column(cursor)?;
                columns.last.as_mut().unwrap_or(&mut columns.first).push(column);
            }
            if cursor.eat_token("]") {
                return Ok(columns);
            }
            cursor.expect(",")?;
        }
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        let words = words(message);
        let last = self.last.as_deref().unwrap_or_default();
        let named = self.first.len() + last.len();
        let fits = match self.last {
            None => words.len() == named,
            Some(_) => words.len() >= named,
        };
        let holds = |(column, word): (&Column, &&str)| {
            let condition = |comparison: &Comparison| comparison.holds_of_text(word);
            column
                .as_ref()
                .is_none_or(|expression| expression.holds(&condition))
        };
        fits && self.first.iter().zip(&words).all(holds)
            && last.iter().rev().zip(words.iter().rev()).all(holds)
    }
}

/// One column: a name, or conditions that all begin with it.
fn column(cursor: &mut Cursor<'_>) -> Result<Column, InvalidPattern> {
    let mut ahead = cursor.clone();
    ahead.skip_spaces();
    let alone = name(&mut ahead);
    ahead.skip_spaces();
    if alone.is_ok() && matches!(ahead.peek(), Some(',' | ']')) {
        *cursor = ahead;
        return Ok(None);
    }
    let mut known: Option<String> = None;
    let expression = Expression::parse(cursor, &mut |cursor| {
        cursor.skip_spaces();
        let name = name(cursor)?;
        if known.get_or_insert_with(|| name.to_owned()) != name {
            return Err(InvalidPattern::new("a column has one name"));
        }
        Comparison::parse(cursor)
    })?;
    Ok(Some(expression))
}

fn name<'p>(cursor: &mut Cursor<'p>) -> Result<&'p str, InvalidPattern> {
    let name = cursor.take_while(|c| c.is_alphanumeric() || "_-.$@".contains(c));
    match name.is_empty() {
        true => Err(InvalidPattern::new("a column lacks its name")),
        false => Ok(name),
    }
}

/// The words of a message. What stands in double quotes or brackets is one word, without them.
fn words(message: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut cursor = Cursor::new(message);
    loop {
        cursor.skip_spaces();
        let end = match cursor.peek() {
            None => return words,
            Some('"') => "\"",
            Some('[') => "]",
            Some(_) => {
                words.push(cursor.take_while(|c| !c.is_whitespace()));
                continue;
            }
        };
        cursor.next();
        words.push(cursor.take_until(|rest| rest.starts_with(end)));
        cursor.eat(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_brackets_hold_words_together() {
        let line = r#"127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#;
        let expected = [
            "127.0.0.1",
            "-",
            "frank",
            "10/Oct/2000:13:25:15 -0700",
            "GET /index.html HTTP/1.0",
            "404",
            "1534",
        ];
        assert_eq!(words(line), expected);
        assert_eq!(words(" \"open end"), ["open end"]);
        assert_eq!(words("\"\" []x"), ["", "", "x"]);
    }
}
