//! The Lambda API: functions, their life, and their invocations.
//!
//! [`LambdaService`] keeps functions as documents in the store and code packages as blobs, shows those that are ready
//! in a registry in memory, and hands invocations to an [`Invoker`], the engine. One file per operation; the same nouns
//! as in the API.
#![forbid(unsafe_code)]

mod activation;
mod add_layer_version_permission;
mod add_permission;
mod alias;
mod asynchronous;
mod code;
mod code_link;
mod configuration;
mod create_alias;
mod create_function;
mod create_function_url_config;
mod delete_alias;
mod delete_function;
mod delete_function_concurrency;
mod delete_function_url_config;
mod delete_layer_version;
mod environment;
mod error;
mod folder;
mod function;
mod function_url;
mod function_urls;
mod functions;
mod get_account_settings;
mod get_alias;
mod get_function;
mod get_function_concurrency;
mod get_function_configuration;
mod get_function_url_config;
mod get_layer_version;
mod get_layer_version_by_arn;
mod get_layer_version_policy;
mod get_policy;
mod invoke;
mod invoke_with_response_stream;
mod invoker;
mod lambda_service;
mod layers;
mod lifecycle;
mod list_aliases;
mod list_function_url_configs;
mod list_functions;
mod list_layer_versions;
mod list_layers;
mod list_tags;
mod list_versions_by_function;
mod logging;
mod marker;
mod network;
mod on_demand;
mod options;
mod payload;
mod policies;
mod publish_layer_version;
mod publish_version;
mod publishing;
mod put_function_concurrency;
mod reference;
mod registry;
mod remove_layer_version_permission;
mod remove_permission;
mod resume;
mod routing;
mod running;
mod runtimes;
mod service;
mod settings;
mod tag_resource;
mod tags;
mod unsupported;
mod untag_resource;
mod update_alias;
mod update_function_code;
mod update_function_configuration;
mod update_function_url_config;
mod url_access;

pub(crate) use hearth_types::trace;

pub use folder::Folders;
pub use function_url::{FunctionUrl, URL_PATH};
pub use invoker::{BoxFuture, Deployment, Invoker};
pub use lambda_service::LambdaService;
pub use options::LambdaOptions;
pub use url_access::UrlAccess;
