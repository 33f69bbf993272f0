//! Comparing a member or a column with an operand.

use serde_json::Value;

use super::InvalidPattern;
use super::cursor::Cursor;
use super::glob::Glob;
use super::regex::Regex;

/// Characters besides letters and digits that an operand may have outside of quotes.
const UNQUOTED: &str = "_-.*:/@+#~?;'";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// `= operand`, `> 5` and so on.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    operator: Operator,
    operand: Operand,
}

#[derive(Clone, Debug)]
enum Operand {
    Text(Glob),
    /// A number, which may also be meant as text.
    Number(f64, Glob),
    Regex(Regex),
}

impl Comparison {
    /// Reads operator and operand.
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, InvalidPattern> {
        let operator = Operator::parse(cursor)?;
        let operand = Operand::parse(cursor)?;
        let is_order = !matches!(operator, Operator::Equal | Operator::NotEqual);
        if is_order && !matches!(operand, Operand::Number(..)) {
            return Err(InvalidPattern::new("only numbers are less or greater"));
        }
        Ok(Self { operator, operand })
    }

    /// Whether it holds of a text.
    pub(super) fn holds_of_text(&self, text: &str) -> bool {
        let number = || text.parse().ok().filter(|number: &f64| number.is_finite());
        match &self.operand {
            Operand::Number(wanted, glob) => match number() {
                Some(found) => self.holds_of_number(found, *wanted),
                None => self.holds_if(glob.matches(text)),
            },
            Operand::Text(glob) => self.holds_if(glob.matches(text)),
            Operand::Regex(regex) => self.holds_if(regex.matches(text)),
        }
    }

    /// Whether it holds of a JSON value. Of lists, objects, truth values and null nothing holds.
    pub(super) fn holds_of_json(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => match &self.operand {
                // A text has no order.
                Operand::Number(_, glob) => self.holds_if(glob.matches(text)),
                _ => self.holds_of_text(text),
            },
            Value::Number(number) => match (&self.operand, number.as_f64()) {
                (Operand::Number(wanted, _), Some(found)) => self.holds_of_number(found, *wanted),
                _ => self.holds_of_text(&number.to_string()),
            },
            _ => false,
        }
    }

    fn holds_of_number(&self, found: f64, wanted: f64) -> bool {
        match self.operator {
            Operator::Equal => found == wanted,
            Operator::NotEqual => found != wanted,
            Operator::Less => found < wanted,
            Operator::AtMost => found <= wanted,
            Operator::Greater => found > wanted,
            Operator::AtLeast => found >= wanted,
        }
    }

    fn holds_if(&self, equal: bool) -> bool {
        match self.operator {
            Operator::Equal => equal,
            Operator::NotEqual => !equal,
            _ => false,
        }
    }
}

impl Operator {
    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, InvalidPattern> {
        const ALL: [(&str, Operator); 6] = [
            ("!=", Operator::NotEqual),
            ("<=", Operator::AtMost),
            (">=", Operator::AtLeast),
            ("<", Operator::Less),
            (">", Operator::Greater),
            ("=", Operator::Equal),
        ];
        cursor.skip_spaces();
        let found = ALL.into_iter().find(|(text, _)| cursor.eat(text));
        found
            .map(|(_, operator)| operator)
            .ok_or_else(|| InvalidPattern::new("an operator is missing"))
    }
}

impl Operand {
    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, InvalidPattern> {
        cursor.skip_spaces();
        if cursor.eat("\"") {
            return Ok(Self::Text(Glob::new(&cursor.quoted('"')?)));
        }
        if cursor.eat("%") {
            return Ok(Self::Regex(Regex::parse(cursor)?));
        }
        let text = cursor.take_while(|c| c.is_alphanumeric() || UNQUOTED.contains(c));
        if text.is_empty() {
            return Err(InvalidPattern::new("a value is missing"));
        }
        let glob = Glob::new(text);
        let is_numeric = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
        match text.parse::<f64>() {
            Ok(number) if is_numeric && number.is_finite() => Ok(Self::Number(number, glob)),
            _ => Ok(Self::Text(glob)),
        }
    }
}
