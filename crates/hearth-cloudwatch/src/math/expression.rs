//! Reading expressions.

use super::MathError;
use super::function::Function;

/// Deepest nesting of parentheses, brackets and signs.
const DEEPEST: u32 = 64;
/// Most operators: each may be a level of its own.
const MOST_OPERATORS: u32 = 250;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    /// A number.
    Number(f64),
    /// A text in quotation marks.
    Text(String),
    /// The result of another query, or a word that an argument can be.
    Name(String),
    /// An array.
    List(Vec<Self>),
    /// A function of arguments.
    Call(Function, Vec<Self>),
    /// A number below zero, or above if that is below.
    Negated(Box<Self>),
    /// Two operands.
    Operation(Operator, Box<(Self, Self)>),
}

/// What is done with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    LessOrEqual,
    GreaterOrEqual,
    Less,
    Greater,
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
}

/// The operators by how close they bind, the loosest first; what begins with another one's text comes before it.
const LEVELS: [&[(&str, Operator)]; 5] = [
    &[("||", Operator::Or), ("OR", Operator::Or)],
    &[("&&", Operator::And), ("AND", Operator::And)],
    &[
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("/", Operator::Divide)],
];
/// What binds closer than all of them.
const POWER: &[(&str, Operator)] = &[("^", Operator::Power)];

impl Operator {
    /// Applies it. What is true is 1, what is false 0, and any other number than 0 is true.
    pub(super) fn apply(self, left: f64, right: f64) -> f64 {
        match self {
            Self::Or => truth(is_true(left) || is_true(right)),
            Self::And => truth(is_true(left) && is_true(right)),
            Self::Equal => truth(left == right),
            Self::NotEqual => truth(left != right),
            Self::LessOrEqual => truth(left <= right),
            Self::GreaterOrEqual => truth(left >= right),
            Self::Less => truth(left < right),
            Self::Greater => truth(left > right),
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Divide => left / right,
            Self::Power => left.powf(right),
        }
    }
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

/// Whether a number is what is meant by true.
pub(super) fn is_true(value: f64) -> bool {
    value != 0.0
}

impl Expression {
    /// Reads an expression.
    pub(crate) fn parse(text: &str) -> Result<Self, MathError> {
        let first = text.split_whitespace().next().unwrap_or_default();
        if first.eq_ignore_ascii_case("SELECT") {
            return Err(MathError::Insights);
        }
        let mut parser = Parser {
            rest: text,
            depth: 0,
            operators: 0,
        };
        let expression = parser.whole()?;
        match parser.peek() {
            None => Ok(expression),
            Some(_) => Err(parser.stuck()),
        }
    }

    /// The ids of the queries that it needs.
    pub(crate) fn ids(&self) -> Vec<&str> {
        match self {
            Self::Number(_) | Self::Text(_) => Vec::new(),
            Self::Name(name) => Vec::from_iter(is_id(name).then_some(name.as_str())),
            Self::List(parts) | Self::Call(_, parts) => parts.iter().flat_map(Self::ids).collect(),
            Self::Negated(operand) => operand.ids(),
            Self::Operation(_, operands) => {
                let mut ids = operands.0.ids();
                ids.extend(operands.1.ids());
                ids
            }
        }
    }
}

/// Whether a word is an id: those begin with a small letter.
fn is_id(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
}

struct Parser<'a> {
    rest: &'a str,
    depth: u32,
    operators: u32,
}

impl Parser<'_> {
    fn whole(&mut self) -> Result<Expression, MathError> {
        self.level(&LEVELS)
    }

    /// Operands between operators of the first level, or of closer ones.
    fn level(&mut self, levels: &[&[(&str, Operator)]]) -> Result<Expression, MathError> {
        let Some((operators, closer)) = levels.split_first() else {
            return self.power();
        };
        let mut left = self.level(closer)?;
        while let Some(operator) = self.operator(operators)? {
            left = Expression::Operation(operator, Box::new((left, self.level(closer)?)));
        }
        Ok(left)
    }

    /// A power binds closer than a sign before it, and the right one of two closer than the left one.
    fn power(&mut self) -> Result<Expression, MathError> {
        if self.eat('-') {
            return self.nested(|parser| Ok(Expression::Negated(Box::new(parser.power()?))));
        }
        let base = self.operand()?;
        match self.operator(POWER)? {
            Some(operator) => self.nested(|parser| {
                let exponent = parser.power()?;
                Ok(Expression::Operation(operator, Box::new((base, exponent))))
            }),
            None => Ok(base),
        }
    }

    /// Steps over the next operator, if it is one of these.
    fn operator(&mut self, operators: &[(&str, Operator)]) -> Result<Option<Operator>, MathError> {
        self.peek();
        let found = operators.iter().find(|(text, _)| self.is_next(text));
        let Some((text, operator)) = found else {
            return Ok(None);
        };
        self.operators += 1;
        if self.operators > MOST_OPERATORS {
            return Err(MathError::TooLarge);
        }
        self.skip(text.len());
        Ok(Some(*operator))
    }

    /// Whether a text comes next; one of letters as a word of its own.
    fn is_next(&self, text: &str) -> bool {
        self.rest.strip_prefix(text).is_some_and(|rest| {
            let goes_on = rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            !(goes_on && text.starts_with(|c: char| c.is_ascii_alphabetic()))
        })
    }

    fn operand(&mut self) -> Result<Expression, MathError> {
        match self.peek() {
            Some('(') => self.nested(|parser| {
                parser.skip(1);
                let inner = parser.whole()?;
                parser.expect(')').map(|()| inner)
            }),
            Some('[') => self.nested(|parser| {
                parser.skip(1);
                parser.list(']').map(Expression::List)
            }),
            Some(quote @ ('"' | '\'')) => self.text(quote),
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_ascii_alphabetic() => self.name(),
            _ => Err(self.stuck()),
        }
    }

    fn text(&mut self, quote: char) -> Result<Expression, MathError> {
        let inside = self.rest[1..].split_once(quote).ok_or_else(|| self.stuck())?;
        self.rest = inside.1;
        Ok(Expression::Text(inside.0.to_owned()))
    }

    fn number(&mut self) -> Result<Expression, MathError> {
        let word = self.word(|c| c.is_ascii_digit() || c == '.');
        match word.parse() {
            Ok(number) => {
                self.skip(word.len());
                Ok(Expression::Number(number))
            }
            Err(_) => Err(self.stuck()),
        }
    }

    fn name(&mut self) -> Result<Expression, MathError> {
        let name = self.word(|c| c.is_ascii_alphanumeric() || c == '_').to_owned();
        self.skip(name.len());
        if self.peek() != Some('(') {
            return Ok(Expression::Name(name));
        }
        let function: Function = name.parse()?;
        self.nested(|parser| {
            parser.skip(1);
            Ok(Expression::Call(function, parser.list(')')?))
        })
    }

    /// Expressions between commas, up to the end.
    fn list(&mut self, end: char) -> Result<Vec<Expression>, MathError> {
        let mut parts = Vec::new();
        if self.eat(end) {
            return Ok(parts);
        }
        loop {
            parts.push(self.whole()?);
            if !self.eat(',') {
                return self.expect(end).map(|()| parts);
            }
        }
    }

    fn nested<T>(&mut self, inside: impl FnOnce(&mut Self) -> Result<T, MathError>) -> Result<T, MathError> {
        if self.depth == DEEPEST {
            return Err(MathError::TooLarge);
        }
        self.depth += 1;
        let read = inside(self);
        self.depth -= 1;
        read
    }

    /// The next character that is no blank.
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn eat(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        if there {
            self.skip(1);
        }
        there
    }

    fn expect(&mut self, wanted: char) -> Result<(), MathError> {
        match self.eat(wanted) {
            true => Ok(()),
            false => Err(self.stuck()),
        }
    }

    fn word(&self, belongs: impl Fn(char) -> bool) -> &str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        &self.rest[..end]
    }

    /// Steps over bytes that were looked at.
    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    fn stuck(&self) -> MathError {
        MathError::Syntax(self.rest.chars().take(20).collect())
    }
}
