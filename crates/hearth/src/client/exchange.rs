//! One request and its response, on a connection of their own.

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{ClientError, Endpoint};

impl Endpoint {
    /// Sends a request and reads the whole response, whatever its status.
    pub(super) async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ClientError> {
        self.converse(request, async |response| self.collect(response).await)
            .await
    }

    /// Reads the rest of a response.
    pub(super) async fn collect(&self, response: Response<Incoming>) -> Result<Response<Bytes>, ClientError> {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(self.broken())?.to_bytes();
        Ok(Response::from_parts(parts, body))
    }

    /// Reads the next piece of a response; none at its end.
    pub(super) async fn piece(&self, body: &mut Incoming) -> Result<Option<Bytes>, ClientError> {
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.map_err(self.broken())?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// Sends a request and lets the response be read as it comes.
    pub(super) async fn converse<T, E: From<ClientError>>(
        &self,
        request: Request<Bytes>,
        read: impl AsyncFnOnce(Response<Incoming>) -> Result<T, E>,
    ) -> Result<T, E> {
        let authority = self.authority();
        let stream = TcpStream::connect(authority).await;
        let stream = stream.map_err(|error| ClientError::connect(authority, &error))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(self.broken())?;
        let exchange = async {
            let (mut parts, body) = request.into_parts();
            let host = authority.parse().map_err(ClientError::request)?;
            parts.headers.entry(header::HOST).or_insert(host);
            parts.uri = parts
                .uri
                .path_and_query()
                .map(|target| target.clone().into())
                .unwrap_or_default();
            let response = sender
                .send_request(Request::from_parts(parts, Full::new(body)))
                .await;
            read(response.map_err(self.broken())?).await
        };
        tokio::pin!(exchange);
        // The connection has to be driven for the exchange to proceed; it may end first, with or without an error
        // that the exchange then reports.
        tokio::select! {
            response = &mut exchange => response,
            _ = connection => exchange.await,
        }
    }

    fn broken(&self) -> impl FnOnce(hyper::Error) -> ClientError {
        ClientError::connection(self.authority())
    }
}
