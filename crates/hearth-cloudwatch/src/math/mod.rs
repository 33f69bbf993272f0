//! Metric math: arithmetic over series of values, and a few functions.

mod evaluate;
mod expression;
mod function;
mod series;
#[cfg(test)]
mod tests;

use std::io;

pub(crate) use evaluate::{Operands, evaluate};
pub(crate) use expression::Expression;
pub(crate) use series::{Series, Value};

/// Why an expression has no value.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MathError {
    #[error("it cannot be read at {0:?}")]
    Syntax(String),
    #[error("it is nested too deep or too long")]
    TooLarge,
    #[error("Hearth does not support Metrics Insights queries yet")]
    Insights,
    #[error("Hearth does not support the function {0} yet")]
    Unsupported(String),
    #[error("there is no query with the id {0}")]
    NoSuchId(String),
    #[error("it depends on itself")]
    Circular,
    #[error("{0} does not take these arguments")]
    Arguments(&'static str),
    #[error("two arrays of time series cannot be combined")]
    TwoArrays,
    #[error("Hearth does not combine metrics of different periods yet")]
    Periods,
    #[error("the result is not a time series")]
    NoSeries,
    #[error("it has too many datapoints; a larger Period or a shorter time range has fewer")]
    TooManyDatapoints,
    #[error("its metrics cannot be read now")]
    Unreadable(#[from] io::Error),
}
