//! Layers and their versions, and how clients name them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{AccountId, FunctionName, Region, Scope};

/// The name of a layer: as a function's, 1 to 140 characters.
pub type LayerName = FunctionName;

/// `arn:aws:lambda:<region>:<account>:layer:<name>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LayerArn {
    /// Account and region.
    pub scope: Scope,
    /// The layer's name.
    pub name: LayerName,
}

/// `arn:aws:lambda:<region>:<account>:layer:<name>:<version>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LayerVersionArn {
    /// The layer.
    pub layer: LayerArn,
    /// Counted from 1, and never used again.
    pub version: u64,
}

impl LayerArn {
    /// Reads a name, which means a layer of `scope`, or the ARN of a layer.
    pub fn parse(text: &str, scope: &Scope) -> Option<Self> {
        if let Some(name) = LayerName::parse(text) {
            return Some(Self {
                scope: scope.clone(),
                name,
            });
        }
        match read(text)? {
            (layer, None) => Some(layer),
            (_, Some(_)) => None,
        }
    }

    /// One of the layer's versions.
    pub fn version(&self, version: u64) -> LayerVersionArn {
        LayerVersionArn {
            layer: self.clone(),
            version,
        }
    }
}

impl LayerVersionArn {
    /// Reads the ARN of a layer's version.
    pub fn parse(text: &str) -> Option<Self> {
        let (layer, version) = read(text)?;
        Some(Self {
            layer,
            version: version?,
        })
    }
}

fn read(text: &str) -> Option<(LayerArn, Option<u64>)> {
    let mut parts = text.strip_prefix("arn:aws:lambda:")?.split(':');
    let region = Region::parse(parts.next()?).ok()?;
    let account = AccountId::parse(parts.next()?).ok()?;
    if parts.next()? != "layer" {
        return None;
    }
    let layer = LayerArn {
        scope: Scope { account, region },
        name: LayerName::parse(parts.next()?)?,
    };
    let version = match parts.next() {
        None => None,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
        Some(_) => return None,
    };
    parts.next().is_none().then_some((layer, version))
}

impl fmt::Display for LayerArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Scope { account, region } = &self.scope;
        write!(f, "arn:aws:lambda:{region}:{account}:layer:{}", self.name)
    }
}

impl fmt::Display for LayerVersionArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.layer, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_named_by_its_name_or_its_arn() {
        let layer = LayerArn::parse("tools", &Scope::default()).unwrap();
        assert_eq!(
            layer.to_string(),
            "arn:aws:lambda:us-east-1:000000000000:layer:tools"
        );
        assert_eq!(
            LayerArn::parse(&layer.to_string(), &Scope::default()).unwrap(),
            layer
        );
        let version = layer.version(7);
        assert_eq!(LayerVersionArn::parse(&version.to_string()).unwrap(), version);
    }

    #[test]
    fn other_texts_name_none() {
        for text in [
            "",
            "a:b",
            "arn:aws:lambda:us-east-1:000000000000:layer:l:1",
            "arn:aws:lambda:us-east-1:000000000000:function:f",
            "arn:aws:lambda:us-east-1:1:layer:l",
            "arn:aws:lambda::000000000000:layer:l",
        ] {
            assert!(LayerArn::parse(text, &Scope::default()).is_none(), "{text}");
        }
        for text in [
            "l:1",
            "arn:aws:lambda:us-east-1:000000000000:layer:l",
            "arn:aws:lambda:us-east-1:000000000000:layer:l:x",
            "arn:aws:lambda:us-east-1:000000000000:layer:l:+1",
            "arn:aws:lambda:us-east-1:000000000000:layer:l:1:2",
            "arn:aws:lambda:us-east-1:000000000000:layer:l:99999999999999999999",
            "arn:aws:lambda:::awslayer:AmazonLinux1803",
        ] {
            assert!(LayerVersionArn::parse(text).is_none(), "{text}");
        }
    }
}
