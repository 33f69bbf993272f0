//! What the queries of a request come to.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::io;

use hearth_metering::Metering;
use hearth_types::Scope;
use hearth_wire::{AwsError, Context};

use super::label::Subject;
use super::queries::{MetricQuery, Queries, Query, Source, error_in};
use crate::answers::{unreadable, validation_error};
use crate::math::{MathError, Operands, Series, Value, evaluate};
use crate::window::{self, Window};

/// Most datapoints that the expressions of a request work on. It bounds their memory.
const MOST_OPERANDS: u64 = 5_000_000;

/// The results of a request. Those of expressions are there, those of metrics are read when they are asked for.
pub(super) struct Data<'a> {
    metering: &'a Metering,
    pub(super) scope: &'a Scope,
    window: Window,
    /// The second behind the last one that may have values.
    until: u64,
    queries: &'a Queries,
    expressions: HashMap<usize, Value>,
    operands_left: Cell<u64>,
}

impl<'a> Data<'a> {
    /// Evaluates the expressions.
    pub(super) fn new(
        metering: &'a Metering,
        context: &'a Context,
        window: Window,
        queries: &'a Queries,
    ) -> Result<Self, AwsError> {
        let mut data = Self {
            metering,
            scope: &context.scope,
            window,
            until: window.end.min(window::seconds(context.received_at) + 1),
            queries,
            expressions: HashMap::new(),
            operands_left: Cell::new(MOST_OPERANDS),
        };
        for index in &queries.expressions {
            let query = &queries.all[*index];
            if let Source::Expression(expression) = &query.source {
                let value = evaluate(expression, &data).map_err(|why| match why {
                    MathError::Unreadable(cause) => unreadable(cause),
                    why => validation_error(error_in(&query.id, &why)),
                })?;
                data.expressions.insert(*index, value);
            }
        }
        Ok(data)
    }

    /// The number of queries.
    pub(super) fn len(&self) -> usize {
        self.queries.all.len()
    }

    /// What a query answers: none or one series, or of an array each.
    pub(super) fn answer(&self, index: usize) -> Result<Vec<(Subject<'_>, Series)>, AwsError> {
        let query = &self.queries.all[index];
        if !query.returned {
            return Ok(Vec::new());
        }
        let (metric, all) = match (&query.source, self.expressions.get(&index)) {
            (Source::Metric(metric), _) => (Some(metric), vec![self.series(metric).map_err(unreadable)?]),
            (Source::Expression(_), Some(Value::One(series))) => (None, vec![series.clone()]),
            (Source::Expression(_), Some(Value::Many(all))) => (None, all.clone()),
            (Source::Expression(_), _) => {
                return Err(validation_error(error_in(&query.id, &MathError::NoSeries)));
            }
        };
        let subject = Subject {
            id: &query.id,
            label: query.label.as_deref(),
            metric,
            scope: self.scope,
        };
        Ok(all.into_iter().map(|series| (subject, series)).collect())
    }

    fn series(&self, query: &MetricQuery) -> io::Result<Series> {
        let range = self.window.range();
        let points = match &query.metric {
            Some(metric) => self
                .metering
                .statistics(self.scope, metric, range, query.period)?,
            None => Vec::new(),
        };
        let points: BTreeMap<u64, f64> = points
            .iter()
            .filter_map(|point| {
                let value = query.statistic.of(&point.statistics)?;
                Some((window::seconds(point.start), value))
            })
            .collect();
        Ok(Series {
            period: query.period,
            points,
        })
    }

    fn charge(&self, datapoints: u64) -> Result<(), MathError> {
        let left = self.operands_left.get().checked_sub(datapoints);
        self.operands_left.set(left.ok_or(MathError::TooManyDatapoints)?);
        Ok(())
    }

    fn charged(&self, query: &MetricQuery) -> Result<Series, MathError> {
        let series = self.series(query)?;
        self.charge(series.points.len() as u64)?;
        Ok(series)
    }
}

impl Operands for Data<'_> {
    fn result(&self, id: &str) -> Result<Value, MathError> {
        let all = self.queries.all.iter().enumerate();
        let found = all.into_iter().find(|(_, query)| query.id == id);
        let (index, query) = found.ok_or_else(|| MathError::NoSuchId(id.to_owned()))?;
        if let Source::Metric(metric) = &query.source {
            return Ok(Value::One(self.charged(metric)?));
        }
        let value = self.expressions.get(&index).ok_or(MathError::Circular)?;
        self.charge(datapoints(value))?;
        Ok(value.clone())
    }

    fn metrics(&self, part_of_id: &str) -> Result<Vec<Series>, MathError> {
        let all = self
            .queries
            .all
            .iter()
            .filter(|query| query.id.contains(part_of_id));
        all.filter_map(metric_of)
            .map(|metric| self.charged(metric))
            .collect()
    }

    fn periods(&self, length: u32) -> Result<Vec<u64>, MathError> {
        let length = u64::from(length);
        self.charge(self.until.saturating_sub(self.window.start) / length)?;
        let starts = (self.window.start..self.until).step_by(length as usize);
        Ok(starts.collect())
    }
}

fn metric_of(query: &Query) -> Option<&MetricQuery> {
    match &query.source {
        Source::Metric(metric) => Some(metric),
        Source::Expression(_) => None,
    }
}

fn datapoints(value: &Value) -> u64 {
    match value {
        Value::Scalar(_) => 0,
        Value::One(series) => series.points.len() as u64,
        Value::Many(all) => all.iter().map(|series| series.points.len() as u64).sum(),
    }
}
