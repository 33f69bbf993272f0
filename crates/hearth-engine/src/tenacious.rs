//! Work that is done whether or not somebody waits for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

/// A future that runs where it is waited for. When it is dropped before its end, it goes on in a task of its own.
///
/// A task from the start would cost an invocation the way there and back, between threads where these are busy.
pub(crate) struct Tenacious<F: Future<Output: Send> + Send + 'static>(Option<Pin<Box<F>>>);

/// The work has panicked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a task panicked")]
pub(crate) struct Panicked;

impl<F: Future<Output: Send> + Send + 'static> Tenacious<F> {
    /// Work that is begun when it is first waited for, or dropped.
    pub(crate) fn new(work: F) -> Self {
        Self(Some(Box::pin(work)))
    }
}

impl<F: Future<Output: Send> + Send + 'static> Future for Tenacious<F> {
    type Output = Result<F::Output, Panicked>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(mut work) = self.0.take() else {
            // Its end was told; nobody asks again.
            return Poll::Pending;
        };
        // What has panicked is not polled again, so nobody sees in which state it was left.
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(Poll::Pending) => {
                self.0 = Some(work);
                Poll::Pending
            }
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(_) => Poll::Ready(Err(Panicked)),
        }
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for Tenacious<F> {
    fn drop(&mut self) {
        // Without a runtime nothing goes on anyway.
        if let (Some(work), Ok(tasks)) = (self.0.take(), Handle::try_current()) {
            tasks.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::{Notify, oneshot};
    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn who_waits_gets_the_end() {
        let work = Tenacious::new(async {
            yield_now().await;
            7
        });
        assert_eq!(work.await, Ok(7));
    }

    #[tokio::test]
    async fn it_goes_on_when_nobody_waits_any_more() {
        let (go, done) = (Arc::new(Notify::new()), oneshot::channel());
        let (gate, end) = (Arc::clone(&go), done.0);
        let mut work = Box::pin(Tenacious::new(async move {
            gate.notified().await;
            end.send(()).unwrap();
        }));
        tokio::select! {
            biased;
            _ = &mut work => panic!("nothing has happened yet"),
            () = yield_now() => {}
        }
        drop(work);
        go.notify_one();
        done.1.await.unwrap();
    }

    #[tokio::test]
    async fn it_is_done_even_if_nobody_ever_waited() {
        let (end, done) = oneshot::channel();
        drop(Tenacious::new(async move { end.send(()).unwrap() }));
        done.await.unwrap();
    }

    #[tokio::test]
    async fn a_panic_is_an_end_too() {
        let work = Tenacious::new(async {
            yield_now().await;
            panic!("on purpose");
        });
        assert_eq!(work.await, Err::<(), _>(Panicked));
    }
}
