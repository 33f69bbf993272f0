//! Patterns for JSON messages: `{ $.level = "ERROR" && $.size > 100 }`.

use serde_json::Value;

use super::InvalidPattern;
use super::comparison::Comparison;
use super::cursor::Cursor;
use super::expression::Expression;
use super::selector::Selector;

#[derive(Clone, Debug)]
pub(super) struct Json(Expression<Condition>);

/// What must hold of what a selector leads to.
#[derive(Clone, Debug)]
struct Condition {
    selector: Selector,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Compares(Comparison),
    Is(Value),
    Exists(bool),
}

impl Json {
    /// Reads a pattern behind its opening brace.
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, InvalidPattern> {
        let expression = Expression::parse(cursor, &mut Condition::parse)?;
        cursor.expect("}")?;
        Ok(Self(expression))
    }

    /// Whether a message is a JSON object or list of which the pattern holds.
    pub(super) fn matches(&self, message: &str) -> bool {
        if !message.trim_start().starts_with(['{', '[']) {
            return false;
        }
        serde_json::from_str(message)
            .is_ok_and(|message: Value| self.0.holds(&|condition: &Condition| condition.holds(&message)))
    }
}

impl Condition {
    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, InvalidPattern> {
        let selector = Selector::parse(cursor)?;
        let test = if cursor.eat_word("NOT") {
            match cursor.eat_word("EXISTS") {
                true => Test::Exists(false),
                false => return Err(InvalidPattern::new("EXISTS is missing behind NOT")),
            }
        } else if cursor.eat_word("EXISTS") {
            Test::Exists(true)
        } else if cursor.eat_word("IS") {
            let constants = [
                ("NULL", Value::Null),
                ("TRUE", Value::Bool(true)),
                ("FALSE", Value::Bool(false)),
            ];
            let constant = constants.into_iter().find(|(word, _)| cursor.eat_word(word));
            let missing = || InvalidPattern::new("NULL, TRUE or FALSE is missing behind IS");
            Test::Is(constant.ok_or_else(missing)?.1)
        } else {
            Test::Compares(Comparison::parse(cursor)?)
        };
        Ok(Self { selector, test })
    }

    /// What is missing has no value that could be compared.
    fn holds(&self, message: &Value) -> bool {
        match &self.test {
            Test::Compares(comparison) => self
                .selector
                .any(message, &|value| comparison.holds_of_json(value)),
            Test::Is(constant) => self.selector.any(message, &|value| value == constant),
            Test::Exists(wanted) => self.selector.any(message, &|_| true) == *wanted,
        }
    }
}
