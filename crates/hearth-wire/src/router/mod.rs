//! From a request to its operation's handler and back.

mod entity;
mod paths;
mod resolve;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use hearth_types::RequestId;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, header};
use serde_json::Value;

use crate::model::{Protocol, ServiceModel};
use crate::request::RawRequest;
use crate::validation::validate_bound;
use crate::{Authenticator, AwsError, Body, CommonError, Context, Operation, SignedRequest, protocol};

use entity::{Entity, Memory};
pub(crate) use paths::Paths;
use resolve::{Route, spoken};

type Reply = Pin<Box<dyn Future<Output = Result<Response<Body>, AwsError>> + Send>>;
type Handler = Box<dyn Fn(Context, RawRequest) -> Reply + Send + Sync>;
type Health = Box<dyn Fn() -> Value + Send + Sync>;

/// All services of a node: finds the operation of a request, has it verified, calls its handler.
pub struct Router {
    authenticator: Arc<dyn Authenticator>,
    services: Vec<Service>,
    paths: Paths,
    health: Health,
    memory: Memory,
}

struct Service {
    model: &'static ServiceModel,
    handlers: HashMap<&'static str, Handler>,
}

impl Router {
    /// A router without services.
    pub fn new(authenticator: Arc<dyn Authenticator>) -> Self {
        Self {
            authenticator,
            services: Vec::new(),
            paths: Paths::default(),
            health: Box::new(|| Value::Object(serde_json::Map::new())),
            memory: Memory::new(),
        }
    }

    /// Sets what `GET /health` and `GET /_localstack/health` answer.
    pub fn health(&mut self, health: impl Fn() -> Value + Send + Sync + 'static) -> &mut Self {
        self.health = Box::new(health);
        self
    }

    /// Adds a service. Its operations answer 501 until handlers are registered on the result.
    pub fn service(&mut self, model: &'static ServiceModel) -> ServiceRoutes<'_> {
        if model.protocol == Protocol::RestJson {
            for operation in model.operations {
                self.paths.add(self.services.len(), operation);
            }
        }
        self.services.push(Service {
            model,
            handlers: HashMap::new(),
        });
        ServiceRoutes {
            service: self.services.last_mut().expect("one was just added"),
        }
    }

    /// Answers a request. Never fails: what goes wrong becomes an error answer.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: std::error::Error,
    {
        let request_id = RequestId::new();
        let (parts, body) = request.into_parts();
        let mut response = if is_health(&parts) {
            let mut response = Response::new(Body::from((self.health)().to_string()));
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        } else {
            self.answer(request_id, parts, Entity::new(body)).await
        };
        let id = HeaderValue::from_str(&request_id.to_string()).expect("an id is hexadecimal");
        response.headers_mut().insert("x-amzn-requestid", id);
        response
    }

    async fn answer<B>(&self, request_id: RequestId, parts: Parts, entity: Entity<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: std::error::Error,
    {
        let received_at = SystemTime::now();
        let mut entity = entity;
        let route = match self.resolve(&parts, &mut entity).await {
            Ok(route) => route,
            Err(error) => {
                entity.discard();
                return protocol::write_error(spoken(&parts), None, error, request_id);
            }
        };
        let service = self.services[route.service].model;
        let operation = route.operation.name;
        let result = self.call(request_id, received_at, parts, entity, route).await;
        match &result {
            Ok(response) => {
                tracing::debug!(%request_id, service = service.name, operation, status = response.status().as_u16());
            }
            Err(error) => {
                tracing::debug!(%request_id, service = service.name, operation, status = error.status, %error);
            }
        }
        result
            .unwrap_or_else(|error| protocol::write_error(service.protocol, Some(service), error, request_id))
    }

    async fn call<B>(
        &self,
        request_id: RequestId,
        received_at: SystemTime,
        parts: Parts,
        mut entity: Entity<B>,
        route: Route,
    ) -> Result<Response<Body>, AwsError>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: std::error::Error,
    {
        let service = &self.services[route.service];
        let read = match entity.read(route.operation, &self.memory).await {
            Ok(read) => read,
            Err(error) => {
                entity.discard();
                return Err(error);
            }
        };
        let authenticated = self.authenticator.authenticate(&SignedRequest {
            method: &parts.method,
            uri: &parts.uri,
            headers: &parts.headers,
            body: &read.bytes,
            now: received_at,
            service: service.model.signing_name,
            operation: route.operation.name,
        })?;
        let handler = service.handlers.get(route.operation.name).ok_or_else(|| {
            let operation = format!("{}.{}", service.model.name, route.operation.name);
            let message = format!("Hearth does not implement {operation} yet");
            AwsError::common(CommonError::NotImplemented, message)
        })?;
        let context = Context {
            scope: authenticated.scope,
            caller: authenticated.caller,
            request_id,
            received_at,
            host: host(&parts),
        };
        let body = authenticated.body.unwrap_or_else(|| read.bytes.clone());
        handler(
            context,
            RawRequest {
                labels: route.labels,
                query: route.query,
                headers: parts.headers,
                body,
            },
        )
        .await
    }
}

fn is_health(parts: &Parts) -> bool {
    parts.method == Method::GET && matches!(parts.uri.path(), "/health" | "/_localstack/health")
}

fn host(parts: &Parts) -> String {
    let header = parts
        .headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    header
        .or_else(|| parts.uri.authority().map(|authority| authority.as_str()))
        .unwrap_or_default()
        .to_owned()
}

/// Registers the handlers of one service.
pub struct ServiceRoutes<'a> {
    service: &'a mut Service,
}

impl ServiceRoutes<'_> {
    /// Registers the handler of an operation, with its input and output as structures.
    ///
    /// # Panics
    /// Where the operation belongs to another service.
    pub fn operation<O, F, R>(&mut self, handler: F) -> &mut Self
    where
        O: Operation,
        F: Fn(Context, O::Input) -> R + Send + Sync + 'static,
        R: Future<Output = Result<O::Output, AwsError>> + Send + 'static,
    {
        let service = self.service.model;
        let handler = Arc::new(handler);
        self.insert(
            O::NAME,
            Box::new(move |context, request| {
                let handler = Arc::clone(&handler);
                Box::pin(async move {
                    let request_id = context.request_id;
                    let tree = protocol::read(service.protocol, O::model(), request)?;
                    let input = serde_json::from_value(tree)
                        .map_err(|error| AwsError::common(CommonError::Serialization, error.to_string()))?;
                    let output = handler(context, input).await?;
                    let tree = serde_json::to_value(output)
                        .map_err(|error| AwsError::common(CommonError::Internal, error.to_string()))?;
                    protocol::write(service, O::model(), tree, request_id)
                })
            }),
        )
    }

    /// Registers the handler of an operation whose body it reads and writes itself. Labels, query
    /// parameters and headers are checked against the model all the same.
    ///
    /// # Panics
    /// Where the service has no implemented operation of this name.
    pub fn raw<F, R>(&mut self, operation: &'static str, handler: F) -> &mut Self
    where
        F: Fn(Context, RawRequest) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Response<Body>, AwsError>> + Send + 'static,
    {
        let model = self.service.model.operation(operation);
        let members = model.map_or(&[][..], |model| model.input_members());
        self.insert(
            operation,
            Box::new(move |context, request| match validate_bound(members, &request) {
                Ok(()) => Box::pin(handler(context, request)),
                Err(error) => Box::pin(std::future::ready(Err(error))),
            }),
        )
    }

    fn insert(&mut self, operation: &'static str, handler: Handler) -> &mut Self {
        let implemented = self
            .service
            .model
            .operation(operation)
            .is_some_and(|model| model.shapes.is_some());
        assert!(
            implemented,
            "{} has no implemented operation {operation}",
            self.service.model.name
        );
        self.service.handlers.insert(operation, handler);
        self
    }
}
