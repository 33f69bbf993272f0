//! The sandbox as the engine holds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hearth_sandbox::Sandbox;

/// The sandbox, in a form that prints.
#[derive(Clone)]
pub(crate) struct SandboxHandle(pub(crate) Arc<dyn Sandbox>, Arc<AtomicUsize>);

/// An environment that takes its time to end.
pub(crate) struct Dying(Arc<AtomicUsize>);

impl SandboxHandle {
    pub(crate) fn new(sandbox: Arc<dyn Sandbox>) -> Self {
        Self(sandbox, Arc::default())
    }

    /// Counts one more of them.
    pub(crate) fn dying(&self) -> Dying {
        self.1.fetch_add(1, Ordering::Relaxed);
        Dying::of(&self.1)
    }

    /// Whether environments are coming to their end.
    pub(crate) fn has_dying(&self) -> bool {
        self.1.load(Ordering::Relaxed) > 0
    }
}

impl Dying {
    /// One that is in this count.
    pub(crate) fn of(count: &Arc<AtomicUsize>) -> Self {
        Self(Arc::clone(count))
    }
}

impl Drop for Dying {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for SandboxHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sandbox")
    }
}
