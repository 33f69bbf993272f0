//! Environment variables: what the API accepts, and how they are kept.

use std::fmt;

use hearth_iam::Sealer;
use hearth_runtime::environment::is_reserved;
use hearth_types::{FunctionArn, limits};
use hearth_wire::lambda::Environment;
use serde::{Deserialize, Serialize};

use crate::settings::Variables;

/// Variables that a function cannot have.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnvironmentError {
    /// Together they are too large.
    #[error(
        "Lambda was unable to configure your environment variables because the environment variables you have \
         provided exceeded the 4KB limit. String measured: {measured}"
    )]
    TooLarge { measured: String },
    /// Some names are the platform's.
    #[error(
        "Lambda was unable to configure your environment variables because the environment variables you have \
         provided contains reserved keys that are currently not supported for modification. Reserved keys \
         used in this request: {}",
        .0.join(", ")
    )]
    Reserved(Vec<String>),
}

/// The variables of a function, readable only with the sealing key and the function's ARN.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SealedEnvironment(String);

/// The sealed variables do not belong to this function, or the key is another one.
#[derive(Debug, thiserror::Error)]
#[error("the environment variables of {arn} cannot be read with this server's key")]
pub(crate) struct UnsealError {
    arn: String,
}

/// Holds variables to AWS's rules.
pub(crate) fn check(variables: &Variables) -> Result<(), EnvironmentError> {
    let reserved = |name: &&String| is_reserved(name);
    let used: Vec<String> = variables.0.keys().filter(reserved).cloned().collect();
    if !used.is_empty() {
        return Err(EnvironmentError::Reserved(used));
    }
    let measured = variables.to_json();
    if measured.len() > limits::ENVIRONMENT_BYTES {
        return Err(EnvironmentError::TooLarge { measured });
    }
    Ok(())
}

impl SealedEnvironment {
    /// Seals the variables of one function.
    pub(crate) fn seal(sealer: &Sealer, arn: &FunctionArn, variables: &Variables) -> Self {
        Self(sealer.seal(variables.to_json().as_bytes(), &arn.to_string()))
    }

    /// The variables in the clear.
    pub(crate) fn unseal(&self, sealer: &Sealer, arn: &FunctionArn) -> Result<Variables, UnsealError> {
        let arn = arn.to_string();
        let plain = sealer.unseal(&self.0, &arn).ok();
        match plain.and_then(|plain| serde_json::from_slice(&plain).ok()) {
            Some(variables) => Ok(Variables(variables)),
            None => Err(UnsealError { arn }),
        }
    }
}

impl fmt::Debug for SealedEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sealed")
    }
}

impl Variables {
    fn to_json(&self) -> String {
        serde_json::to_string(&self.0).expect("texts are always JSON")
    }
}

impl From<Environment> for Variables {
    fn from(environment: Environment) -> Self {
        Self(environment.variables.unwrap_or_default())
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} variables", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        Variables(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn four_kilobytes_of_json_are_the_limit() {
        let value = |size: usize| "x".repeat(size - "{\"LARGE_VAR\":\"\"}".len());
        assert!(check(&variables(&[("LARGE_VAR", &value(4096))])).is_ok());
        let error = check(&variables(&[("LARGE_VAR", &value(4097))]))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("exceeded the 4KB limit. String measured: {\"LARGE_VAR\":\"xxx"),
            "{error}"
        );
    }

    #[test]
    fn the_platforms_names_are_not_free() {
        let error = check(&variables(&[
            ("AWS_REGION", "x"),
            ("PATH", "/bin"),
            ("AWS_ACCESS_KEY_ID", "x"),
        ]));
        let text = error.unwrap_err().to_string();
        assert!(
            text.ends_with("Reserved keys used in this request: AWS_ACCESS_KEY_ID, AWS_REGION"),
            "{text}"
        );
        let free = [
            "AWS_LAMBDA_EXEC_WRAPPER",
            "AWS_LAMBDA_LOG_LEVEL",
            "TZ",
            "LD_LIBRARY_PATH",
            "LANG",
        ];
        assert!(check(&variables(&free.map(|name| (name, "x")))).is_ok());
    }

    #[test]
    fn values_do_not_print() {
        assert_eq!(
            format!("{:?}", variables(&[("SECRET", "hunter2")])),
            "1 variables"
        );
    }
}
