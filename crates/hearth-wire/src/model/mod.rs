//! Services as constant tables: operations, shapes and errors, generated from AWS's API models.

mod pattern;
mod shape;

pub use pattern::Pattern;
pub use shape::{Kind, Location, Member, Shape, TimeFormat, UNCHECKED};

/// One AWS service.
#[derive(Debug)]
pub struct ServiceModel {
    /// The name in endpoints and IAM actions: `lambda`.
    pub name: &'static str,
    /// The service name in a signature's credential scope.
    pub signing_name: &'static str,
    /// The API version, such as `2015-03-31`.
    pub version: &'static str,
    /// How requests and answers can be written; a request chooses.
    pub protocols: &'static [Protocol],
    /// Whether the protocols other than query also say which code an error has in that one: the service spoke it
    /// alone once, and clients go by those codes.
    pub query_compatible: bool,
    /// The code for requests that break the constraints of the model.
    pub validation_error: &'static str,
    /// Every operation of the model, implemented or not, sorted by name.
    pub operations: &'static [OperationModel],
    /// The errors that the model declares, sorted by shape.
    pub errors: &'static [ErrorModel],
}

impl ServiceModel {
    /// The operation with this exact name.
    pub fn operation(&self, name: &str) -> Option<&'static OperationModel> {
        let found = self
            .operations
            .binary_search_by(|operation| operation.name.cmp(name));
        found.ok().map(|index| &self.operations[index])
    }

    /// The first of its protocols that is wanted.
    pub(crate) fn protocol(&self, wanted: impl Fn(&Protocol) -> bool) -> Option<Protocol> {
        self.protocols.iter().copied().find(wanted)
    }

    /// The declared error with this code.
    pub fn error(&self, code: &str) -> Option<&'static ErrorModel> {
        self.errors.iter().find(|error| error.code == code)
    }
}

/// How a service's requests and answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Method, path, query, headers and a JSON body.
    RestJson,
    /// `POST /` with the operation in `X-Amz-Target` and a JSON body.
    AwsJson {
        /// `1.0` or `1.1`, as in the content type `application/x-amz-json-1.1`.
        version: &'static str,
        /// What precedes the operation's name and a full stop in `X-Amz-Target`.
        target_prefix: &'static str,
    },
    /// A form with `Action` and `Version`, answered in XML.
    Query {
        /// The XML namespace of answers.
        namespace: &'static str,
    },
    /// Smithy's RPC v2: `POST /service/<service>/operation/<operation>` and CBOR.
    RpcCbor {
        /// The service's name in paths.
        service: &'static str,
    },
}

/// One operation of a service.
#[derive(Debug)]
pub struct OperationModel {
    /// The name, such as `CreateFunction`.
    pub name: &'static str,
    /// The HTTP method.
    pub method: &'static str,
    /// The URI template: literal segments, `{label}` and the greedy `{label+}`, with an optional
    /// constant query.
    pub uri: &'static str,
    /// The status of a successful answer.
    pub status: u16,
    /// The largest request body in bytes.
    pub body_limit: u64,
    /// What AWS says about a larger body; `{length}` and `{limit}` stand for numbers.
    pub too_large: &'static str,
    /// The shapes, where Hearth implements the operation.
    pub shapes: Option<OperationShapes>,
    /// The element around the result in the query protocol's answers.
    pub wrapper: Option<&'static str>,
}

/// The shapes of an implemented operation.
#[derive(Debug)]
pub struct OperationShapes {
    /// The structure of the request.
    pub input: Option<&'static Shape>,
    /// The structure of the answer; `None` for an empty one.
    pub output: Option<&'static Shape>,
}

/// The largest request body of an operation that states no other limit, in bytes.
const BODY_LIMIT: u64 = 6 * 1024 * 1024 + 100;

impl OperationModel {
    /// The sentence about a body that is too large, where AWS's own is not known.
    pub const TOO_LARGE: &'static str = "Request must be smaller than {limit} bytes";

    /// An operation that is not implemented.
    pub const fn new(name: &'static str, method: &'static str, uri: &'static str) -> Self {
        Self {
            name,
            method,
            uri,
            status: 200,
            body_limit: BODY_LIMIT,
            too_large: Self::TOO_LARGE,
            shapes: None,
            wrapper: None,
        }
    }

    /// The same with another status of success.
    pub const fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same with another limit for request bodies and the sentence about larger ones.
    pub const fn body_limit(mut self, bytes: u64, too_large: &'static str) -> Self {
        self.body_limit = bytes;
        self.too_large = too_large;
        self
    }

    /// The same, implemented with these shapes.
    pub const fn implemented(
        mut self,
        input: Option<&'static Shape>,
        output: Option<&'static Shape>,
    ) -> Self {
        self.shapes = Some(OperationShapes { input, output });
        self
    }

    /// The same with a result wrapper.
    pub const fn wrapped(mut self, wrapper: &'static str) -> Self {
        self.wrapper = Some(wrapper);
        self
    }

    /// The members of the request; none where the operation is not implemented.
    pub(crate) fn input_members(&self) -> &'static [Member] {
        self.shapes
            .as_ref()
            .and_then(|shapes| shapes.input)
            .map_or(&[], Shape::members)
    }
}

/// An error that a service's model declares.
#[derive(Debug)]
pub struct ErrorModel {
    /// The name of its structure, which is its code where the model gives it no other.
    pub shape: &'static str,
    /// The code clients see.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The member that carries the message: `Message` or `message`.
    pub message: &'static str,
    /// Whether the body also says `"Type": "User"` or `"Service"`.
    pub typed: bool,
}
