//! Functions as their URLs lead to them.

use std::sync::Arc;

use hearth_engine::{Invocation, Outcome, ResponseStream};
use hearth_iam::policy::{Facts, Requester};
use hearth_types::{FunctionArn, Qualifier};
use hearth_wire::{AwsError, Caller};

use crate::error::Error;
use crate::function_url::FunctionUrl;
use crate::running;
use crate::service::Service;

/// Finds functions by their URLs, says who may use them, and runs them. Looks into no store.
#[derive(Clone)]
pub struct UrlAccess {
    service: Arc<Service>,
}

impl UrlAccess {
    pub(crate) fn new(service: Arc<Service>) -> Self {
        Self { service }
    }

    /// The URL with this id.
    pub fn find(&self, id: &str) -> Option<Arc<FunctionUrl>> {
        self.service.urls.by_id(id)
    }

    /// Whether somebody may use a URL; without a caller, whoever does not say who he is. Whoever belongs to the URL's
    /// account may, everybody else as the policy of the function or alias says. As on AWS since October 2025 it has to
    /// allow both: to use the URL, and to invoke the function through it.
    pub fn admits(&self, url: &FunctionUrl, caller: Option<&Caller>) -> bool {
        if caller.is_some_and(|caller| caller.account == url.scope.account) {
            return true;
        }
        let requester = caller.map_or(Requester::Anonymous, Requester::from);
        let facts = Facts {
            function_url_auth_type: Some(url.auth_type.as_str()),
            invoked_via_function_url: true,
            ..Facts::default()
        };
        let actions = ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"];
        self.service.allows(&url.arn(), requester, &actions, facts)
    }

    /// Runs the function to its end.
    pub async fn invoke(&self, url: &FunctionUrl, invocation: Invocation) -> Result<Outcome, AwsError> {
        let (function, qualifier) = target(url);
        let ran = running::run(&self.service.registry, &function, &qualifier, invocation).await;
        let (outcome, _) = ran.map_err(Error::from)?;
        Ok(outcome)
    }

    /// Runs the function and hands its response over as it comes.
    pub async fn invoke_streaming(
        &self,
        url: &FunctionUrl,
        invocation: Invocation,
    ) -> Result<ResponseStream, AwsError> {
        let (function, qualifier) = target(url);
        let running = running::stream(&self.service.registry, &function, &qualifier, invocation).await;
        let (stream, _) = running.map_err(Error::from)?;
        Ok(stream)
    }
}

/// The function, and what of it the URL leads to.
fn target(url: &FunctionUrl) -> (FunctionArn, Qualifier) {
    let function = FunctionArn::new(url.scope.clone(), url.name.clone());
    let alias = url.alias.clone().map(Qualifier::Alias);
    (function, alias.unwrap_or_default())
}
