//! The functions of expressions.

use std::str::FromStr;

use super::{MathError, Series, Value};

/// A function that Hearth has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Abs,
    Avg,
    Ceil,
    DatapointCount,
    Diff,
    Fill,
    Floor,
    If,
    Max,
    Metrics,
    Min,
    Period,
    Rate,
    RunningSum,
    Sum,
}

impl FromStr for Function {
    type Err = MathError;

    fn from_str(name: &str) -> Result<Self, MathError> {
        let mut all = [
            Self::Abs,
            Self::Avg,
            Self::Ceil,
            Self::DatapointCount,
            Self::Diff,
            Self::Fill,
            Self::Floor,
            Self::If,
            Self::Max,
            Self::Metrics,
            Self::Min,
            Self::Period,
            Self::Rate,
            Self::RunningSum,
            Self::Sum,
        ]
        .into_iter();
        all.find(|function| function.name() == name)
            .ok_or_else(|| MathError::Unsupported(name.to_owned()))
    }
}

impl Function {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Abs => "ABS",
            Self::Avg => "AVG",
            Self::Ceil => "CEIL",
            Self::DatapointCount => "DATAPOINT_COUNT",
            Self::Diff => "DIFF",
            Self::Fill => "FILL",
            Self::Floor => "FLOOR",
            Self::If => "IF",
            Self::Max => "MAX",
            Self::Metrics => "METRICS",
            Self::Min => "MIN",
            Self::Period => "PERIOD",
            Self::Rate => "RATE",
            Self::RunningSum => "RUNNING_SUM",
            Self::Sum => "SUM",
        }
    }

    /// What it makes of one value: of a series a number, of an array a series, or the same with other values.
    pub(super) fn of(self, value: &Value) -> Result<Value, MathError> {
        match self {
            Self::Abs => Ok(value.map(f64::abs)),
            Self::Ceil => Ok(value.map(f64::ceil)),
            Self::Floor => Ok(value.map(f64::floor)),
            Self::DatapointCount => self.fold(value, |values| values.len() as f64),
            Self::Diff => self.each(value, |series| series.differences(|change, _| change)),
            Self::Rate => self.each(value, |series| {
                series.differences(|change, seconds| change / seconds as f64)
            }),
            Self::RunningSum => self.each(value, Series::running_sum),
            Self::Avg => self.fold(value, |values| values.iter().sum::<f64>() / values.len() as f64),
            Self::Max => self.fold(value, |values| values.iter().copied().fold(f64::MIN, f64::max)),
            Self::Min => self.fold(value, |values| values.iter().copied().fold(f64::MAX, f64::min)),
            Self::Sum => self.fold(value, |values| values.iter().sum()),
            Self::Period => match value {
                Value::One(series) => Ok(Value::Scalar(series.period.into())),
                _ => Err(MathError::Arguments(self.name())),
            },
            Self::Fill | Self::If | Self::Metrics => Err(MathError::Arguments(self.name())),
        }
    }

    fn each(self, value: &Value, change: impl Fn(&Series) -> Series) -> Result<Value, MathError> {
        match value {
            Value::Scalar(_) => Err(MathError::Arguments(self.name())),
            Value::One(series) => Ok(Value::One(change(series))),
            Value::Many(all) => Ok(Value::Many(all.iter().map(change).collect())),
        }
    }

    fn fold(self, value: &Value, fold: impl Fn(&[f64]) -> f64) -> Result<Value, MathError> {
        match value {
            Value::Scalar(_) => Err(MathError::Arguments(self.name())),
            Value::One(series) if series.points.is_empty() => Ok(Value::Scalar(0.0)),
            Value::One(series) => {
                let values: Vec<f64> = series.points.values().copied().collect();
                Ok(Value::Scalar(fold(&values)))
            }
            Value::Many(all) => Ok(Value::One(Series::fold(all, fold)?)),
        }
    }
}
