//! Where an alias leads: what a request says about it, and what it may say.

use hearth_types::{FunctionArn, Qualifier};
use hearth_wire::lambda::AliasRoutingConfiguration;

use crate::alias::Additional;
use crate::error::Error;
use crate::registry::Entry;

/// A routing that no alias can have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RoutingError {
    #[error("Number of items in AdditionalVersionWeights cannot be greater than 1")]
    TooMany,
    #[error(
        "Invalid function version {0}. Function version {0} is already included in routing configuration."
    )]
    Twice(u64),
    #[error("$LATEST is not supported for an alias pointing to more than 1 version")]
    Latest,
}

/// The version that a request names. The model permits `$LATEST`, `$LATEST.PUBLISHED` and numbers, of which not all
/// can exist.
pub(crate) fn version(arn: &FunctionArn, text: &str) -> Result<Qualifier, Error> {
    Qualifier::parse(text).ok_or_else(|| Error::NotFound(format!("{arn}:{text}")))
}

/// The additional version that a request names, if any. An empty routing means none.
pub(crate) fn additional(
    arn: &FunctionArn,
    routing: AliasRoutingConfiguration,
) -> Result<Option<Additional>, Error> {
    let weights = routing.additional_version_weights.unwrap_or_default();
    if weights.len() > 1 {
        return Err(RoutingError::TooMany.into());
    }
    let Some((text, weight)) = weights.into_iter().next() else {
        return Ok(None);
    };
    Ok(Some(Additional {
        version: version(arn, &text)?.number(),
        weight,
    }))
}

/// Whether an alias of the function may lead there: versions that exist, not the same twice, and `$LATEST` alone.
pub(crate) fn check(
    arn: &FunctionArn,
    entry: &Entry,
    version: &Qualifier,
    additional: Option<Additional>,
) -> Result<(), Error> {
    require(arn, entry, version)?;
    let Some(Additional { version: second, .. }) = additional else {
        return Ok(());
    };
    if *version == Qualifier::Latest {
        return Err(RoutingError::Latest.into());
    }
    if *version == Qualifier::Version(second) {
        return Err(RoutingError::Twice(second).into());
    }
    require(arn, entry, &Qualifier::Version(second))
}

fn require(arn: &FunctionArn, entry: &Entry, version: &Qualifier) -> Result<(), Error> {
    match entry.release(version) {
        Some(_) => Ok(()),
        None => Err(Error::NotFound(arn.qualified(version.clone()).to_string())),
    }
}
