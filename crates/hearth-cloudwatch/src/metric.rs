//! Metrics by CloudWatch's names, as the metering knows them.

use hearth_metering::query::{Dimensions, Metric, MetricName, NAMESPACE};
use hearth_types::{FunctionName, Qualifier};
use hearth_wire::cloudwatch::{Dimension, StandardUnit};

/// The metric of these names. `None` for one that is not metered, of which there is no value, as on AWS.
pub(crate) fn named(namespace: &str, name: &str, dimensions: &[Dimension]) -> Option<Metric> {
    let mut names = MetricName::ALL.into_iter().filter(|_| namespace == NAMESPACE);
    Some(Metric {
        name: names.find(|known| known.as_str() == name)?,
        dimensions: read(dimensions)?,
    })
}

/// Whether a metric has values in a unit, where one is asked for.
pub(crate) fn is_in(metric: &Metric, unit: Option<StandardUnit>) -> bool {
    unit.is_none_or(|unit| unit.as_str() == metric.name.unit().as_str())
}

fn read(dimensions: &[Dimension]) -> Option<Dimensions> {
    let value = |name: &str| {
        let mut named = dimensions
            .iter()
            .filter(|dimension| dimension.name.as_deref() == Some(name));
        named.next()?.value.as_deref()
    };
    let function = value("FunctionName");
    let (resource, version) = (value("Resource"), value("ExecutedVersion"));
    let known = [function, resource, version].into_iter().flatten().count();
    if known != dimensions.len() {
        return None;
    }
    let Some(function) = function else {
        return (known == 0).then_some(Dimensions::Account);
    };
    let name = FunctionName::parse(function)?;
    let Some(resource) = resource else {
        return version.is_none().then_some(Dimensions::Function { name });
    };
    let qualifier = resource.strip_prefix(function)?.strip_prefix(':')?;
    let qualifier = Qualifier::parse(qualifier)?;
    Some(match version {
        None => Dimensions::Resource { name, qualifier },
        Some(version) => Dimensions::ExecutedVersion {
            name,
            qualifier,
            version: Qualifier::parse(version)?,
        },
    })
}

/// The dimensions of a metric by CloudWatch's names.
pub(crate) fn written(dimensions: &Dimensions) -> Vec<Dimension> {
    let pairs = dimensions.pairs().into_iter();
    pairs
        .map(|(name, value)| Dimension {
            name: Some(name.to_owned()),
            value: Some(value),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Option<Dimensions> {
        let dimensions: Vec<Dimension> = pairs
            .iter()
            .map(|(name, value)| Dimension {
                name: Some((*name).to_owned()),
                value: Some((*value).to_owned()),
            })
            .collect();
        named("AWS/Lambda", "Duration", &dimensions).map(|metric| metric.dimensions)
    }

    #[test]
    fn what_is_written_is_read_in_any_order() {
        let (name, qualifier) = (
            FunctionName::parse("f").unwrap(),
            Qualifier::parse("live").unwrap(),
        );
        for dimensions in [
            Dimensions::Account,
            Dimensions::Function { name: name.clone() },
            Dimensions::Resource {
                name: name.clone(),
                qualifier: qualifier.clone(),
            },
            Dimensions::ExecutedVersion {
                name,
                qualifier,
                version: Qualifier::Version(3),
            },
        ] {
            let mut written = written(&dimensions);
            written.reverse();
            let pairs: Vec<(&str, &str)> = written
                .iter()
                .map(|dimension| {
                    let Dimension { name, value } = dimension;
                    (name.as_deref().unwrap(), value.as_deref().unwrap())
                })
                .collect();
            assert_eq!(of(&pairs), Some(dimensions));
        }
    }

    #[test]
    fn other_combinations_have_no_values() {
        for pairs in [
            &[("Resource", "f:live")][..],
            &[("FunctionName", "f"), ("FunctionName", "f")],
            &[("FunctionName", "f"), ("Resource", "g:live")],
            &[("FunctionName", "f"), ("Resource", "f")],
            &[("FunctionName", "f"), ("ExecutedVersion", "1")],
            &[("FunctionName", "f"), ("Color", "red")],
            &[("FunctionName", "not a name")],
        ] {
            assert_eq!(of(pairs), None, "{pairs:?}");
        }
        assert_eq!(named("AWS/SQS", "Duration", &[]), None);
        assert_eq!(named("AWS/Lambda", "duration", &[]), None);
    }
}
