//! What a function should be like.

use std::collections::BTreeMap;

use hearth_runtime::Family;
use hearth_types::{AccountId, NetworkPolicy};
use hearth_wire::lambda::{
    CreateFunctionRequest, Environment, FunctionCode, FunctionConfiguration,
    UpdateFunctionConfigurationRequest,
};

use super::{DeployError, Runtimes, runtime};
use crate::project::Project;

/// A folder and what the user says about it. What is `None` is left as it is, or to the server's default.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) project: Project,
    pub(crate) runtime: Option<String>,
    pub(crate) memory: Option<i32>,
    pub(crate) timeout: Option<i32>,
    pub(crate) role: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) environment: Option<BTreeMap<String, String>>,
    pub(crate) layers: Option<Vec<String>>,
    pub(crate) network: Option<NetworkPolicy>,
}

impl Wanted {
    /// A folder with nothing said about it.
    pub(crate) fn new(project: Project) -> Self {
        Self {
            name: project.name(),
            project,
            runtime: None,
            memory: None,
            timeout: None,
            role: None,
            description: None,
            environment: None,
            layers: None,
            network: None,
        }
    }

    /// The runtime identifier for a new function, given those that the server can run.
    pub(super) fn runtime(&self, available: &Runtimes) -> Result<String, DeployError> {
        match &self.runtime {
            Some(identifier) => Ok(identifier.clone()),
            None => runtime::choose(&self.project, available),
        }
    }

    /// Whether an existing function goes on with its runtime: the user and the project ask for no other.
    pub(super) fn keeps_runtime(&self, existing: &FunctionConfiguration) -> bool {
        let current = existing.runtime.as_deref().unwrap_or_default();
        match &self.runtime {
            Some(identifier) => identifier == current,
            None => Family::of(current).is_some_and(|(family, version)| {
                family == self.project.family && self.project.accepts(version)
            }),
        }
    }

    pub(super) fn creation(
        &self,
        runtime: String,
        account: AccountId,
        code: FunctionCode,
    ) -> CreateFunctionRequest {
        let role = self.role.clone();
        CreateFunctionRequest {
            function_name: self.name.clone(),
            runtime: Some(runtime),
            handler: Some(self.project.handler.clone()),
            role: role.unwrap_or_else(|| format!("arn:aws:iam::{account}:role/hearth-function")),
            code,
            memory_size: self.memory,
            timeout: self.timeout,
            description: self.description.clone(),
            environment: self.environment(),
            layers: self.layers.clone(),
            tags: self.network_tag(),
            ..CreateFunctionRequest::default()
        }
    }

    /// The request that makes an existing function so, or `None` if it is.
    pub(super) fn difference(
        &self,
        existing: &FunctionConfiguration,
        available: &Runtimes,
    ) -> Result<Option<UpdateFunctionConfigurationRequest>, DeployError> {
        let same = UpdateFunctionConfigurationRequest {
            function_name: self.name.clone(),
            ..UpdateFunctionConfigurationRequest::default()
        };
        let runtime = if self.keeps_runtime(existing) {
            None
        } else {
            Some(self.runtime(available)?)
        };
        let variables = existing
            .environment
            .as_ref()
            .and_then(|environment| environment.variables.as_ref());
        let same_variables = self
            .environment
            .as_ref()
            .is_none_or(|wanted| variables.map_or(wanted.is_empty(), |variables| variables == wanted));
        let layers: Vec<String> = existing
            .layers
            .iter()
            .flatten()
            .filter_map(|layer| layer.arn.clone())
            .collect();
        let difference = UpdateFunctionConfigurationRequest {
            runtime,
            handler: other(Some(&self.project.handler), existing.handler.as_ref()),
            memory_size: other(self.memory.as_ref(), existing.memory_size.as_ref()),
            timeout: other(self.timeout.as_ref(), existing.timeout.as_ref()),
            role: other(self.role.as_ref(), existing.role.as_ref()),
            description: other(self.description.as_ref(), existing.description.as_ref()),
            environment: if same_variables { None } else { self.environment() },
            layers: other(self.layers.as_ref(), Some(&layers)),
            ..same.clone()
        };
        Ok((difference != same).then_some(difference))
    }

    /// The tag that an existing function with these tags lacks, if it lacks one.
    pub(super) fn missing_tag(
        &self,
        existing: &BTreeMap<String, String>,
    ) -> Option<BTreeMap<String, String>> {
        let current = existing
            .get(NetworkPolicy::TAG)
            .and_then(|text| text.parse().ok());
        let wanted = self.network.as_ref()?;
        // Without the tag the default holds; one that cannot be read is replaced.
        let has_none = !existing.contains_key(NetworkPolicy::TAG);
        let same = current.as_ref() == Some(wanted) || has_none && *wanted == NetworkPolicy::default();
        if same { None } else { self.network_tag() }
    }

    fn network_tag(&self) -> Option<BTreeMap<String, String>> {
        let policy = self.network.as_ref()?;
        Some(BTreeMap::from([(
            NetworkPolicy::TAG.to_owned(),
            policy.to_string(),
        )]))
    }

    fn environment(&self) -> Option<Environment> {
        self.environment.clone().map(|variables| Environment {
            variables: Some(variables),
        })
    }
}

/// A wanted value, unless it is there already.
fn other<T: Clone + PartialEq>(wanted: Option<&T>, existing: Option<&T>) -> Option<T> {
    wanted.filter(|_| wanted != existing).cloned()
}

#[cfg(test)]
mod tests {
    use hearth_wire::lambda::{EnvironmentResponse, Layer};

    use super::*;
    use crate::project::Hints;

    fn wanted() -> Wanted {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("index.mjs"), "export const handler = () => 1").unwrap();
        let project = Project::recognise(root.path(), &Hints::default()).unwrap();
        Wanted {
            name: "f".into(),
            ..Wanted::new(project)
        }
    }

    fn existing() -> FunctionConfiguration {
        let variables = BTreeMap::from([("K".to_owned(), "V".to_owned())]);
        FunctionConfiguration {
            runtime: Some("nodejs20.x".into()),
            handler: Some("index.handler".into()),
            memory_size: Some(128),
            environment: Some(EnvironmentResponse {
                variables: Some(variables),
                ..EnvironmentResponse::default()
            }),
            ..FunctionConfiguration::default()
        }
    }

    #[test]
    fn what_the_user_does_not_say_stays() {
        assert_eq!(wanted().difference(&existing(), &Runtimes::new()).unwrap(), None);
    }

    #[test]
    fn the_network_policy_is_a_tag_that_is_set_where_it_differs() {
        let tags = |policy: &str| BTreeMap::from([("hearth:network".to_owned(), policy.to_owned())]);
        let wanting = |policy: &str| Wanted {
            network: Some(policy.parse().unwrap()),
            ..wanted()
        };
        let none = BTreeMap::new();
        assert_eq!(wanted().missing_tag(&tags("none")), None);
        assert_eq!(wanting("allow").missing_tag(&none), None);
        assert_eq!(wanting("none").missing_tag(&none), Some(tags("none")));
        assert_eq!(wanting("allow").missing_tag(&tags("none")), Some(tags("allow")));
        assert_eq!(
            wanting("a.test,*.b.test").missing_tag(&tags("A.test .b.test")),
            None
        );
        assert_eq!(
            wanting("a.test,*.b.test").missing_tag(&none),
            Some(tags("a.test .b.test"))
        );
        let account = AccountId::DEFAULT;
        let creation = wanting("none").creation("nodejs22.x".into(), account, FunctionCode::default());
        assert_eq!(creation.tags, Some(tags("none")));
        let creation = wanted().creation("nodejs22.x".into(), account, FunctionCode::default());
        assert_eq!(creation.tags, None);
    }

    #[test]
    fn only_what_differs_is_sent() {
        let variables = BTreeMap::from([("K".to_owned(), "other".to_owned())]);
        let wanted = Wanted {
            memory: Some(128),
            timeout: Some(9),
            environment: Some(variables.clone()),
            ..wanted()
        };
        let difference = wanted.difference(&existing(), &Runtimes::new()).unwrap().unwrap();
        assert_eq!(difference.timeout, Some(9));
        assert_eq!(difference.environment.unwrap().variables, Some(variables));
        assert_eq!(
            (difference.memory_size, difference.runtime, difference.handler),
            (None, None, None)
        );
    }

    #[test]
    fn layers_are_replaced_together() {
        let arn = "arn:aws:lambda:us-east-1:000000000000:layer:l:1".to_owned();
        let wanted = Wanted {
            layers: Some(vec![arn.clone()]),
            ..wanted()
        };
        let difference = wanted.difference(&existing(), &Runtimes::new()).unwrap().unwrap();
        assert_eq!(difference.layers, Some(vec![arn.clone()]));
        let layer = Layer {
            arn: Some(arn),
            ..Layer::default()
        };
        let there = FunctionConfiguration {
            layers: Some(vec![layer]),
            ..existing()
        };
        assert_eq!(wanted.difference(&there, &Runtimes::new()).unwrap(), None);
    }

    #[test]
    fn a_runtime_changes_when_user_or_project_ask_for_it() {
        let named = Wanted {
            runtime: Some("nodejs22.x".into()),
            ..wanted()
        };
        let difference = named.difference(&existing(), &Runtimes::new()).unwrap().unwrap();
        assert_eq!(difference.runtime.as_deref(), Some("nodejs22.x"));
        let was_python = FunctionConfiguration {
            runtime: Some("python3.11".into()),
            ..existing()
        };
        let available = Runtimes::from([("nodejs20.x".to_owned(), "20.1.0".parse().unwrap())]);
        let difference = wanted().difference(&was_python, &available).unwrap().unwrap();
        assert_eq!(difference.runtime.as_deref(), Some("nodejs20.x"));
    }
}
