//! What expressions come to.

use std::collections::BTreeMap;

use super::expression::{Expression, is_true};
use super::function::Function;
use super::{MathError, Series, Value};

/// What expressions are about. Each fails when the expressions of a request take too much memory.
pub(crate) trait Operands {
    /// The result of the query with this id.
    fn result(&self, id: &str) -> Result<Value, MathError>;

    /// The series of the queries for metrics, in their order, of those whose ids contain a text.
    fn metrics(&self, part_of_id: &str) -> Result<Vec<Series>, MathError>;

    /// The seconds in which the periods of a length begin that may have values.
    fn periods(&self, length: u32) -> Result<Vec<u64>, MathError>;
}

/// Evaluates an expression.
pub(crate) fn evaluate(expression: &Expression, operands: &dyn Operands) -> Result<Value, MathError> {
    match expression {
        Expression::Number(number) => Ok(Value::Scalar(*number)),
        Expression::Text(text) => Err(MathError::Syntax(text.clone())),
        Expression::Name(name) => operands.result(name),
        Expression::List(parts) => list(parts, operands),
        Expression::Call(Function::Metrics, arguments) => metrics(arguments, operands),
        Expression::Call(Function::Fill, arguments) => fill(arguments, operands),
        Expression::Call(Function::If, arguments) => choose(arguments, operands),
        Expression::Call(function, arguments) => match arguments.as_slice() {
            [argument] => function.of(&evaluate(argument, operands)?),
            _ => Err(MathError::Arguments(function.name())),
        },
        Expression::Negated(operand) => Ok(evaluate(operand, operands)?.map(|value| -value)),
        Expression::Operation(operator, both) => {
            let (left, right) = (evaluate(&both.0, operands)?, evaluate(&both.1, operands)?);
            left.zip(&right, |left, right| operator.apply(left, right))
        }
    }
}

/// An array; the series of arrays in it are its own.
fn list(parts: &[Expression], operands: &dyn Operands) -> Result<Value, MathError> {
    let mut all = Vec::new();
    for part in parts {
        match evaluate(part, operands)? {
            Value::Scalar(_) => return Err(MathError::NoSeries),
            Value::One(series) => all.push(series),
            Value::Many(more) => all.extend(more),
        }
    }
    Ok(Value::Many(all))
}

fn metrics(arguments: &[Expression], operands: &dyn Operands) -> Result<Value, MathError> {
    match arguments {
        [] => Ok(Value::Many(operands.metrics("")?)),
        [Expression::Text(part)] => Ok(Value::Many(operands.metrics(part)?)),
        _ => Err(MathError::Arguments("METRICS")),
    }
}

/// `IF(condition, value)` and `IF(condition, value, other)`: what a condition chooses, once or at each time.
fn choose(arguments: &[Expression], operands: &dyn Operands) -> Result<Value, MathError> {
    let refused = MathError::Arguments("IF");
    let (condition, yes, no) = match arguments {
        [condition, yes] => (condition, yes, None),
        [condition, yes, no] => (condition, yes, Some(evaluate(no, operands)?)),
        _ => return Err(refused),
    };
    let yes = evaluate(yes, operands)?;
    match evaluate(condition, operands)? {
        Value::Scalar(holds) if is_true(holds) => Ok(yes),
        Value::Scalar(_) => no.ok_or(refused),
        Value::Many(_) => Err(refused),
        Value::One(condition) => {
            let mut points = BTreeMap::new();
            for (at, holds) in &condition.points {
                let chosen = if is_true(*holds) { Some(&yes) } else { no.as_ref() };
                let value = chosen.map(|chosen| at_time(chosen, *at, condition.period));
                points.extend(value.transpose()?.flatten().map(|value| (*at, value)));
            }
            Ok(Value::One(condition.with(points)))
        }
    }
}

/// What a value is at a time, for a series of a period.
fn at_time(value: &Value, at: u64, period: u32) -> Result<Option<f64>, MathError> {
    match value {
        Value::Scalar(number) => Ok(Some(*number)),
        Value::One(series) if series.period == period => Ok(series.points.get(&at).copied()),
        Value::One(_) => Err(MathError::Periods),
        Value::Many(_) => Err(MathError::Arguments("IF")),
    }
}

/// `FILL(series, number)` and `FILL(series, REPEAT)`: values where there are none.
fn fill(arguments: &[Expression], operands: &dyn Operands) -> Result<Value, MathError> {
    let [of, with] = arguments else {
        return Err(MathError::Arguments("FILL"));
    };
    let of = evaluate(of, operands)?;
    let with = match with {
        Expression::Name(word) if word == "REPEAT" => None,
        Expression::Name(word) if word == "LINEAR" => {
            return Err(MathError::Unsupported("FILL with LINEAR".to_owned()));
        }
        with => match evaluate(with, operands)? {
            Value::Scalar(number) => Some(number),
            _ => return Err(MathError::Arguments("FILL")),
        },
    };
    match of {
        Value::Scalar(_) => Err(MathError::Arguments("FILL")),
        Value::One(series) => Ok(Value::One(filled(&series, with, operands)?)),
        Value::Many(all) => {
            let filled = all.iter().map(|series| filled(series, with, operands));
            Ok(Value::Many(filled.collect::<Result<_, _>>()?))
        }
    }
}

fn filled(series: &Series, with: Option<f64>, operands: &dyn Operands) -> Result<Series, MathError> {
    let mut last = with;
    let mut points = series.points.clone();
    for at in operands.periods(series.period)? {
        let there = points.get(&at).copied();
        let value = there.or(last);
        points.extend(value.map(|value| (at, value)));
        last = with.or(value);
    }
    Ok(series.with(points))
}
