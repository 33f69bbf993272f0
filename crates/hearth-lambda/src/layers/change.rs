//! Every change to a layer. Whoever calls these holds the service's turn.

use std::sync::Arc;

use hearth_iam::policy::Statement;
use hearth_store::{Unit, When};
use hearth_types::{LayerArn, LayerVersionArn};

use super::policy::LayerPolicy;
use super::record::{self, Counter};
use super::{LayerError, LayerVersion, Layers};
use crate::error::Error;
use crate::policies::PermissionError;

impl Layers {
    /// The number of a layer's next version.
    pub(crate) fn next(&self, layer: &LayerArn) -> u64 {
        self.shelf().last(layer).map_or(1, |(last, _)| last + 1)
    }

    /// Commits a version, which has the next number.
    pub(crate) async fn publish(&self, version: LayerVersion) -> Result<Arc<LayerVersion>, Error> {
        let layer = &version.arn.layer;
        let counted = match self.shelf().last(layer) {
            None => When::Absent,
            Some((_, revision)) => When::Revision(revision),
        };
        let counter = Counter {
            arn: layer.clone(),
            last: version.arn.version,
        };
        let unit = Unit::new()
            .put(counter.key(), record::body(&counter), counted)
            .put(version.key(), record::body(&version), When::Absent);
        let revisions = self.store.commit(unit).await?.revisions;
        let arn = version.arn.clone();
        let mut shelf = self.shelf();
        shelf.count(&counter, revisions[0]);
        shelf.put(version, revisions[1]);
        Ok(shelf.find(&arn).expect("it was just put there").0)
    }

    /// Deletes a version; what it was, if there was one. Its number is not used again.
    pub(crate) async fn delete(&self, arn: &LayerVersionArn) -> Result<Option<Arc<LayerVersion>>, Error> {
        let Some((version, revision)) = self.shelf().find(arn) else {
            return Ok(None);
        };
        let unit = Unit::new().delete(record::key(arn), When::Revision(revision));
        self.store.commit(unit).await?;
        self.shelf().remove(arn);
        Ok(Some(version))
    }

    /// Adds a statement to a version's policy; the policy's revision afterwards.
    pub(crate) async fn permit(
        &self,
        arn: &LayerVersionArn,
        revision_id: Option<&str>,
        statement: Statement,
    ) -> Result<String, Error> {
        let (version, revision) = self.present(arn, revision_id)?;
        let policy = LayerPolicy::with(version.policy.as_ref(), statement)?;
        let revision_id = policy.revision_id();
        self.set_policy(&version, revision, Some(policy)).await?;
        Ok(revision_id)
    }

    /// Removes a statement from a version's policy.
    pub(crate) async fn forbid(
        &self,
        arn: &LayerVersionArn,
        revision_id: Option<&str>,
        statement: &str,
    ) -> Result<(), Error> {
        let (version, revision) = self.present(arn, revision_id)?;
        let policy = version.policy.as_ref().ok_or(PermissionError::NoPolicy)?;
        let policy = policy.without(statement)?;
        self.set_policy(&version, revision, policy).await
    }

    /// A version whose policy is to be changed by a client that knows this revision of it.
    fn present(
        &self,
        arn: &LayerVersionArn,
        revision_id: Option<&str>,
    ) -> Result<(Arc<LayerVersion>, u64), LayerError> {
        let found = self.shelf().find(arn);
        let (version, revision) = found.ok_or_else(|| LayerError::NoSuchVersion(arn.clone()))?;
        let current = version.policy.as_ref().map(LayerPolicy::revision_id);
        if revision_id.is_some_and(|known| Some(known) != current.as_deref()) {
            return Err(LayerError::RevisionMismatch);
        }
        Ok((version, revision))
    }

    async fn set_policy(
        &self,
        version: &LayerVersion,
        revision: u64,
        policy: Option<LayerPolicy>,
    ) -> Result<(), Error> {
        let version = LayerVersion {
            policy,
            ..version.clone()
        };
        let unit = Unit::new().put(version.key(), record::body(&version), When::Revision(revision));
        let revisions = self.store.commit(unit).await?.revisions;
        self.shelf().put(version, revisions[0]);
        Ok(())
    }
}
