//! A layer's version as the API shows it.

use hearth_wire::Context;
use hearth_wire::lambda::{GetLayerVersionResponse, LayerVersionContentOutput, LayerVersionsListItem};

use super::LayerVersion;
use crate::code_link::CodeLinks;

/// Everything, with a link to the content.
pub(crate) fn shown(version: &LayerVersion, ctx: &Context, links: &CodeLinks) -> GetLayerVersionResponse {
    let code = version.code;
    GetLayerVersionResponse {
        content: Some(LayerVersionContentOutput {
            location: Some(links.link(&ctx.host, code.hash, ctx.received_at)),
            code_sha256: Some(code.hash.to_base64()),
            code_size: Some(code.size as i64),
            ..LayerVersionContentOutput::default()
        }),
        layer_arn: Some(version.arn.layer.to_string()),
        layer_version_arn: Some(version.arn.to_string()),
        description: Some(version.description.clone()),
        created_date: Some(version.created.clone()),
        version: Some(version.arn.version as i64),
        compatible_architectures: version.architectures.clone(),
        compatible_runtimes: version.runtimes.clone(),
        license_info: version.license.clone(),
    }
}

/// What lists answer: nothing of the content.
pub(crate) fn listed(version: &LayerVersion) -> LayerVersionsListItem {
    LayerVersionsListItem {
        layer_version_arn: Some(version.arn.to_string()),
        version: Some(version.arn.version as i64),
        description: Some(version.description.clone()),
        created_date: Some(version.created.clone()),
        compatible_architectures: version.architectures.clone(),
        compatible_runtimes: version.runtimes.clone(),
        license_info: version.license.clone(),
    }
}
