//! A router with a small Lambda, CloudWatch, CloudWatch Logs and STS behind it.

use std::sync::Arc;

use bytes::Bytes;
use hearth_types::{AccountId, Scope};
use hearth_wire::{
    Authenticated, Authenticator, AwsError, Body, BodyFailure, Caller, CallerKind, CommonError, Context,
    RawRequest, Reception, Router, SignedRequest, Site, Visit, cloudwatch, lambda, logs, sts,
};
use http::Response;
use http::request::Parts;
use lambda::operations as functions;
use serde_json::json;
use tokio::sync::Notify;

/// Lets everybody in, but who says `Authorization: nobody`.
pub(crate) struct Everybody;

impl Authenticator for Everybody {
    fn admit(&self, head: &SignedRequest<'_>) -> Result<(), AwsError> {
        let said = head.headers.get("authorization");
        if said.is_some_and(|value| value == "nobody") {
            let message = "The security token included in the request is invalid.";
            return Err(AwsError::common(CommonError::UnrecognizedClient, message));
        }
        Ok(())
    }

    fn authenticate(&self, request: &SignedRequest<'_>) -> Result<Authenticated, AwsError> {
        self.admit(request)?;
        let caller = Caller {
            account: AccountId::DEFAULT,
            arn: "arn:aws:iam::000000000000:root".to_owned(),
            user_id: "000000000000".to_owned(),
            access_key: None,
            kind: CallerKind::Anonymous,
        };
        Ok(Authenticated {
            scope: Scope::default(),
            caller: Arc::new(caller),
            body: None,
        })
    }
}

/// Holds the invocations of the function `held`.
#[derive(Clone, Default)]
pub(crate) struct Gate {
    /// Is notified when one begins.
    pub(crate) held: Arc<Notify>,
    /// Lets one finish.
    pub(crate) release: Arc<Notify>,
}

/// Answers below `/site/` with the body backwards; `/site/closed` without looking at it.
struct Backwards;

impl Site for Backwards {
    fn claims(&self, head: &Parts) -> bool {
        head.uri.path().starts_with("/site/")
    }

    fn receive(&self, visit: &Visit<'_>) -> Option<Response<Body>> {
        let closed = visit.head.uri.path() == "/site/closed";
        closed.then(|| Response::new(Body::from("closed")))
    }

    fn body_limit(&self) -> u64 {
        100_000
    }

    fn answer<'a>(&'a self, visit: Visit<'a>, body: Result<Bytes, BodyFailure>) -> Reception<'a> {
        let text = match body {
            Ok(bytes) => bytes.iter().rev().copied().collect(),
            Err(failure) => Bytes::from(failure.to_string()),
        };
        let mut response = Response::new(Body::from(text));
        let peer = visit.peer.map(|peer| peer.ip().to_string());
        let peer = peer.and_then(|peer| Some(("x-peer".parse().ok(), peer.parse().ok()?)));
        response.headers_mut().extend(peer);
        Box::pin(std::future::ready(response))
    }
}

/// The router.
pub(crate) fn router(gate: Gate) -> Router {
    let mut router = Router::new(Arc::new(Everybody));
    router.health(|| json!({"services": {"lambda": "running"}}));
    router.site(Backwards);
    router.links("/links/", |rest| async move { Response::new(Body::from(rest)) });
    router
        .service(&lambda::MODEL)
        .operation::<functions::CreateFunction, _, _>(create_function)
        .operation::<functions::GetFunctionConfiguration, _, _>(get_function_configuration)
        .operation::<functions::ListFunctions, _, _>(|_, _| async {
            Ok(lambda::ListFunctionsResponse {
                functions: Some(Vec::new()),
                next_marker: None,
            })
        })
        .operation::<functions::DeleteFunctionConcurrency, _, _>(|_, _| async { Ok(()) })
        .operation::<functions::GetFunctionConcurrency, _, _>(|_, _| async {
            Err(
                AwsError::modeled(&lambda::MODEL, "TooManyRequestsException", "Rate Exceeded.")
                    .with_member("Reason", "CallerRateLimitExceeded"),
            )
        })
        .raw("Invoke", move |_, request| invoke(request, gate.clone()));
    router
        .service(&logs::MODEL)
        .operation::<logs::operations::GetLogEvents, _, _>(|_, _| async {
            let message = "The specified log group does not exist.";
            Err(AwsError::modeled(
                &logs::MODEL,
                "ResourceNotFoundException",
                message,
            ))
        });
    router
        .service(&cloudwatch::MODEL)
        .operation::<cloudwatch::operations::GetMetricStatistics, _, _>(get_metric_statistics)
        .operation::<cloudwatch::operations::GetMetricData, _, _>(|_, _| async {
            Err(AwsError::modeled(
                &cloudwatch::MODEL,
                "InvalidNextToken",
                "The token is not valid.",
            ))
        });
    router
        .service(&sts::MODEL)
        .operation::<sts::operations::GetCallerIdentity, _, _>(get_caller_identity);
    router
}

async fn create_function(
    _: Context,
    input: lambda::CreateFunctionRequest,
) -> Result<lambda::FunctionConfiguration, AwsError> {
    let variables = input.environment.and_then(|environment| environment.variables);
    Ok(lambda::FunctionConfiguration {
        function_name: Some(input.function_name),
        code_size: input.code.zip_file.map(|zip| zip.0.len() as i64),
        environment: Some(lambda::EnvironmentResponse {
            variables,
            error: None,
        }),
        state: Some(lambda::State::Pending),
        ..Default::default()
    })
}

async fn get_function_configuration(
    _: Context,
    input: lambda::GetFunctionConfigurationRequest,
) -> Result<lambda::FunctionConfiguration, AwsError> {
    Ok(lambda::FunctionConfiguration {
        function_name: Some(input.function_name),
        ..Default::default()
    })
}

/// Answers the payload as it came, and the qualifier as the version.
async fn invoke(request: RawRequest, gate: Gate) -> Result<Response<Body>, AwsError> {
    if request.label("FunctionName") == Some("held") {
        gate.held.notify_one();
        gate.release.notified().await;
    }
    let version = request
        .query("Qualifier")
        .and_then(|qualifier| qualifier.parse().ok());
    let mut response = Response::new(Body::from(request.body));
    response
        .headers_mut()
        .extend(version.map(|version| ("x-amz-executed-version".parse().ok(), version)));
    Ok(response)
}

/// Answers the statistics that were asked for, each with the period as its value, at the beginning of the range.
async fn get_metric_statistics(
    _: Context,
    input: cloudwatch::GetMetricStatisticsInput,
) -> Result<cloudwatch::GetMetricStatisticsOutput, AwsError> {
    let datapoint = cloudwatch::Datapoint {
        timestamp: Some(input.start_time),
        sum: Some(f64::from(input.period)),
        unit: input.unit,
        ..Default::default()
    };
    Ok(cloudwatch::GetMetricStatisticsOutput {
        label: Some(input.metric_name),
        datapoints: Some(vec![datapoint]),
    })
}

async fn get_caller_identity(
    context: Context,
    _: sts::GetCallerIdentityRequest,
) -> Result<sts::GetCallerIdentityResponse, AwsError> {
    Ok(sts::GetCallerIdentityResponse {
        user_id: Some(context.caller.user_id.clone()),
        account: Some(context.caller.account.to_string()),
        arn: Some(context.caller.arn.clone()),
    })
}
