//! The layers that a function uses.

use hearth_types::{LayerVersionArn, Region, limits};
use hearth_wire::Context;
use serde::{Deserialize, Serialize};

use super::{LayerError, Layers};
use crate::error::Error;
use crate::function::Code;

/// The most layers of a function.
const MOST: usize = 5;

/// A layer as a function uses it, for as long as it does: also when the version has been deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UsedLayer {
    /// The version.
    pub(crate) arn: LayerVersionArn,
    /// Its content.
    pub(crate) code: Code,
}

/// Layers that a function cannot have.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LayersError {
    #[error("Cannot reference more than {MOST} layers.")]
    TooMany,
    #[error(
        "Two different versions of the same layer are not allowed to be referenced in the same function. {0} and {1} \
         are versions of the same layer."
    )]
    Twice(LayerVersionArn, LayerVersionArn),
    #[error("Layer version {0} does not exist.")]
    NoSuchVersion(String),
    #[error("Layers are not in the same region as the function. Layers are expected to be in region {0}.")]
    OtherRegion(Region),
    #[error(
        "Layers consume more than the available size of {} bytes",
        limits::CODE_UNZIPPED
    )]
    TooLarge,
    #[error(
        "Function code combined with layers exceeds the maximum allowed size of {} bytes. The actual size is {actual} \
         bytes.",
        limits::CODE_UNZIPPED
    )]
    TooLargeTogether { actual: u64 },
}

impl Layers {
    /// The layers that a request names for a function, in its order.
    pub(crate) fn resolve(&self, ctx: &Context, names: Vec<String>) -> Result<Vec<UsedLayer>, Error> {
        if names.len() > MOST {
            return Err(LayersError::TooMany.into());
        }
        let mut arns: Vec<LayerVersionArn> = Vec::new();
        for name in names {
            // The model has checked its form; what cannot be read belongs to another partition.
            let arn = LayerVersionArn::parse(&name).ok_or(LayersError::NoSuchVersion(name))?;
            if let Some(other) = arns.iter().find(|other| other.layer == arn.layer) {
                return Err(LayersError::Twice(other.clone(), arn).into());
            }
            arns.push(arn);
        }
        arns.into_iter().map(|arn| self.use_one(ctx, arn)).collect()
    }

    fn use_one(&self, ctx: &Context, arn: LayerVersionArn) -> Result<UsedLayer, Error> {
        if arn.layer.scope.region != ctx.scope.region {
            return Err(LayersError::OtherRegion(ctx.scope.region.clone()).into());
        }
        match self.readable(ctx, &arn) {
            Ok(version) => Ok(UsedLayer {
                arn,
                code: version.code,
            }),
            Err(LayerError::Gone) => Err(LayersError::NoSuchVersion(arn.to_string()).into()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Holds a function's code and layers together to the limit.
pub(crate) fn check_unpacked(code: Code, layers: &[UsedLayer]) -> Result<(), LayersError> {
    let of_layers: u64 = layers.iter().map(|layer| layer.code.unpacked).sum();
    let together = code.unpacked + of_layers;
    if of_layers > limits::CODE_UNZIPPED {
        Err(LayersError::TooLarge)
    } else if together > limits::CODE_UNZIPPED {
        Err(LayersError::TooLargeTogether { actual: together })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use hearth_types::{CodeHash, LayerArn, Scope};

    use super::*;

    fn code(unpacked: u64) -> Code {
        Code {
            hash: CodeHash::of(b"zip"),
            size: 3,
            unpacked,
        }
    }

    fn layer(unpacked: u64) -> UsedLayer {
        let scope = Scope::default();
        UsedLayer {
            arn: LayerArn::parse("l", &scope).unwrap().version(1),
            code: code(unpacked),
        }
    }

    #[test]
    fn code_and_layers_share_one_limit() {
        let half = limits::CODE_UNZIPPED / 2;
        assert!(check_unpacked(code(half), &[layer(half)]).is_ok());
        assert_eq!(
            check_unpacked(code(half + 1), &[layer(half)])
                .unwrap_err()
                .to_string(),
            "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. The actual \
             size is 262144001 bytes."
        );
        assert_eq!(
            check_unpacked(code(1), &[layer(half), layer(half + 1)])
                .unwrap_err()
                .to_string(),
            "Layers consume more than the available size of 262144000 bytes"
        );
    }
}
