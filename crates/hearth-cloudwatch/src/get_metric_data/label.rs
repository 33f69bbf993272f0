//! Labels of results, with what is dynamic in them.

use hearth_types::Scope;
use hearth_wire::cloudwatch::Dimension;

use super::queries::MetricQuery;
use crate::math::Series;

/// What a label is about.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) id: &'a str,
    /// The label that is asked for.
    pub(super) label: Option<&'a str>,
    /// What it is a statistic of, if it is no expression.
    pub(super) metric: Option<&'a MetricQuery>,
    pub(super) scope: &'a Scope,
}

impl Subject<'_> {
    /// The label for a series. What is not known in it stays as it is.
    pub(super) fn written(&self, series: &Series) -> String {
        let mut rest = self.label.unwrap_or("${LABEL}");
        let mut written = String::new();
        while let Some((before, name, after)) = next_dynamic(rest) {
            written.push_str(before);
            match self.value(name, series) {
                Some(value) => written.push_str(&value),
                None => written.push_str(&rest[before.len()..rest.len() - after.len()]),
            }
            rest = after;
        }
        written + rest
    }

    /// The label where none is asked for: the metric's name, an expression's id.
    fn own(&self) -> &str {
        let metric = self.metric.and_then(|metric| metric.names.metric_name.as_deref());
        metric.unwrap_or(self.id)
    }

    fn value(&self, name: &str, series: &Series) -> Option<String> {
        if let Some(property) = name
            .strip_prefix("PROP('")
            .and_then(|rest| rest.strip_suffix("')"))
        {
            return self.property(property);
        }
        let values = || series.points.values().copied();
        let count = series.points.len();
        let value = match name {
            "LABEL" => return Some(self.own().to_owned()),
            "DATAPOINT_COUNT" => return Some(count.to_string()),
            "SUM" => Some(values().sum::<f64>()),
            "AVG" => Some(values().sum::<f64>() / count as f64).filter(|_| count > 0),
            "MAX" => values().reduce(f64::max),
            "MIN" => values().reduce(f64::min),
            "FIRST" => values().next(),
            "LAST" => values().next_back(),
            _ => return None,
        };
        // AWS's words where there are no values.
        Some(value.map_or_else(|| "--".to_owned(), |value| value.to_string()))
    }

    fn property(&self, name: &str) -> Option<String> {
        let metric = self.metric?;
        match name {
            "AccountId" => Some(self.scope.account.to_string()),
            "MetricName" => metric.names.metric_name.clone(),
            "Namespace" => metric.names.namespace.clone(),
            "Period" => Some(metric.period.to_string()),
            "Region" => Some(self.scope.region.to_string()),
            "Stat" => Some(metric.stat.clone()),
            _ => {
                let dimension = name.strip_prefix("Dim.")?;
                let mut all = metric.names.dimensions.iter().flatten();
                let found = all.find(|Dimension { name, .. }| name.as_deref() == Some(dimension));
                found.and_then(|dimension| dimension.value.clone())
            }
        }
    }
}

/// The text before the next `${…}`, the name in it, and the text behind it.
fn next_dynamic(text: &str) -> Option<(&str, &str, &str)> {
    let (before, inside) = text.split_once("${")?;
    let (name, after) = inside.split_once('}')?;
    Some((before, name, after))
}
