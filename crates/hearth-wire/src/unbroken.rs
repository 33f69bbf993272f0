//! Work that wakes itself goes on where it is.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// How often work may wake itself before the scheduler hears of it, so that it leaves room for others.
const TURNS: usize = 8;

/// A future that is polled again at once when it has woken itself.
///
/// hyper reads bodies and runs handlers in one task, and each half wakes the other. To the scheduler that looks like a
/// task that gives way to others: it would put it at the end of the queue and wake a second thread to look for work,
/// which costs a request more than everything that the request is about.
pub(crate) struct Unbroken<F> {
    pub(crate) work: F,
    wakes: Option<Arc<Wakes>>,
}

impl<F> Unbroken<F> {
    pub(crate) fn new(work: F) -> Self {
        Self { work, wakes: None }
    }

    /// What the work wakes.
    fn wakes(&mut self, task: &Waker) -> Arc<Wakes> {
        match &self.wakes {
            Some(wakes) if wakes.task.will_wake(task) => Arc::clone(wakes),
            _ => {
                let wakes = Wakes {
                    task: task.clone(),
                    state: AtomicU8::new(IDLE),
                };
                Arc::clone(self.wakes.insert(Arc::new(wakes)))
            }
        }
    }
}

impl<F: Future + Unpin> Future for Unbroken<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let wakes = self.wakes(context.waker());
        let waker = Waker::from(Arc::clone(&wakes));
        for _ in 0..TURNS {
            wakes.state.store(POLLED, Ordering::SeqCst);
            let polled = Pin::new(&mut self.work).poll(&mut Context::from_waker(&waker));
            let woken = wakes.state.swap(IDLE, Ordering::SeqCst) == WOKEN;
            if polled.is_ready() || !woken {
                return polled;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Nobody polls.
const IDLE: u8 = 0;
/// The work is being polled.
const POLLED: u8 = 1;
/// It was woken meanwhile.
const WOKEN: u8 = 2;

/// Keeps to itself what is woken while it is polled.
struct Wakes {
    task: Waker,
    state: AtomicU8,
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let noted = self
            .state
            .compare_exchange(POLLED, WOKEN, Ordering::SeqCst, Ordering::SeqCst);
        if noted == Err(IDLE) {
            self.task.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Counted(AtomicUsize);

    impl Wake for Counted {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Polls once with a waker that counts.
    fn poll<F: Future + Unpin>(work: &mut Unbroken<F>, counted: &Arc<Counted>) -> (Poll<F::Output>, usize) {
        let waker = Waker::from(Arc::clone(counted));
        let polled = Pin::new(work).poll(&mut Context::from_waker(&waker));
        (polled, counted.0.load(Ordering::Relaxed))
    }

    /// Wakes itself in each of its first polls.
    fn restless(polls: usize) -> impl Future<Output = ()> + Unpin {
        let mut left = polls;
        poll_fn(move |context| {
            if left == 0 {
                return Poll::Ready(());
            }
            left -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        })
    }

    #[test]
    fn what_wakes_itself_goes_on_at_once() {
        let mut work = Unbroken::new(restless(TURNS - 1));
        assert_eq!(poll(&mut work, &Arc::default()), (Poll::Ready(()), 0));
    }

    #[test]
    fn what_wakes_itself_for_ever_leaves_room_for_others() {
        let (mut work, counted) = (Unbroken::new(restless(usize::MAX)), Arc::default());
        assert_eq!(poll(&mut work, &counted), (Poll::Pending, 1));
        assert_eq!(poll(&mut work, &counted), (Poll::Pending, 2));
    }

    #[test]
    fn what_is_woken_later_wakes_its_task() {
        let mut kept = None;
        let mut work = Unbroken::new(poll_fn(|context| {
            kept = Some(context.waker().clone());
            Poll::<()>::Pending
        }));
        let counted = Arc::default();
        assert_eq!(poll(&mut work, &counted), (Poll::Pending, 0));
        drop(work);
        kept.unwrap().wake();
        assert_eq!(counted.0.load(Ordering::Relaxed), 1);
    }
}
