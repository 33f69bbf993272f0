//! The interfaces as HTTP/1.1.

mod answer;
mod body;
mod extensions;
mod route;
mod runtime;
mod telemetry;

use std::convert::Infallible;

use hyper::Request;
use hyper::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use self::answer::Answer;
use self::route::Route;
use super::telemetry::TelemetryApi;
use super::{ApiError, RuntimeApi};

/// Largest head of a request, in bytes: the cause that a runtime may report in a header is up to 1 MiB.
const LARGEST_HEAD: usize = (1 << 20) + 64 * 1024;

impl RuntimeApi {
    /// Serves one connection from inside the environment, to its end.
    ///
    /// Nothing limits how long a request waits: a runtime waits for its next invocation as long as it lives.
    pub async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let service = service_fn(|request| async {
            let answer = self.answer(request).await;
            Ok::<_, Infallible>(answer.unwrap_or_else(Answer::from).into())
        });
        let connection = http1::Builder::new()
            .header_read_timeout(None)
            .max_buf_size(LARGEST_HEAD)
            // Scripts look for the headers as AWS writes them.
            .title_case_headers(true)
            .serve_connection(TokioIo::new(stream), service);
        // It ends in an error when the process on the other side does.
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection of the runtime API ended");
        }
    }

    async fn answer<B>(&self, request: Request<B>) -> Result<Answer, ApiError>
    where
        B: Body<Data = bytes::Bytes> + Unpin,
    {
        let route = match Route::of(request.method(), request.uri().path()) {
            Ok(route) => route,
            Err(status) => return Ok(Answer::status(status)),
        };
        match route {
            Route::Ping => Ok(Answer::text("pong")),
            Route::RegisterExtension => self.register(request).await,
            Route::ExtensionNext => self.extension_next(&request).await,
            Route::ExtensionInitError => self.extension_error(&request, true),
            Route::ExtensionExitError => self.extension_error(&request, false),
            Route::Telemetry => self.subscribe(TelemetryApi::Telemetry, request).await,
            Route::Logs => self.subscribe(TelemetryApi::Logs, request).await,
            _ if !self.look(|machine| machine.has_runtime()) => Ok(Answer::status(404)),
            Route::Next => self.next().await,
            Route::Response(id) => self.response(&id, request).await,
            Route::Error(id) => self.error(&id, request).await,
            Route::InitError => self.init_error(request).await,
        }
    }
}
