//! What bootstraps have prepared for those that come after: themselves, compiled.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;
use hearth_sandbox::RuntimeIndex;

/// What there is, by interpreter.
///
/// It is run by environments of every function, so it comes from such only that no function had a part in: ones that
/// were started with nothing of a function's, before they were claimed. The server does not look into it.
#[derive(Debug, Default)]
pub(crate) struct Prepared(Mutex<BTreeMap<RuntimeIndex, Bytes>>);

impl Prepared {
    /// For the bootstrap of this interpreter; empty if there is nothing.
    pub(crate) fn of(&self, runtime: RuntimeIndex) -> Bytes {
        self.lock().get(&runtime).cloned().unwrap_or_default()
    }

    /// Keeps it. The first is as good as any other.
    pub(crate) fn keep(&self, runtime: RuntimeIndex, prepared: Bytes) {
        // A copy: what came may be a part of something larger.
        self.lock()
            .entry(runtime)
            .or_insert_with(|| Bytes::copy_from_slice(&prepared));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RuntimeIndex, Bytes>> {
        self.0.lock().expect("no holder of this lock panics")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_interpreter_has_its_own() {
        let prepared = Prepared::default();
        prepared.keep(RuntimeIndex(1), Bytes::from_static(b"one"));
        prepared.keep(RuntimeIndex(1), Bytes::from_static(b"other"));
        assert_eq!(prepared.of(RuntimeIndex(1)), "one");
        assert!(prepared.of(RuntimeIndex(2)).is_empty());
    }
}
