//! From a request to its operation's handler and back.

mod dispatch;
mod entity;
mod paths;
mod resolve;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::Response;
use serde_json::Value;

use crate::model::{Protocol, ServiceModel};
use crate::request::RawRequest;
use crate::validation::validate_bound;
use crate::{Authenticator, AwsError, Body, CommonError, Context, Operation, Site, protocol};

pub use dispatch::off_the_worker;
use entity::Memories;
pub use entity::{BodyFailure, RequestBody};
pub(crate) use paths::Paths;

type Reply = Pin<Box<dyn Future<Output = Result<Response<Body>, AwsError>> + Send>>;
type Handler = Box<dyn Fn(Protocol, Context, RawRequest) -> Reply + Send + Sync>;
type Health = Box<dyn Fn() -> Value + Send + Sync>;
type Linked = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;
type Links = (&'static str, Box<dyn Fn(String) -> Linked + Send + Sync>);

/// All services of a node: finds the operation of a request, has it verified, calls its handler.
pub struct Router {
    authenticator: Arc<dyn Authenticator>,
    services: Vec<Service>,
    paths: Paths,
    health: Health,
    links: Vec<Links>,
    sites: Vec<Arc<dyn Site>>,
    memory: Memories,
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
            links: Vec::new(),
            sites: Vec::new(),
            memory: Memories::new(),
        }
    }

    /// Sets what `GET /health` and `GET /_localstack/health` answer.
    pub fn health(&mut self, health: impl Fn() -> Value + Send + Sync + 'static) -> &mut Self {
        self.health = Box::new(health);
        self
    }

    /// Answers `GET` of every path that begins with `prefix`; the handler gets the rest of the path. Nobody is
    /// authenticated: for links that carry their own permit.
    pub fn links<F, R>(&mut self, prefix: &'static str, handler: F) -> &mut Self
    where
        F: Fn(String) -> R + Send + Sync + 'static,
        R: Future<Output = Response<Body>> + Send + 'static,
    {
        self.links
            .push((prefix, Box::new(move |rest| Box::pin(handler(rest)))));
        self
    }

    /// Adds a site. The first one that claims a request answers it.
    pub fn site(&mut self, site: impl Site) -> &mut Self {
        self.sites.push(Arc::new(site));
        self
    }

    /// Adds a service. Its operations answer 501 until handlers are registered on the result.
    pub fn service(&mut self, model: &'static ServiceModel) -> ServiceRoutes<'_> {
        if model.protocols.contains(&Protocol::RestJson) {
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
        self.typed::<O, _, _>(move |spoken, context, input| {
            let request_id = context.request_id;
            let output = handler(context, input);
            async move {
                let tree = serde_json::to_value(output.await?)
                    .map_err(|error| AwsError::common(CommonError::Internal, error.to_string()))?;
                protocol::write(spoken, O::model(), tree, request_id)
            }
        })
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
        let service = self.service.model;
        let model = service.operation(operation);
        let members = model.map_or(&[][..], |model| model.input_members());
        self.insert(
            operation,
            Box::new(
                move |_, context, request| match validate_bound(service, members, &request) {
                    Ok(()) => Box::pin(handler(context, request)),
                    Err(error) => Box::pin(std::future::ready(Err(error))),
                },
            ),
        )
    }

    /// Registers the handler of an operation with its input as a structure, whose answer it writes itself, such as a
    /// stream.
    ///
    /// # Panics
    /// Where the operation belongs to another service.
    pub fn streaming<O, F, R>(&mut self, handler: F) -> &mut Self
    where
        O: Operation,
        F: Fn(Context, O::Input) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Response<Body>, AwsError>> + Send + 'static,
    {
        self.typed::<O, _, _>(move |_, context, input| handler(context, input))
    }

    /// Registers a handler that gets its input as a structure and writes its answer in the protocol of the request.
    fn typed<O, F, R>(&mut self, handler: F) -> &mut Self
    where
        O: Operation,
        F: Fn(Protocol, Context, O::Input) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Response<Body>, AwsError>> + Send + 'static,
    {
        let service = self.service.model;
        let handler = Arc::new(handler);
        self.insert(
            O::NAME,
            Box::new(move |spoken, context, request| {
                let handler = Arc::clone(&handler);
                Box::pin(async move {
                    let size = request.body.len();
                    let input = off_the_worker(size, || read_input::<O>(service, spoken, request))?;
                    handler(spoken, context, input).await
                })
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

fn read_input<O: Operation>(
    service: &ServiceModel,
    spoken: Protocol,
    request: RawRequest,
) -> Result<O::Input, AwsError> {
    let tree = protocol::read(service, spoken, O::model(), request)?;
    serde_json::from_value(tree)
        .map_err(|error| AwsError::common(CommonError::Serialization, error.to_string()))
}
