//! The way of one request: resolved, read, verified, handled, answered.

use std::net::SocketAddr;
use std::time::SystemTime;

use bytes::Bytes;
use hearth_types::RequestId;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, header};
use tokio::runtime::{Handle, RuntimeFlavor};

use super::entity::{Entity, Memory, Read, RequestBody};
use super::resolve::{Route, spoken};
use super::{Linked, Router};
use crate::model::{OperationModel, ServiceModel};
use crate::{
    Authenticator, AwsError, Body, CommonError, Context, RawRequest, SignedRequest, Site, Visit, protocol,
};

/// Bodies from this size on, in bytes, are hashed and parsed where they hold up no other request.
const HEAVY: usize = 256 * 1024;

/// The head of a request and what is noted when it arrives.
struct Arrived<'a> {
    /// Who verifies it.
    authenticator: &'a dyn Authenticator,
    /// What its body may take.
    memory: &'a Memory,
    request_id: RequestId,
    at: SystemTime,
    parts: Parts,
}

impl Router {
    /// Answers a request. Never fails: what goes wrong becomes an error answer.
    pub async fn handle<B: RequestBody>(&self, request: Request<B>) -> Response<Body> {
        self.handle_from(None, request).await
    }

    /// As [`Router::handle`], for a request of which it is known who sent it.
    pub async fn handle_from<B: RequestBody>(
        &self,
        peer: Option<SocketAddr>,
        request: Request<B>,
    ) -> Response<Body> {
        let memory = (&self.memory.operations, &self.memory.visitors);
        self.take(&*self.authenticator, memory, peer, request).await
    }

    /// Answers a request from an environment, which this authenticator verifies instead of the router's own.
    pub async fn handle_by<B: RequestBody>(
        &self,
        authenticator: &dyn Authenticator,
        request: Request<B>,
    ) -> Response<Body> {
        let memory = (&self.memory.inside, &self.memory.inside);
        self.take(authenticator, memory, None, request).await
    }

    async fn take<B: RequestBody>(
        &self,
        authenticator: &dyn Authenticator,
        (of_operations, of_visitors): (&Memory, &Memory),
        peer: Option<SocketAddr>,
        request: Request<B>,
    ) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let request_id = RequestId::new();
        let mut response = if let Some(site) = self.sites.iter().find(|site| site.claims(&parts)) {
            let visit = Visit {
                authenticator,
                request_id,
                received_at: SystemTime::now(),
                peer,
                head: parts,
            };
            self.visit(&**site, visit, Entity::new(body), of_visitors).await
        } else if is_health(&parts) {
            self.answer_health()
        } else if let Some(linked) = self.follow_link(&parts) {
            linked.await
        } else {
            self.answer(
                Arrived {
                    authenticator,
                    memory: of_operations,
                    request_id,
                    at: SystemTime::now(),
                    parts,
                },
                Entity::new(body),
            )
            .await
        };
        let id = HeaderValue::from_str(&request_id.to_string()).expect("an id is hexadecimal");
        response.headers_mut().insert("x-amzn-requestid", id);
        response
    }

    async fn visit<B: RequestBody>(
        &self,
        site: &dyn Site,
        visit: Visit<'_>,
        mut entity: Entity<B>,
        memory: &Memory,
    ) -> Response<Body> {
        if let Some(response) = site.receive(&visit) {
            entity.discard(&visit.head.headers);
            return response;
        }
        match entity.read_within(site.body_limit(), memory).await {
            Ok(read) => site.answer(visit, Ok(read.bytes.clone())).await,
            Err(failure) => {
                entity.discard(&visit.head.headers);
                site.answer(visit, Err(failure)).await
            }
        }
    }

    fn follow_link(&self, parts: &Parts) -> Option<Linked> {
        let path = Some(parts.uri.path()).filter(|_| parts.method == Method::GET)?;
        let mut found = self
            .links
            .iter()
            .filter_map(|(prefix, handler)| Some((path.strip_prefix(prefix)?, handler)));
        found.next().map(|(rest, handler)| handler(rest.to_owned()))
    }

    fn answer_health(&self) -> Response<Body> {
        let mut response = Response::new(Body::from((self.health)().to_string()));
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    async fn answer<B: RequestBody>(&self, arrived: Arrived<'_>, mut entity: Entity<B>) -> Response<Body> {
        let request_id = arrived.request_id;
        let route = match self.resolve(&arrived.parts, &mut entity, arrived.memory).await {
            Ok(route) => route,
            Err(error) => {
                entity.discard(&arrived.parts.headers);
                return protocol::write_error(spoken(&arrived.parts), None, error, request_id);
            }
        };
        let service = self.services[route.service].model;
        let (operation, spoken) = (route.operation.name, route.protocol);
        match self.call(arrived, entity, route).await {
            Ok(response) => {
                let status = response.status().as_u16();
                tracing::debug!(%request_id, service = service.name, operation, status);
                response
            }
            Err(error) => {
                let status = error.status;
                tracing::debug!(%request_id, service = service.name, operation, status, %error);
                protocol::write_error(spoken, Some(service), error, request_id)
            }
        }
    }

    async fn call<B: RequestBody>(
        &self,
        arrived: Arrived<'_>,
        mut entity: Entity<B>,
        route: Route,
    ) -> Result<Response<Body>, AwsError> {
        let service = &self.services[route.service];
        let unread = Bytes::new();
        let head = arrived.signed(&unread, service.model, route.operation);
        let read = match arrived.read(&head, route.operation, &mut entity).await {
            Ok(read) => read,
            Err(error) => {
                entity.discard(&arrived.parts.headers);
                return Err(error);
            }
        };
        let signed = SignedRequest {
            body: &read.bytes,
            ..head
        };
        let sender = off_the_worker(read.bytes.len(), || arrived.authenticator.authenticate(&signed))?;
        let handler = service
            .handlers
            .get(route.operation.name)
            .ok_or_else(|| not_implemented(service.model.name, route.operation.name))?;
        let context = Context {
            scope: sender.scope,
            caller: sender.caller,
            request_id: arrived.request_id,
            received_at: arrived.at,
            host: host(&arrived.parts),
        };
        let request = RawRequest {
            labels: route.labels,
            query: route.query,
            headers: arrived.parts.headers,
            body: sender.body.unwrap_or_else(|| read.bytes.clone()),
        };
        handler(route.protocol, context, request).await
    }
}

impl Arrived<'_> {
    /// What a signature covers, as far as it has been read.
    fn signed<'a>(
        &'a self,
        body: &'a Bytes,
        service: &ServiceModel,
        operation: &OperationModel,
    ) -> SignedRequest<'a> {
        SignedRequest {
            method: &self.parts.method,
            uri: &self.parts.uri,
            headers: &self.parts.headers,
            body,
            now: self.at,
            service: service.signing_name,
            operation: operation.name,
        }
    }

    /// The body, unless the head alone is reason enough to refuse it.
    async fn read<B: RequestBody>(
        &self,
        head: &SignedRequest<'_>,
        operation: &OperationModel,
        entity: &mut Entity<B>,
    ) -> Result<Read, AwsError> {
        if entity.takes_memory() {
            self.authenticator.admit(head)?;
        }
        entity.read(operation, self.memory).await
    }
}

fn not_implemented(service: &str, operation: &str) -> AwsError {
    let message = format!("Hearth does not implement {service}.{operation} yet");
    AwsError::common(CommonError::NotImplemented, message)
}

fn is_health(parts: &Parts) -> bool {
    parts.method == Method::GET && matches!(parts.uri.path(), "/health" | "/_localstack/health")
}

fn host(parts: &Parts) -> String {
    let header = parts
        .headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let authority = || parts.uri.authority().map(|authority| authority.as_str());
    header.or_else(authority).unwrap_or_default().to_owned()
}

/// Runs work on a body of `size` bytes; work on a large one does not hold up the other requests of
/// the worker thread.
pub fn off_the_worker<T>(size: usize, work: impl FnOnce() -> T) -> T {
    let can_move =
        Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if size >= HEAVY && can_move {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}
