//! What this crate needs of the functions behind it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use hearth_engine::{Invocation, Outcome, ResponseStream};
use hearth_lambda::{FunctionUrl, UrlAccess};
use hearth_wire::{AwsError, Caller};

/// A future that can live in a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The functions of a node, by their URLs: [`UrlAccess`], or a stand-in in tests.
pub trait Functions: Send + Sync + 'static {
    /// The URL with this id. Must not block.
    fn find(&self, id: &str) -> Option<Arc<FunctionUrl>>;

    /// Whether somebody may use a URL; without a caller, whoever does not say who he is. Must not block.
    fn admits(&self, url: &FunctionUrl, caller: Option<&Caller>) -> bool;

    /// Runs the function to its end.
    fn invoke(
        &self,
        url: Arc<FunctionUrl>,
        invocation: Invocation,
    ) -> BoxFuture<'_, Result<Outcome, AwsError>>;

    /// Runs the function and hands its response over as it comes.
    fn invoke_streaming(
        &self,
        url: Arc<FunctionUrl>,
        invocation: Invocation,
    ) -> BoxFuture<'_, Result<ResponseStream, AwsError>>;
}

impl Functions for UrlAccess {
    fn find(&self, id: &str) -> Option<Arc<FunctionUrl>> {
        self.find(id)
    }

    fn admits(&self, url: &FunctionUrl, caller: Option<&Caller>) -> bool {
        self.admits(url, caller)
    }

    fn invoke(
        &self,
        url: Arc<FunctionUrl>,
        invocation: Invocation,
    ) -> BoxFuture<'_, Result<Outcome, AwsError>> {
        Box::pin(async move { self.invoke(&url, invocation).await })
    }

    fn invoke_streaming(
        &self,
        url: Arc<FunctionUrl>,
        invocation: Invocation,
    ) -> BoxFuture<'_, Result<ResponseStream, AwsError>> {
        Box::pin(async move { self.invoke_streaming(&url, invocation).await })
    }
}
