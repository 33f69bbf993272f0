//! Members of the API that mean something Hearth cannot do yet. They are refused by name, never ignored.

use hearth_wire::RawRequest;
use hearth_wire::lambda::{
    CreateFunctionRequest, DeadLetterConfig, PackageType, PublishVersionRequest, SnapStart, SnapStartApplyOn,
    UpdateFunctionCodeRequest, UpdateFunctionConfigurationRequest, VpcConfig,
};

/// The request needs something that does not exist here yet.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("Hearth does not support {0} yet. Please leave it out.")]
pub(crate) struct Unsupported(&'static str);

/// Refuses the first member that is in use.
fn refuse(members: &[(&'static str, bool)]) -> Result<(), Unsupported> {
    match members.iter().find(|(_, in_use)| *in_use) {
        Some((name, _)) => Err(Unsupported(name)),
        None => Ok(()),
    }
}

/// The members that are settings of a function, which CreateFunction and UpdateFunctionConfiguration share.
macro_rules! settings {
    ($request:ident) => {
        [
            ("ImageConfig", $request.image_config.is_some()),
            ("RuntimeConfig", $request.runtime_config.is_some()),
            ("AcceleratorConfig", $request.accelerator_config.is_some()),
            (
                "CapacityProviderConfig",
                $request.capacity_provider_config.is_some(),
            ),
            ("DurableConfig", $request.durable_config.is_some()),
            ("FileSystemConfigs", is_list(&$request.file_system_configs)),
            ("KMSKeyArn", is_text(&$request.kms_key_arn)),
            ("VpcConfig", $request.vpc_config.as_ref().is_some_and(is_vpc)),
            (
                "DeadLetterConfig",
                $request.dead_letter_config.as_ref().is_some_and(is_target),
            ),
            (
                "SnapStart.ApplyOn PublishedVersions",
                $request.snap_start.as_ref().is_some_and(is_snap_start),
            ),
        ]
    };
}

/// Checks a CreateFunction request.
pub(crate) fn check_new(request: &CreateFunctionRequest) -> Result<(), Unsupported> {
    refuse(&[
        (
            "PackageType Image",
            request.package_type == Some(PackageType::Image),
        ),
        ("Code.ImageUri", request.code.image_uri.is_some()),
        ("Code.SourceKMSKeyArn", is_text(&request.code.source_kms_key_arn)),
        ("PublishTo", request.publish_to.is_some()),
        ("CodeSigningConfigArn", is_text(&request.code_signing_config_arn)),
        ("TenancyConfig", request.tenancy_config.is_some()),
    ])?;
    refuse(&settings!(request))
}

/// Checks an UpdateFunctionConfiguration request.
pub(crate) fn check_configuration(request: &UpdateFunctionConfigurationRequest) -> Result<(), Unsupported> {
    refuse(&settings!(request))
}

/// Checks an UpdateFunctionCode request.
pub(crate) fn check_code(request: &UpdateFunctionCodeRequest) -> Result<(), Unsupported> {
    refuse(&[
        ("ImageUri", request.image_uri.is_some()),
        ("SourceKMSKeyArn", is_text(&request.source_kms_key_arn)),
        ("PublishTo", request.publish_to.is_some()),
    ])
}

/// Checks a PublishVersion request.
pub(crate) fn check_publication(request: &PublishVersionRequest) -> Result<(), Unsupported> {
    refuse(&[("PublishTo", request.publish_to.is_some())])
}

/// Checks an Invoke request.
pub(crate) fn check_invocation(request: &RawRequest) -> Result<(), Unsupported> {
    refuse(&[
        ("X-Amz-Tenant-Id", request.header("x-amz-tenant-id").is_some()),
        (
            "X-Amz-Durable-Execution-Name",
            request.header("x-amz-durable-execution-name").is_some(),
        ),
    ])
}

/// Clients send an empty text to say "none".
fn is_text(member: &Option<String>) -> bool {
    member.as_ref().is_some_and(|text| !text.is_empty())
}

fn is_list<T>(member: &Option<Vec<T>>) -> bool {
    member.as_ref().is_some_and(|list| !list.is_empty())
}

fn is_vpc(vpc: &VpcConfig) -> bool {
    is_list(&vpc.subnet_ids)
        || is_list(&vpc.security_group_ids)
        || vpc.ipv6_allowed_for_dual_stack == Some(true)
}

fn is_target(dead_letter: &DeadLetterConfig) -> bool {
    is_text(&dead_letter.target_arn)
}

fn is_snap_start(snap_start: &SnapStart) -> bool {
    snap_start.apply_on == Some(SnapStartApplyOn::PublishedVersions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_in_use_is_named() {
        let request = CreateFunctionRequest {
            kms_key_arn: Some("arn:aws:kms:us-east-1:000000000000:key/k".into()),
            ..CreateFunctionRequest::default()
        };
        let error = check_new(&request).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Hearth does not support KMSKeyArn yet. Please leave it out."
        );
    }

    #[test]
    fn members_that_say_none_are_fine() {
        let request = UpdateFunctionConfigurationRequest {
            file_system_configs: Some(Vec::new()),
            kms_key_arn: Some(String::new()),
            vpc_config: Some(VpcConfig {
                subnet_ids: Some(Vec::new()),
                ..VpcConfig::default()
            }),
            dead_letter_config: Some(DeadLetterConfig::default()),
            snap_start: Some(SnapStart {
                apply_on: Some(SnapStartApplyOn::None),
            }),
            ..UpdateFunctionConfigurationRequest::default()
        };
        assert_eq!(check_configuration(&request), Ok(()));
    }
}
