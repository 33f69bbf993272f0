//! Turns to boot: a few environments boot at the same time, more would only slow one another down. Turns go round
//! between functions, so that one that needs a thousand environments does not keep the first of another waiting.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::oneshot;

use crate::pool::{Order, Pool};
use crate::start::StartError;

/// Hands turns out.
#[derive(Debug)]
pub(crate) struct Turns(Arc<Shared>);

/// The right to boot an environment, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared(Mutex<State>);

#[derive(Debug)]
struct State {
    free: usize,
    /// Whose turn is next, and who waits for one on its behalf.
    waiting: VecDeque<(Claim, VecDeque<oneshot::Sender<Turn>>)>,
}

/// On whose behalf an environment boots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Whoever asks next.
    Anybody,
    /// A revision, told by where its pool is.
    Revision(usize),
}

/// Who wants a turn.
#[derive(Debug)]
pub(crate) struct Claimant<'a> {
    claim: Claim,
    order: Option<&'a mut Order>,
}

impl Claimant<'static> {
    /// A revision.
    pub(crate) fn of(pool: &Arc<Pool>) -> Self {
        Self {
            claim: Claim::Revision(Arc::as_ptr(pool).addr()),
            order: None,
        }
    }

    /// Nobody in particular.
    pub(crate) fn anybody() -> Self {
        Self {
            claim: Claim::Anybody,
            order: None,
        }
    }
}

impl Claimant<'_> {
    /// Gives up when the order is not needed any more.
    pub(crate) fn unless(self, order: &mut Order) -> Claimant<'_> {
        Claimant {
            claim: self.claim,
            order: Some(order),
        }
    }

    /// Waits for a turn.
    pub(crate) async fn turn(self, turns: &Turns) -> Result<Turn, StartError> {
        let turn = turns.take(self.claim);
        let Some(order) = self.order else {
            return Ok(turn.await);
        };
        tokio::select! {
            biased;
            () = order.unwanted() => Err(StartError::NotWanted),
            turn = turn => Ok(turn),
        }
    }
}

impl Turns {
    /// So many at a time.
    pub(crate) fn new(count: usize) -> Self {
        let state = State {
            free: count.max(1),
            waiting: VecDeque::new(),
        };
        Self(Arc::new(Shared(Mutex::new(state))))
    }

    /// Waits for a turn. Cancelling gives it up.
    async fn take(&self, claim: Claim) -> Turn {
        let turn = {
            let mut state = self.0.lock();
            match state.free {
                0 => Err(state.queue(claim)),
                _ => {
                    state.free -= 1;
                    Ok(Turn(Some(Arc::clone(&self.0))))
                }
            }
        };
        match turn {
            Ok(turn) => turn,
            Err(told) => told.await.expect("who waits is told"),
        }
    }
}

impl State {
    fn queue(&mut self, claim: Claim) -> oneshot::Receiver<Turn> {
        let (tell, told) = oneshot::channel();
        match self.waiting.iter_mut().find(|(waits, _)| *waits == claim) {
            Some((_, queue)) => queue.push_back(tell),
            None => self.waiting.push_back((claim, VecDeque::from([tell]))),
        }
        told
    }

    /// Who has the next turn; if nobody waits, it is free.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        while let Some((claim, mut queue)) = self.waiting.pop_front() {
            let next = std::iter::from_fn(|| queue.pop_front()).find(|tell| !tell.is_closed());
            if !queue.is_empty() {
                self.waiting.push_back((claim, queue));
            }
            if next.is_some() {
                return next;
            }
        }
        self.free += 1;
        None
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no holder of this lock panics")
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(shared) = self.0.take() else { return };
        loop {
            let Some(next) = shared.lock().next() else { return };
            match next.send(Self(Some(Arc::clone(&shared)))) {
                Ok(()) => return,
                // It has just given up: another's turn.
                Err(mut turn) => drop(turn.0.take()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::{JoinHandle, yield_now};

    use super::*;

    const A: Claim = Claim::Revision(1);
    const B: Claim = Claim::Revision(2);

    /// Waits in the order of the calls.
    async fn wait(turns: &Arc<Turns>, claim: Claim, order: &Arc<Mutex<Vec<Claim>>>) -> JoinHandle<()> {
        let (turns, order) = (Arc::clone(turns), Arc::clone(order));
        let task = tokio::spawn(async move {
            let _turn = turns.take(claim).await;
            order.lock().unwrap().push(claim);
        });
        yield_now().await;
        task
    }

    #[tokio::test]
    async fn turns_go_round_between_functions() {
        let (turns, order) = (Arc::new(Turns::new(1)), Arc::default());
        let first = turns.take(A).await;
        let mut tasks = Vec::new();
        for claim in [A, A, A, Claim::Anybody, B, B] {
            tasks.push(wait(&turns, claim, &order).await);
        }
        drop(first);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [A, Claim::Anybody, B, A, B, A]);
        assert_eq!(turns.0.lock().free, 1);
    }

    #[tokio::test]
    async fn who_gives_up_passes_its_turn_on() {
        let (turns, order) = (Arc::new(Turns::new(2)), Arc::default());
        let (first, second) = (turns.take(A).await, turns.take(A).await);
        let gives_up = wait(&turns, A, &order).await;
        let waits = wait(&turns, B, &order).await;
        gives_up.abort();
        let _ = gives_up.await;
        drop(first);
        waits.await.unwrap();
        drop(second);
        assert_eq!(*order.lock().unwrap(), [B]);
        assert_eq!(turns.0.lock().free, 2);
    }
}
