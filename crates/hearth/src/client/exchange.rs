//! One request and its response, on a connection of their own.

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{ClientError, Endpoint};

impl Endpoint {
    /// Sends a request and reads the whole response, whatever its status.
    pub(super) async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ClientError> {
        let authority = self.authority();
        let stream = TcpStream::connect(authority).await;
        let stream = stream.map_err(|error| ClientError::connect(authority, &error))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(ClientError::connection(authority))?;
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
            let (parts, body) = response.map_err(ClientError::connection(authority))?.into_parts();
            let body = body
                .collect()
                .await
                .map_err(ClientError::connection(authority))?
                .to_bytes();
            Ok(Response::from_parts(parts, body))
        };
        tokio::pin!(exchange);
        // The connection has to be driven for the exchange to proceed; it may end first, with or without an error
        // that the exchange then reports.
        tokio::select! {
            response = &mut exchange => response,
            _ = connection => exchange.await,
        }
    }
}
