//! A function as the API shows it: `FunctionConfiguration`.

use hearth_engine::runtime_version_arn;
use hearth_iam::Sealer;
use hearth_wire::lambda::{
    EnvironmentError, EnvironmentResponse, EphemeralStorage, FunctionConfiguration, Layer, PackageType,
    RuntimeVersionConfig, SnapStartApplyOn, SnapStartOptimizationStatus, SnapStartResponse, StateReasonCode,
    TracingConfigResponse,
};

use crate::function::Function;
use crate::lifecycle::Reason;
use crate::logging;

/// Everything of a function that GetFunctionConfiguration and the operations that change it answer. The ARN is
/// qualified as the request was.
pub(crate) fn show(function: &Function, sealer: &Sealer, qualifier: Option<&str>) -> FunctionConfiguration {
    let lifecycle = &function.lifecycle;
    let (state_reason, state_reason_code) = split(lifecycle.state_reason());
    let (update_reason, update_reason_code) = split(lifecycle.last_update_reason());
    FunctionConfiguration {
        state: Some(lifecycle.state()),
        state_reason,
        state_reason_code,
        last_update_status: lifecycle.last_update(),
        last_update_status_reason: update_reason,
        last_update_status_reason_code: update_reason_code.map(|code| code.as_str().to_owned()),
        runtime_version_config: Some(RuntimeVersionConfig {
            runtime_version_arn: Some(runtime_version_arn(
                &function.scope.region,
                &function.settings.runtime,
            )),
            ..RuntimeVersionConfig::default()
        }),
        ..listed(function, sealer, qualifier)
    }
}

/// What ListFunctions answers: no state, and no runtime version.
pub(crate) fn listed(function: &Function, sealer: &Sealer, qualifier: Option<&str>) -> FunctionConfiguration {
    let settings = &function.settings;
    let arn = function.arn();
    let shown_arn = match qualifier {
        Some(qualifier) => format!("{arn}:{qualifier}"),
        None => arn.to_string(),
    };
    FunctionConfiguration {
        function_name: Some(function.name.to_string()),
        function_arn: Some(shown_arn),
        runtime: Some(settings.runtime.clone()),
        role: Some(settings.role.clone()),
        handler: Some(settings.handler.clone()),
        code_size: Some(function.code.size as i64),
        code_sha256: Some(function.code.hash.to_base64()),
        description: Some(settings.description.clone()),
        timeout: Some(settings.timeout_seconds as i32),
        memory_size: Some(settings.memory_mb as i32),
        last_modified: Some(function.last_modified.clone()),
        version: Some(function.version.to_string()),
        environment: environment(function, sealer),
        tracing_config: Some(TracingConfigResponse {
            mode: Some(settings.tracing),
        }),
        revision_id: Some(function.revision_id.to_string()),
        package_type: Some(PackageType::Zip),
        architectures: Some(vec![settings.architecture]),
        ephemeral_storage: Some(EphemeralStorage {
            size: Some(settings.ephemeral_mb as i32),
        }),
        snap_start: Some(SnapStartResponse {
            apply_on: Some(SnapStartApplyOn::None),
            optimization_status: Some(SnapStartOptimizationStatus::Off),
        }),
        logging_config: Some(logging::show(settings)),
        layers: layers(function),
        ..FunctionConfiguration::default()
    }
}

fn layers(function: &Function) -> Option<Vec<Layer>> {
    let shown = function.settings.layers.iter().map(|layer| Layer {
        arn: Some(layer.arn.to_string()),
        code_size: Some(layer.code.size as i64),
        ..Layer::default()
    });
    (!function.settings.layers.is_empty()).then(|| shown.collect())
}

fn environment(function: &Function, sealer: &Sealer) -> Option<EnvironmentResponse> {
    let sealed = function.settings.environment.as_ref()?;
    Some(match sealed.unseal(sealer, &function.arn()) {
        Ok(variables) => EnvironmentResponse {
            variables: Some(variables.0),
            error: None,
        },
        Err(error) => EnvironmentResponse {
            variables: None,
            error: Some(EnvironmentError {
                error_code: Some("AccessDeniedException".to_owned()),
                message: Some(error.to_string()),
            }),
        },
    })
}

fn split(reason: Option<Reason>) -> (Option<String>, Option<StateReasonCode>) {
    reason.map_or((None, None), |reason| (Some(reason.text), Some(reason.code)))
}
