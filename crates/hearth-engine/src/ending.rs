//! How the process of an environment ends, and who tells.

use std::time::Duration;

use hearth_sandbox::{Exit, ExitStatus};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::failure::Failure;

/// How long the warden may take to find that an environment has ended for memory, when one of its processes has.
const MEMORY_NOTICE: Duration = Duration::from_millis(250);

/// How an environment ended that nobody tells of, since the warden has ended too.
pub(crate) const LOST: Exit = Exit {
    status: ExitStatus::Signal(9),
    out_of_memory: false,
    peak_memory_bytes: 0,
    cpu: Duration::ZERO,
};

/// The end of an environment's process.
#[derive(Debug)]
pub(crate) struct Ending {
    exit: oneshot::Receiver<Exit>,
    runtime: Runtime,
}

/// The runtime of an environment, whose end is the environment's unless it has an attendant.
#[derive(Debug)]
enum Runtime {
    IsAll,
    Attended(oneshot::Receiver<ExitStatus>),
    HasEnded,
}

impl Ending {
    /// Of an environment that ends with its runtime.
    pub(crate) fn new(exit: oneshot::Receiver<Exit>) -> Self {
        let runtime = Runtime::IsAll;
        Self { exit, runtime }
    }

    /// From now on an attendant tells how the runtime ends, and the environment lives on.
    pub(crate) fn attend(&mut self, runtime: oneshot::Receiver<ExitStatus>) {
        self.runtime = Runtime::Attended(runtime);
    }

    /// The end of the runtime, if it is ahead and not the environment's.
    pub(crate) fn take_attended(&mut self) -> Option<oneshot::Receiver<ExitStatus>> {
        match std::mem::replace(&mut self.runtime, Runtime::HasEnded) {
            Runtime::Attended(ended) => Some(ended),
            Runtime::IsAll | Runtime::HasEnded => None,
        }
    }

    /// The end of the environment, for who waits for nothing else.
    pub(crate) fn take_exit(&mut self) -> oneshot::Receiver<Exit> {
        let (_, nobody_tells) = oneshot::channel();
        std::mem::replace(&mut self.exit, nobody_tells)
    }

    /// Waits for it. Cancelling loses nothing; when it has come, it comes once.
    pub(crate) async fn wait(&mut self) -> Exit {
        let Self { exit, runtime } = self;
        if let Runtime::Attended(attended) = runtime {
            let told = tokio::select! {
                biased;
                exit = &mut *exit => return exit.unwrap_or(LOST),
                told = attended => told,
            };
            *runtime = Runtime::HasEnded;
            if let Ok(status) = told {
                return Exit { status, ..LOST };
            }
            // The attendant itself has ended, and with it the environment.
        }
        exit.await.unwrap_or(LOST)
    }

    /// What is behind a failure. Where several processes run, one that failed may have done so since memory ran out,
    /// which the warden tells a little later and which is the end of all.
    pub(crate) async fn behind(&mut self, failure: Failure) -> Failure {
        let attended = !matches!(self.runtime, Runtime::IsAll);
        if !attended || !failure.may_be_for_memory() || self.exit.is_terminated() {
            return failure;
        }
        match timeout(MEMORY_NOTICE, &mut self.exit).await {
            Ok(Ok(exit)) if exit.out_of_memory => Failure::Exited(exit),
            _ => failure,
        }
    }

    /// Whether it has not come yet.
    pub(crate) fn is_ahead(&self) -> bool {
        let runtime = match &self.runtime {
            Runtime::IsAll => true,
            Runtime::Attended(ended) => ended.is_empty() && !ended.is_terminated(),
            Runtime::HasEnded => false,
        };
        runtime && self.exit.is_empty() && !self.exit.is_terminated()
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;

    use super::*;

    /// The news that nobody tells of the runtime any more must not be asked for twice.
    #[tokio::test]
    async fn an_attendant_that_ends_is_the_environments_end() {
        let (exit, exits) = oneshot::channel();
        let mut ending = Ending::new(exits);
        let (attendant, tells) = oneshot::channel();
        ending.attend(tells);
        drop(attendant);
        for _ in 0..2 {
            tokio::select! {
                biased;
                exit = ending.wait() => panic!("{exit:?}"),
                () = yield_now() => {}
            }
        }
        exit.send(Exit {
            out_of_memory: true,
            ..LOST
        })
        .unwrap();
        assert!(ending.wait().await.out_of_memory);
    }

    #[tokio::test]
    async fn memory_that_ran_out_is_behind_a_kill() {
        for out_of_memory in [true, false] {
            let (exit, exits) = oneshot::channel();
            let mut ending = Ending::new(exits);
            let (attendant, tells) = oneshot::channel();
            ending.attend(tells);
            attendant.send(ExitStatus::Signal(9)).unwrap();
            let failure = Failure::Exited(ending.wait().await);
            exit.send(Exit {
                out_of_memory,
                ..LOST
            })
            .unwrap();
            let behind = ending.behind(failure).await;
            assert!(matches!(behind, Failure::Exited(exit) if exit.out_of_memory == out_of_memory));
        }
    }
}
