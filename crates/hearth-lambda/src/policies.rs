//! The policies of functions, versions and aliases: where each is kept, and what it decides.

use std::sync::Arc;

use hearth_iam::policy::{Access, Facts, Requester, ResourcePolicy};
use hearth_store::When;
use hearth_types::{FunctionArn, Qualifier};
use uuid::Uuid;

use crate::alias::Alias;
use crate::error::Error;
use crate::function::Stored;
use crate::reference::Target;
use crate::registry::Release;
use crate::service::Service;

/// Something is wrong with the policy that a request means.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PermissionError {
    /// `$LATEST` by name has no policy: the function's is that of the unqualified ARN.
    #[error("We currently do not support adding policies for $LATEST.")]
    Latest,
    /// `FunctionUrlAuthType` says something of requests to URLs, and another action has none.
    #[error("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action")]
    AuthType,
    /// There is nothing to show.
    #[error("The resource you requested does not exist.")]
    NothingThere,
    /// The function does not exist.
    #[error("No policy found for: {0}")]
    NoFunction(FunctionArn),
    /// Nothing was ever allowed.
    #[error("No policy is associated with the given resource.")]
    NoPolicy,
    /// The policy has no such statement.
    #[error("Statement {0} is not found in resource policy.")]
    NoStatement(String),
    /// The policy's holder changed since the client looked.
    #[error(
        "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest \
         Revision Id"
    )]
    RevisionMismatch,
}

/// What has a policy.
pub(crate) enum Holder {
    /// A function or a version.
    Function(Box<Stored>),
    /// An alias.
    Alias(Arc<Alias>),
}

impl Holder {
    /// Its policy.
    pub(crate) fn policy(&self) -> &ResourcePolicy {
        match self {
            Self::Function(stored) => &stored.function.policy,
            Self::Alias(alias) => &alias.policy,
        }
    }

    /// Its revision, which is the policy's too.
    pub(crate) fn revision_id(&self) -> Uuid {
        match self {
            Self::Function(stored) => stored.function.revision_id,
            Self::Alias(alias) => alias.revision_id,
        }
    }

    /// Whether a client knows it as it is now, where it says what it knows.
    pub(crate) fn is_known_as(&self, revision_id: Option<&str>) -> bool {
        revision_id.is_none_or(|known| known == self.revision_id().to_string())
    }
}

impl Service {
    /// What has the policy that a request means: a version or an alias where one is named, else the function.
    pub(crate) async fn policy_holder(&self, target: &Target) -> Result<Holder, Error> {
        let missing = || Error::NotFound(target.qualified_arn());
        let state = target.state().ok_or_else(missing)?;
        if let Qualifier::Alias(name) = &state {
            let entry = self.registry.find(&target.arn).ok_or_else(missing)?;
            let alias = entry.aliases.get(name).map(Arc::clone);
            let unknown = || Error::CannotFindAlias(target.qualified_arn());
            return alias.map(Holder::Alias).ok_or_else(unknown);
        }
        if target.qualifier.is_some() && state == Qualifier::Latest {
            return Err(PermissionError::Latest.into());
        }
        let stored = self.require(target).await?;
        Ok(Holder::Function(Box::new(stored)))
    }

    /// Commits and shows the policy of a holder that was just read. Whoever calls this holds the turn.
    pub(crate) async fn put_policy(&self, holder: Holder, policy: ResourcePolicy) -> Result<(), Error> {
        match holder {
            Holder::Alias(alias) => {
                let changed = Alias {
                    policy,
                    revision_id: Uuid::new_v4(),
                    ..Alias::clone(&alias)
                };
                self.put_alias(changed, When::Present).await
            }
            Holder::Function(stored) => {
                let Stored {
                    mut function,
                    revision,
                } = *stored;
                function.policy = policy;
                function.revision_id = Uuid::new_v4();
                self.put(&function, revision).await?;
                self.registry.update(&function.arn(), |entry| {
                    let shown = |release: &Release| Release {
                        policy: Arc::new(function.policy.clone()),
                        ..release.clone()
                    };
                    match function.version {
                        Qualifier::Version(number) => {
                            if let Some(release) = entry.versions.get(&number).map(shown) {
                                entry.put_version(number, release);
                            }
                        }
                        Qualifier::Latest | Qualifier::Alias(_) => entry.latest = shown(&entry.latest),
                    }
                });
                Ok(())
            }
        }
    }

    /// Whether the policy of a function, a version or an alias lets somebody do all of this with it. Where there is no
    /// such function or no policy, nobody may do anything. Looks into no store.
    pub(crate) fn allows(
        &self,
        arn: &FunctionArn,
        requester: Requester<'_>,
        actions: &[&str],
        facts: Facts<'_>,
    ) -> bool {
        let Some(entry) = self.registry.find(arn) else {
            return false;
        };
        let policy = match &arn.qualifier {
            Some(Qualifier::Alias(name)) => entry.aliases.get(name).map(|alias| &alias.policy),
            Some(version) => entry.release(version).map(|release| &*release.policy),
            None => Some(&*entry.latest.policy),
        };
        let resource = arn.to_string();
        let allows = |policy: &ResourcePolicy, action| {
            let access = Access {
                requester,
                action,
                resource: &resource,
                facts,
            };
            policy.decide(&access).is_allowed()
        };
        policy.is_some_and(|policy| actions.iter().all(|action| allows(policy, action)))
    }
}
