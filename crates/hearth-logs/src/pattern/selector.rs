//! What a JSON pattern compares: `$.a.b[0]`.

use serde_json::Value;

use super::InvalidPattern;
use super::cursor::Cursor;

/// Wildcards in all selectors of a pattern, of which one has one at most, as on AWS.
const MAX_WILDCARDS: usize = 3;

/// A path into a JSON value.
#[derive(Clone, Debug)]
pub(super) struct Selector(Vec<Step>);

#[derive(Clone, Debug)]
enum Step {
    Member(String),
    Element(usize),
    /// Every element of a list or member of an object.
    Every,
}

impl Selector {
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, InvalidPattern> {
        cursor.expect("$")?;
        let mut steps = Vec::new();
        loop {
            if cursor.eat(".") {
                steps.push(Step::member(cursor)?);
            } else if cursor.eat("[") {
                steps.push(Step::bracketed(cursor)?);
            } else {
                break;
            }
        }
        if steps.is_empty() {
            return Err(InvalidPattern::new("a selector is something like $.name"));
        }
        let wildcards = steps.iter().filter(|step| matches!(step, Step::Every)).count();
        cursor.wildcards += wildcards;
        if wildcards > 1 || cursor.wildcards > MAX_WILDCARDS {
            return Err(InvalidPattern::new(format!(
                "a selector has at most one wildcard, a pattern {MAX_WILDCARDS}"
            )));
        }
        Ok(Self(steps))
    }

    /// Whether something holds of any value that the path leads to.
    pub(super) fn any(&self, value: &Value, holds: &dyn Fn(&Value) -> bool) -> bool {
        walk(&self.0, value, holds)
    }
}

impl Step {
    fn member(cursor: &mut Cursor<'_>) -> Result<Self, InvalidPattern> {
        if cursor.eat("*") {
            return Ok(Self::Every);
        }
        // `$.['name']` is `$['name']`.
        if cursor.eat("[") {
            return Self::bracketed(cursor);
        }
        let name = cursor.take_while(|c| c.is_alphanumeric() || "_-@#:/".contains(c));
        if name.is_empty() {
            return Err(InvalidPattern::new("a selector lacks a name"));
        }
        Ok(Self::Member(name.to_owned()))
    }

    fn bracketed(cursor: &mut Cursor<'_>) -> Result<Self, InvalidPattern> {
        cursor.skip_spaces();
        let step = match cursor.peek() {
            Some('*') => {
                cursor.next();
                Self::Every
            }
            Some(quote @ ('"' | '\'')) => {
                cursor.next();
                Self::Member(cursor.quoted(quote)?)
            }
            _ => {
                let digits = cursor.take_while(|c| c.is_ascii_digit());
                let index = digits.parse();
                Self::Element(index.map_err(|_| InvalidPattern::new("an index is a number"))?)
            }
        };
        cursor.expect("]")?;
        Ok(step)
    }
}

fn walk(steps: &[Step], value: &Value, holds: &dyn Fn(&Value) -> bool) -> bool {
    let Some((step, later)) = steps.split_first() else {
        return holds(value);
    };
    match (step, value) {
        (Step::Member(name), Value::Object(members)) => {
            members.get(name).is_some_and(|member| walk(later, member, holds))
        }
        (Step::Element(index), Value::Array(list)) => list
            .get(*index)
            .is_some_and(|element| walk(later, element, holds)),
        (Step::Every, Value::Array(list)) => list.iter().any(|element| walk(later, element, holds)),
        (Step::Every, Value::Object(members)) => members.values().any(|member| walk(later, member, holds)),
        _ => false,
    }
}
