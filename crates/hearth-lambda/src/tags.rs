//! The tags of a function: which ones it may have, and changing them.

use std::collections::BTreeMap;

use hearth_types::FunctionArn;
use hearth_wire::Context;
use uuid::Uuid;

use crate::error::Error;
use crate::function::Stored;
use crate::lifecycle::{Lifecycle, NotReady};
use crate::network::{self, InvalidTag};
use crate::reference::{ReferenceError, Target};
use crate::service::Service;
use crate::{LambdaOptions, activation};

/// Most tags of a function.
const MOST: usize = 50;
/// What the names begin with that AWS keeps for itself, in lower case.
const RESERVED: &str = "aws:";

/// Tags that a function cannot have, or that cannot be set where the request says.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TagError {
    #[error("Number of tags exceeds resource tag limit.")]
    TooMany,
    #[error("Tag keys starting with 'aws:' are reserved for system use: {0}")]
    Reserved(String),
    /// What AWS says when a request sets no tag.
    #[error("An error occurred and the request cannot be processed.")]
    None,
    #[error("Tags on function aliases and versions are not supported. Please specify a function ARN.")]
    Qualified,
    /// There is no resource of this kind.
    #[error("{kind} not found: {arn}")]
    NotThere { kind: &'static str, arn: String },
    #[error(transparent)]
    Network(#[from] InvalidTag),
}

/// Holds a function's tags to the rules.
fn check(tags: &BTreeMap<String, String>, options: &LambdaOptions) -> Result<(), TagError> {
    if tags.len() > MOST {
        return Err(TagError::TooMany);
    }
    let is_reserved = |name: &&String| {
        name.get(..RESERVED.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(RESERVED))
    };
    if let Some(name) = tags.keys().find(is_reserved) {
        return Err(TagError::Reserved(name.clone()));
    }
    network::check(tags, options.holds_network_policies)?;
    Ok(())
}

/// The function that the ARN of a taggable resource means. The model has checked its form.
pub(crate) fn function(ctx: &Context, resource: &str) -> Result<FunctionArn, Error> {
    let kind = match resource.split(':').nth(5) {
        Some("function") => None,
        Some("event-source-mapping") => Some("Event source mapping"),
        Some("code-signing-config") => Some("Code signing configuration"),
        Some("capacity-provider") => Some("Capacity provider"),
        _ => Some("Resource"),
    };
    if let Some(kind) = kind {
        let arn = resource.to_owned();
        return Err(TagError::NotThere { kind, arn }.into());
    }
    match Target::resolve_whole(&ctx.scope, resource) {
        Ok(target) => Ok(target.arn),
        Err(ReferenceError::Qualified) => Err(TagError::Qualified.into()),
        Err(error) => Err(error.into()),
    }
}

impl Service {
    /// Holds the tags of a new function to the rules.
    pub(crate) fn check_tags(&self, tags: &BTreeMap<String, String>) -> Result<(), TagError> {
        check(tags, &self.options)
    }

    /// Commits a change of a function's tags. Where they say another network policy, its environments are replaced
    /// before this answers: whatever is invoked afterwards runs under the new one. So that has to wait for an update
    /// that is under way.
    pub(crate) async fn change_tags(
        &self,
        arn: &FunctionArn,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        let Stored {
            mut function,
            revision,
        } = self.functions.find(arn).await?;
        let before = function.clone();
        change(&mut function.whole.tags);
        self.check_tags(&function.whole.tags)?;
        if function.whole.tags == before.whole.tags {
            return Ok(());
        }
        let is_rerun = !function.runs_as(&before);
        if is_rerun && function.lifecycle == Lifecycle::Updating {
            return Err(NotReady::Updating { arn: arn.to_string() }.into());
        }
        function.revision_id = Uuid::new_v4();
        self.put(&function, revision).await?;
        if is_rerun {
            activation::redeploy(self, &function).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tags: &BTreeMap<String, String>) -> Result<(), TagError> {
        super::check(tags, &LambdaOptions::default())
    }

    fn tags(names: impl IntoIterator<Item = String>) -> BTreeMap<String, String> {
        names.into_iter().map(|name| (name, "v".to_owned())).collect()
    }

    #[test]
    fn fifty_tags_are_the_limit() {
        assert!(check(&tags((0..50).map(|n| n.to_string()))).is_ok());
        let error = check(&tags((0..51).map(|n| n.to_string()))).unwrap_err();
        assert_eq!(error.to_string(), "Number of tags exceeds resource tag limit.");
    }

    #[test]
    fn some_names_are_not_free() {
        for name in ["aws:x", "AWS:x", "aws:"] {
            assert!(
                matches!(check(&tags([name.to_owned()])), Err(TagError::Reserved(_))),
                "{name}"
            );
        }
        assert!(check(&tags(["aws".to_owned(), "ä:x".to_owned(), "my:aws:x".to_owned()])).is_ok());
    }
}
