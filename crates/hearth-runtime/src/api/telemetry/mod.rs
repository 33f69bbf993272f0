//! The Telemetry API, and the Logs API that came before it: extensions subscribe to what happens and what is printed.

mod batch;
mod subscription;

pub use batch::Batch;
pub use subscription::{Category, Destination, Subscription, TelemetryApi};

/// Who takes subscriptions.
pub trait Subscribers: std::fmt::Debug + Send + Sync {
    /// An extension subscribes.
    fn subscribe(&self, extension: &str, subscription: Subscription);
}
