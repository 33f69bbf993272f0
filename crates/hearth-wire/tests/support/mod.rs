//! A server with a small Lambda, CloudWatch Logs and STS behind it, spoken to in raw bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hearth_types::{AccountId, Region, Scope};
use hearth_wire::{
    Authenticated, Authenticator, AwsError, Body, Caller, CallerKind, CommonError, Context, RawRequest,
    Router, Server, ServerOptions, SignedRequest, lambda, logs, sts,
};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

/// Lets everybody in, but who says `Authorization: nobody`.
struct Everybody;

impl Authenticator for Everybody {
    fn authenticate(&self, request: &SignedRequest<'_>) -> Result<Authenticated, AwsError> {
        if request
            .headers
            .get("authorization")
            .is_some_and(|value| value == "nobody")
        {
            let message = "The security token included in the request is invalid.";
            return Err(AwsError::common(CommonError::UnrecognizedClient, message));
        }
        let scope = Scope {
            account: AccountId::DEFAULT,
            region: Region::default(),
        };
        let caller = Caller {
            account: AccountId::DEFAULT,
            arn: "arn:aws:iam::000000000000:root".to_owned(),
            user_id: "000000000000".to_owned(),
            access_key: None,
            kind: CallerKind::Anonymous,
        };
        Ok(Authenticated {
            scope,
            caller: Arc::new(caller),
            body: None,
        })
    }
}

/// A running server.
pub struct Running {
    pub address: SocketAddr,
    /// Lets the invocations of the function `held` finish.
    pub release: Arc<Notify>,
    /// Is notified when such an invocation begins.
    pub held: Arc<Notify>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Running {
    pub async fn start(options: ServerOptions, grace: Duration) -> Self {
        let (release, held) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let router = Arc::new(router(Arc::clone(&release), Arc::clone(&held)));
        let server = Server::bind("127.0.0.1:0".parse().unwrap())
            .await
            .unwrap()
            .with_options(options);
        let address = server.local_addr();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            server.serve(router, stopped, grace).await;
        });
        Self {
            address,
            release,
            held,
            stop,
            served,
        }
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends a request on a connection of its own and returns the whole answer.
    pub async fn exchange(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Begins to stop; the handle completes when the last connection is closed.
    pub fn stop(self) -> JoinHandle<()> {
        let _ = self.stop.send(());
        self.served
    }
}

fn router(release: Arc<Notify>, held: Arc<Notify>) -> Router {
    let mut router = Router::new(Arc::new(Everybody));
    router.health(|| json!({"services": {"lambda": "running"}}));
    router
        .service(&lambda::MODEL)
        .operation::<lambda::operations::CreateFunction, _, _>(create_function)
        .operation::<lambda::operations::UpdateFunctionCode, _, _>(|_, _| async {
            Ok(lambda::FunctionConfiguration::default())
        })
        .operation::<lambda::operations::GetFunctionConfiguration, _, _>(|_, input| async move {
            Ok(lambda::FunctionConfiguration {
                function_name: Some(input.function_name),
                ..Default::default()
            })
        })
        .operation::<lambda::operations::ListFunctions, _, _>(|_, _| async {
            Ok(lambda::ListFunctionsResponse {
                functions: Some(Vec::new()),
                next_marker: None,
            })
        })
        .operation::<lambda::operations::DeleteFunctionConcurrency, _, _>(|_, _| async { Ok(()) })
        .operation::<lambda::operations::GetFunctionConcurrency, _, _>(|_, _| async {
            Err(
                AwsError::modeled(&lambda::MODEL, "TooManyRequestsException", "Rate Exceeded.")
                    .with_member("Reason", "CallerRateLimitExceeded"),
            )
        })
        .raw("Invoke", move |_, request| {
            invoke(request, Arc::clone(&release), Arc::clone(&held))
        });
    router
        .service(&logs::MODEL)
        .operation::<logs::operations::GetLogEvents, _, _>(|_, _| async {
            Err(AwsError::modeled(
                &logs::MODEL,
                "ResourceNotFoundException",
                "The specified log group does not exist.",
            ))
        });
    router
        .service(&sts::MODEL)
        .operation::<sts::operations::GetCallerIdentity, _, _>(|context: Context, _| async move {
            Ok(sts::GetCallerIdentityResponse {
                user_id: Some(context.caller.user_id.clone()),
                account: Some(context.caller.account.to_string()),
                arn: Some(context.caller.arn.clone()),
            })
        });
    router
}

async fn create_function(
    _: Context,
    input: lambda::CreateFunctionRequest,
) -> Result<lambda::FunctionConfiguration, AwsError> {
    Ok(lambda::FunctionConfiguration {
        function_name: Some(input.function_name),
        code_size: input.code.zip_file.map(|zip| zip.0.len() as i64),
        environment: input.environment.map(|environment| lambda::EnvironmentResponse {
            variables: environment.variables,
            error: None,
        }),
        state: Some(lambda::State::Pending),
        ..Default::default()
    })
}

/// Answers the payload as it came.
async fn invoke(
    request: RawRequest,
    release: Arc<Notify>,
    held: Arc<Notify>,
) -> Result<http::Response<Body>, AwsError> {
    if request.label("FunctionName") == Some("held") {
        held.notify_one();
        release.notified().await;
    }
    let mut response = http::Response::new(Body::from(request.body.clone()));
    if let Some(qualifier) = request
        .query("Qualifier")
        .and_then(|qualifier| qualifier.parse().ok())
    {
        response.headers_mut().insert("x-amz-executed-version", qualifier);
    }
    Ok(response)
}
