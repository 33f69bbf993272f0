//! How the process of an environment ends, and who tells.

use std::sync::Arc;
use std::time::Duration;

use hearth_sandbox::{Exit, ExitStatus};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::time::timeout;

use crate::FunctionMeter;
use crate::failure::Failure;
use crate::sandbox_handle::Dying;

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
    /// CPU time of the environment, once its end has been told.
    cpu: Option<Duration>,
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
        Self {
            exit,
            runtime,
            cpu: None,
        }
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

    /// Counts the CPU time of an environment that is given up: what the warden says when nothing of it is left.
    pub(crate) fn count(&mut self, meter: Arc<dyn FunctionMeter>, dying: Dying, tasks: &Handle) {
        if let Some(cpu) = self.cpu {
            return meter.used_cpu(cpu);
        }
        let (tell, told) = oneshot::channel();
        let mut exit = std::mem::replace(&mut self.exit, told);
        match exit.try_recv() {
            Ok(exit) => {
                meter.used_cpu(exit.cpu);
                // Whoever else waits for it may have gone.
                let _ = tell.send(exit);
            }
            Err(TryRecvError::Closed) => {}
            Err(TryRecvError::Empty) => drop(tasks.spawn(async move {
                if let Ok(exit) = exit.await {
                    meter.used_cpu(exit.cpu);
                    let _ = tell.send(exit);
                }
                drop(dying);
            })),
        }
    }

    /// Waits for it. Cancelling loses nothing; when it has come, it comes once.
    pub(crate) async fn wait(&mut self) -> Exit {
        let Self { exit, runtime, cpu } = self;
        let note = |exit: Exit| {
            *cpu = Some(exit.cpu);
            exit
        };
        if let Runtime::Attended(attended) = runtime {
            let told = tokio::select! {
                biased;
                exit = &mut *exit => return exit.map_or(LOST, note),
                told = attended => told,
            };
            *runtime = Runtime::HasEnded;
            if let Ok(status) = told {
                return Exit { status, ..LOST };
            }
            // The attendant itself has ended, and with it the environment.
        }
        exit.await.map_or(LOST, note)
    }

    /// What is behind a failure. Where several processes run, one that failed may have done so since memory ran out,
    /// which the warden tells a little later and which is the end of all.
    pub(crate) async fn behind(&mut self, failure: Failure) -> Failure {
        let attended = !matches!(self.runtime, Runtime::IsAll);
        if !attended || !failure.may_be_for_memory() || self.exit.is_terminated() {
            return failure;
        }
        match timeout(MEMORY_NOTICE, &mut self.exit).await {
            Ok(Ok(exit)) => {
                self.cpu = Some(exit.cpu);
                if exit.out_of_memory {
                    Failure::Exited(exit)
                } else {
                    failure
                }
            }
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
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    use tokio::task::yield_now;

    use super::*;
    use crate::{InvocationRecord, QueuedEvent};

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

    #[derive(Debug, Default)]
    struct Total(AtomicU64);

    impl FunctionMeter for Total {
        fn invoked(&self, _: Option<&str>, _: &InvocationRecord) {}
        fn throttled(&self, _: Option<&str>) {}
        fn event(&self, _: Option<&str>, _: QueuedEvent) {}
        fn used_cpu(&self, time: Duration) {
            self.0.fetch_add(time.as_secs(), Ordering::Relaxed);
        }
    }

    /// Whoever hears of the end first, and whenever it comes.
    #[tokio::test]
    async fn cpu_time_is_counted_once() {
        let ended = Exit {
            cpu: Duration::from_secs(3),
            ..LOST
        };
        for (heard, late) in [(true, false), (false, false), (false, true)] {
            let total = Arc::new(Total::default());
            let dying = Arc::new(AtomicUsize::new(1));
            let (exit, exits) = oneshot::channel();
            let mut ending = Ending::new(exits);
            let early = match late {
                true => Some(exit),
                false => {
                    exit.send(ended).unwrap();
                    None
                }
            };
            if heard {
                assert_eq!(ending.wait().await.cpu, ended.cpu);
            }
            ending.count(Arc::clone(&total) as _, Dying::of(&dying), &Handle::current());
            if let Some(exit) = early {
                exit.send(ended).unwrap();
                assert_eq!(ending.wait().await.cpu, ended.cpu);
            }
            while dying.load(Ordering::Relaxed) > 0 {
                yield_now().await;
            }
            assert_eq!(total.0.load(Ordering::Relaxed), 3, "{heard} {late}");
        }
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
