//! An environment's log on its way to the sink.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hearth_runtime::Logging;
use hearth_runtime::api::telemetry::Category;
use hearth_types::{LogEvent, Scope, limits, time};
use tokio::time::Instant;

use crate::feed::Feed;
use crate::report::PlatformEvent;
use crate::{LogBatch, LogSink};

/// Events are handed over when this many bytes of memory wait, at the latest at the end of the invocation.
const BATCH_BYTES: usize = 64 * 1024;

/// At the latest, events are handed over when the oldest has waited for so long: a log is followed while its function
/// runs, and an invocation that is over sooner costs no more than one batch.
const LINGER: Duration = Duration::from_millis(10);

/// Collects the events of one environment and hands them to the sink in batches.
pub(crate) struct Journal {
    sink: Arc<dyn LogSink>,
    scope: Scope,
    group: String,
    stream: String,
    logging: Logging,
    /// Where extensions may hear of it.
    feed: Feed,
    /// Who prints what is pushed.
    category: Category,
    waiting: Vec<LogEvent>,
    waiting_bytes: usize,
    /// When the oldest event that waits came.
    waiting_since: Option<Instant>,
    tail: Option<Vec<u8>>,
    handover: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Journal {
    pub(crate) fn new(
        sink: Arc<dyn LogSink>,
        scope: Scope,
        group: String,
        stream: String,
        logging: Logging,
    ) -> Self {
        Self {
            sink,
            scope,
            group,
            stream,
            logging,
            feed: Feed::default(),
            category: Category::Function,
            waiting: Vec::new(),
            waiting_bytes: 0,
            waiting_since: None,
            tail: None,
            handover: None,
        }
    }

    /// From now on, extensions may hear of everything.
    pub(crate) fn feed_extensions(&self) {
        self.feed.begin();
    }

    /// Where extensions hear of it.
    pub(crate) fn feed(&self) -> Feed {
        self.feed.clone()
    }

    /// A second journal of the same stream.
    pub(crate) fn again(&self) -> Self {
        let mut again = Self::new(
            Arc::clone(&self.sink),
            self.scope.clone(),
            self.group.clone(),
            self.stream.clone(),
            self.logging,
        );
        again.feed = self.feed.clone();
        again
    }

    /// The same for what extensions print.
    pub(crate) fn of_extensions(&self) -> Self {
        let mut again = self.again();
        again.category = Category::Extension;
        again
    }

    /// From now on, keeps the end of the log for the caller.
    pub(crate) fn keep_tail(&mut self) {
        self.tail = Some(Vec::new());
    }

    /// The end of the log since [`Self::keep_tail`]: at most [`limits::LOG_TAIL`] bytes.
    pub(crate) fn take_tail(&mut self) -> Option<Bytes> {
        let mut tail = self.tail.take()?;
        let excess = tail.len().saturating_sub(limits::LOG_TAIL);
        Some(tail.split_off(excess).into())
    }

    /// Tells an event of the platform's, if the log has a line for it.
    pub(crate) fn platform(&mut self, event: PlatformEvent<'_>) {
        let now = SystemTime::now();
        let line = match self.logging {
            Logging::Text => event.text(),
            Logging::Json { system, .. } => (event.level() >= system).then(|| event.json(now)),
        };
        self.feed.platform(&event, now);
        if let Some(line) = line {
            self.line(line, now);
        }
    }

    /// Explains a failure in words. In the JSON form its events say it.
    pub(crate) fn explain(&mut self, line: String) {
        if self.logging == Logging::Text {
            self.line(line, SystemTime::now());
        }
    }

    fn line(&mut self, message: String, at: SystemTime) {
        self.keep(LogEvent {
            timestamp_ms: time::unix_millis(at),
            message,
        });
    }

    /// Takes an event's text without its end; as on AWS, what is stored ends in a line feed.
    pub(crate) fn push(&mut self, event: LogEvent) {
        let as_json = matches!(self.logging, Logging::Json { .. });
        self.feed
            .printed(self.category, &event.message, as_json, SystemTime::now());
        self.keep(event);
    }

    fn keep(&mut self, mut event: LogEvent) {
        event.message.push('\n');
        if let Some(tail) = &mut self.tail {
            tail.extend_from_slice(event.message.as_bytes());
            if tail.len() > 2 * limits::LOG_TAIL {
                tail.drain(..tail.len() - limits::LOG_TAIL);
            }
        }
        self.waiting_bytes += size_of::<LogEvent>() + event.message.len();
        self.waiting_since.get_or_insert_with(Instant::now);
        self.waiting.push(event);
    }

    /// Whether the sink is behind; then the function's output is left in its pipe.
    pub(crate) fn is_behind(&self) -> bool {
        self.handover.is_some()
    }

    /// When something is to be done: at a deadline, or earlier if something waits that is to be handed over before.
    pub(crate) fn due(&self, deadline: Instant) -> Instant {
        let since = self.waiting_since.filter(|_| self.handover.is_none());
        since.map_or(deadline, |since| deadline.min(since + LINGER))
    }

    /// The moment has come. If it was not the deadline, starts handing over what waits; whether it was.
    pub(crate) fn is_over(&mut self, deadline: Instant) -> bool {
        if Instant::now() >= deadline {
            return true;
        }
        if self.handover.is_none() && !self.waiting.is_empty() {
            self.hand_over();
        }
        false
    }

    /// Starts handing over if enough waits and the sink is not behind.
    pub(crate) fn hand_over_if_full(&mut self) {
        if self.waiting_bytes >= BATCH_BYTES && self.handover.is_none() {
            self.hand_over();
        }
    }

    /// Resolves when the sink has taken the last batch; never, if there is none under way.
    pub(crate) async fn handed_over(&mut self) {
        match &mut self.handover {
            Some(handover) => handover.await,
            None => std::future::pending().await,
        }
        self.handover = None;
    }

    /// Hands over everything and waits until the sink has it.
    pub(crate) async fn flush(&mut self) {
        if self.is_behind() {
            self.handed_over().await;
        }
        if !self.waiting.is_empty() {
            self.hand_over();
            self.handed_over().await;
        }
    }

    fn hand_over(&mut self) {
        self.waiting_bytes = 0;
        self.waiting_since = None;
        let batch = LogBatch {
            scope: self.scope.clone(),
            group: self.group.clone(),
            stream: self.stream.clone(),
            events: std::mem::take(&mut self.waiting),
        };
        self.handover = Some(self.sink.append(batch));
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use hearth_types::{AccountId, Region};

    use super::*;

    #[derive(Default)]
    struct Collected(Mutex<Vec<String>>);

    impl LogSink for Collected {
        fn append(&self, batch: LogBatch) -> Pin<Box<dyn Future<Output = ()> + Send>> {
            self.0
                .lock()
                .unwrap()
                .extend(batch.events.into_iter().map(|event| event.message));
            Box::pin(std::future::ready(()))
        }
    }

    fn journal(sink: &Arc<Collected>) -> Journal {
        let scope = Scope {
            account: AccountId::DEFAULT,
            region: Region::default(),
        };
        Journal::new(
            Arc::clone(sink) as Arc<dyn LogSink>,
            scope,
            "g".into(),
            "s".into(),
            Logging::Text,
        )
    }

    #[tokio::test]
    async fn the_tail_is_the_end_of_the_log() {
        let mut journal = journal(&Arc::default());
        journal.explain("before".into());
        journal.keep_tail();
        for line in 0..5000 {
            journal.explain(format!("line {line}"));
        }
        let tail = journal.take_tail().unwrap();
        assert_eq!(tail.len(), limits::LOG_TAIL);
        assert!(tail.ends_with(b"line 4999\n"));
        assert!(journal.take_tail().is_none());
    }

    #[tokio::test]
    async fn empty_lines_take_memory_too() {
        let mut journal = journal(&Arc::default());
        let lines = 4096;
        (0..lines).for_each(|_| journal.explain(String::new()));
        assert!(journal.waiting_bytes >= lines * size_of::<LogEvent>());
        journal.hand_over_if_full();
        assert!(journal.is_behind());
    }

    #[tokio::test]
    async fn a_flush_hands_everything_over_in_order() {
        let sink = Arc::new(Collected::default());
        let mut journal = journal(&sink);
        for line in 0..3 {
            journal.explain(format!("{line}{}", "x".repeat(BATCH_BYTES)));
            journal.hand_over_if_full();
        }
        journal.flush().await;
        let firsts: Vec<char> = sink
            .0
            .lock()
            .unwrap()
            .iter()
            .map(|message| message.chars().next().unwrap())
            .collect();
        assert_eq!(firsts, ['0', '1', '2']);
    }
}
