//! The queries of a request.

use std::collections::{HashMap, HashSet};

use hearth_metering::query::Metric as Metered;
use hearth_types::AccountId;
use hearth_wire::AwsError;
use hearth_wire::cloudwatch::{Metric, MetricDataQuery, MetricStat};

use crate::answers::validation_error;
use crate::math::{Expression, MathError};
use crate::metric;
use crate::statistic::Statistic;
use crate::window;

/// Most queries in a request.
const MOST_QUERIES: usize = 500;

/// What is wrong with a request: all of it, a line each.
#[derive(Default)]
pub(super) struct Faults(String);

impl Faults {
    /// Adds a sentence.
    pub(super) fn add(&mut self, sentence: impl AsRef<str>) {
        self.0.push_str(sentence.as_ref());
        self.0.push('\n');
    }

    /// What was read, or the error for all that is wrong.
    pub(super) fn or<T>(self, read: Option<T>) -> Result<T, AwsError> {
        read.filter(|_| self.0.is_empty())
            .ok_or_else(|| validation_error(self.0))
    }
}

/// AWS's sentence about an expression that has no value.
pub(super) fn error_in(id: &str, why: &MathError) -> String {
    format!("Error in expression '{id}': {why}")
}

/// A query.
pub(super) struct Query {
    pub(super) id: String,
    pub(super) label: Option<String>,
    /// Whether its result is answered, or only for others to use.
    pub(super) returned: bool,
    pub(super) source: Source,
}

/// Where a result comes from.
pub(super) enum Source {
    Metric(MetricQuery),
    Expression(Expression),
}

/// One statistic of a metric.
pub(super) struct MetricQuery {
    /// The metric as it is asked for.
    pub(super) names: Metric,
    /// The same as it is metered, if it is.
    pub(super) metric: Option<Metered>,
    pub(super) period: u32,
    /// The statistic as it is asked for.
    pub(super) stat: String,
    pub(super) statistic: Statistic,
}

/// The queries of a request.
pub(super) struct Queries {
    /// In the order of the request.
    pub(super) all: Vec<Query>,
    /// The expressions among them, each after those it needs.
    pub(super) expressions: Vec<usize>,
}

impl Queries {
    /// Reads the queries. `None` where something is wrong with them.
    pub(super) fn read(
        queries: Vec<MetricDataQuery>,
        account: &AccountId,
        faults: &mut Faults,
    ) -> Option<Self> {
        if queries.is_empty() {
            faults.add("The parameter MetricDataQueries is required.");
        }
        if queries.len() > MOST_QUERIES {
            faults.add(format!(
                "The collection MetricDataQueries must not have a size greater than {MOST_QUERIES}."
            ));
            return None;
        }
        let ids: HashSet<&str> = queries.iter().map(|query| query.id.as_str()).collect();
        if ids.len() < queries.len() {
            faults.add("The values for parameter id in MetricDataQueries are not unique.");
            return None;
        }
        let count = queries.len();
        let all: Vec<Query> = queries
            .into_iter()
            .enumerate()
            .filter_map(|(index, query)| Reader::new(index, account, faults).read(query))
            .collect();
        if all.len() < count {
            return None;
        }
        let expressions = in_order(&all, faults)?;
        Some(Self { all, expressions })
    }
}

/// Reads one query.
struct Reader<'a> {
    /// Where it stands: `MetricDataQueries.member.1`.
    path: String,
    account: &'a AccountId,
    faults: &'a mut Faults,
}

impl<'a> Reader<'a> {
    fn new(index: usize, account: &'a AccountId, faults: &'a mut Faults) -> Self {
        Self {
            path: format!("MetricDataQueries.member.{}", index + 1),
            account,
            faults,
        }
    }

    fn fault<T>(&mut self, sentence: String) -> Option<T> {
        self.faults.add(sentence);
        None
    }

    fn read(mut self, query: MetricDataQuery) -> Option<Query> {
        let path = self.path.clone();
        if !is_id(&query.id) {
            return self.fault(format!(
                "The value {} for parameter {path}.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.",
                query.id
            ));
        }
        if query
            .account_id
            .as_deref()
            .is_some_and(|id| id != self.account.as_str())
        {
            return self.fault(format!(
                "Hearth does not support another account as {path}.AccountId yet."
            ));
        }
        if let Some(period) = query.period {
            self.period(period, "Period")?;
        }
        let source = match (query.metric_stat, query.expression) {
            (Some(stat), None) => Source::Metric(self.metric(stat)?),
            (None, Some(text)) => match Expression::parse(&text) {
                Ok(expression) => Source::Expression(expression),
                Err(error) => return self.fault(error_in(&query.id, &error)),
            },
            (Some(_), Some(_)) => {
                return self.fault(format!(
                    "The parameters {path}.MetricStat and {path}.Expression are mutually exclusive and you have specified both."
                ));
            }
            (None, None) => {
                return self.fault(format!(
                    "The parameter {path}.MetricStat or {path}.Expression is required."
                ));
            }
        };
        Some(Query {
            id: query.id,
            label: query.label,
            returned: query.return_data != Some(false),
            source,
        })
    }

    fn metric(&mut self, stat: MetricStat) -> Option<MetricQuery> {
        let path = self.path.clone();
        let Metric {
            namespace: Some(namespace),
            metric_name: Some(name),
            dimensions,
        } = &stat.metric
        else {
            return self.fault(format!(
                "The parameters {path}.MetricStat.Metric.Namespace and {path}.MetricStat.Metric.MetricName are required."
            ));
        };
        let dimensions = dimensions.as_deref().unwrap_or_default();
        let metric =
            metric::named(namespace, name, dimensions).filter(|metric| metric::is_in(metric, stat.unit));
        let period = self.period(stat.period, "MetricStat.Period")?;
        match stat.stat.parse() {
            Ok(statistic) => Some(MetricQuery {
                metric,
                period,
                statistic,
                names: stat.metric,
                stat: stat.stat,
            }),
            Err(error) => self.fault(format!(
                "The value for parameter {path}.MetricStat.Stat {}.",
                error as crate::statistic::InvalidStatistic
            )),
        }
    }

    fn period(&mut self, seconds: i32, member: &str) -> Option<u32> {
        match window::period(seconds) {
            Some(period) => Some(period),
            None => self.fault(format!(
                "The parameter {}.{member} must be a multiple of 60.",
                self.path
            )),
        }
    }
}

fn is_id(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The expressions, each after those it needs.
fn in_order(all: &[Query], faults: &mut Faults) -> Option<Vec<usize>> {
    let known: HashMap<&str, usize> = all
        .iter()
        .enumerate()
        .map(|(index, query)| (query.id.as_str(), index))
        .collect();
    let mut needs: Vec<(usize, HashSet<usize>)> = Vec::new();
    let mut missing = false;
    for (index, query) in all.iter().enumerate() {
        let Source::Expression(expression) = &query.source else {
            continue;
        };
        let mut needed = HashSet::new();
        for id in expression.ids() {
            match known.get(id) {
                Some(needed_one) if matches!(all[*needed_one].source, Source::Metric(_)) => {}
                Some(needed_one) => drop(needed.insert(*needed_one)),
                None => {
                    missing = true;
                    faults.add(error_in(&query.id, &MathError::NoSuchId(id.to_owned())));
                }
            }
        }
        needs.push((index, needed));
    }
    if missing {
        return None;
    }
    let mut order = Vec::new();
    while !needs.is_empty() {
        let ready: HashSet<usize> = needs
            .iter()
            .filter(|(_, needed)| needed.is_empty())
            .map(|(index, _)| *index)
            .collect();
        if ready.is_empty() {
            for (index, _) in &needs {
                faults.add(error_in(&all[*index].id, &MathError::Circular));
            }
            return None;
        }
        needs.retain(|(index, _)| !ready.contains(index));
        for (_, needed) in &mut needs {
            needed.retain(|index| !ready.contains(index));
        }
        order.extend(ready);
    }
    Some(order)
}
