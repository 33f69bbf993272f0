//! What extensions may subscribe to: the platform's events, and what function and extensions print.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use hearth_runtime::api::telemetry::{Category, Subscribers, Subscription, TelemetryApi};
use hearth_types::time::iso8601;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use crate::connector::Connector;
use crate::delivery::{self, Dropped, Message};
use crate::report::PlatformEvent;

/// Records of the init that wait for subscribers to come.
const BACKLOG: usize = 1000;
/// The most bytes of records that wait for subscribers to come, and for one of them to take them. A record may have
/// several megabytes, so their number alone bounds nothing.
const WAITING_BYTES: usize = 8 * 1024 * 1024;
/// How long subscribers may take for their last records.
const FLUSH: Duration = Duration::from_millis(300);

/// One environment's records. Clones share everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Feed(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// None once nobody may subscribe any more.
    backlog: Option<Backlog>,
    subscribers: Vec<Subscriber>,
}

/// Records that wait for subscribers to come.
#[derive(Debug, Default)]
struct Backlog {
    records: Vec<Record>,
    bytes: usize,
}

#[derive(Clone, Debug)]
struct Record {
    category: Category,
    /// As either interface has it; the older one may have several records, or none.
    telemetry: Arc<str>,
    logs: Vec<Arc<str>>,
}

#[derive(Debug)]
struct Subscriber {
    name: String,
    api: TelemetryApi,
    categories: Vec<Category>,
    records: mpsc::Sender<Message>,
    /// Bytes that may be added to those that wait.
    room: Arc<Semaphore>,
    dropped: Dropped,
}

/// A subscription, for the log.
#[derive(Clone, Debug)]
pub(crate) struct Subscribed {
    pub(crate) name: String,
    pub(crate) api: TelemetryApi,
    pub(crate) categories: Vec<Category>,
}

impl Feed {
    /// An environment begins: nobody has subscribed, what happens is kept for those who will.
    pub(crate) fn begin(&self) {
        let mut state = self.lock();
        state.subscribers.clear();
        state.backlog.get_or_insert_with(Backlog::default);
    }

    /// The init is over, and with it the time to subscribe.
    pub(crate) fn close(&self) {
        self.lock().backlog = None;
    }

    /// Who has subscribed.
    pub(crate) fn subscribed(&self) -> Vec<Subscribed> {
        let state = self.lock();
        let describe = |subscriber: &Subscriber| Subscribed {
            name: subscriber.name.clone(),
            api: subscriber.api,
            categories: subscriber.categories.clone(),
        };
        state.subscribers.iter().map(describe).collect()
    }

    /// Whether anybody has subscribed.
    pub(crate) fn has_subscribers(&self) -> bool {
        !self.lock().subscribers.is_empty()
    }

    /// Whether anybody hears of anything, or may later.
    fn is_heard(&self) -> bool {
        let state = self.lock();
        state.backlog.is_some() || !state.subscribers.is_empty()
    }

    /// Tells an event of the platform's.
    pub(crate) fn platform(&self, event: &PlatformEvent<'_>, at: SystemTime) {
        if !self.is_heard() {
            return;
        }
        self.publish(&Record {
            category: Category::Platform,
            telemetry: event.json(at).into(),
            logs: event.logs_json(at).into_iter().map(Arc::from).collect(),
        });
    }

    /// Tells what was printed. A line that is a JSON object is one in the record too, if the function logs JSON.
    pub(crate) fn printed(&self, category: Category, line: &str, as_json: bool, at: SystemTime) {
        if !self.is_heard() {
            return;
        }
        let object = as_json && line.starts_with('{');
        let object = object
            .then(|| serde_json::from_str::<&RawValue>(line).ok())
            .flatten();
        let record = object.map_or_else(|| json!(line).to_string(), |object| object.get().to_owned());
        let (time, kind) = (iso8601(at), category.name());
        let text: Arc<str> = format!(r#"{{"time":"{time}","type":"{kind}","record":{record}}}"#).into();
        self.publish(&Record {
            category,
            logs: vec![Arc::clone(&text)],
            telemetry: text,
        });
    }

    fn publish(&self, record: &Record) {
        let mut state = self.lock();
        for subscriber in &state.subscribers {
            subscriber.take(record);
        }
        if let Some(backlog) = &mut state.backlog {
            backlog.keep(record);
        }
    }

    /// Has everything that was told so far delivered, within bounds.
    pub(crate) async fn flush(&self) {
        let senders: Vec<_> = self
            .lock()
            .subscribers
            .iter()
            .map(|subscriber| subscriber.records.clone())
            .collect();
        let flushed = async {
            for sender in senders {
                let (done, delivered) = oneshot::channel();
                if sender.send(Message::Flush(done)).await.is_ok() {
                    let _ = delivered.await;
                }
            }
        };
        let _ = timeout(FLUSH, flushed).await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backlog {
    /// Keeps a record if there is room.
    fn keep(&mut self, record: &Record) {
        let bytes = self.bytes + record.bytes();
        if self.records.len() < BACKLOG && bytes <= WAITING_BYTES {
            self.bytes = bytes;
            self.records.push(record.clone());
        }
    }
}

impl Record {
    /// What it takes, where a text that both interfaces share counts twice.
    fn bytes(&self) -> usize {
        self.telemetry.len() + self.logs.iter().map(|text| text.len()).sum::<usize>()
    }
}

impl Subscriber {
    fn take(&self, record: &Record) {
        if !self.categories.contains(&record.category) {
            return;
        }
        let texts = match self.api {
            TelemetryApi::Telemetry => std::slice::from_ref(&record.telemetry),
            TelemetryApi::Logs => &record.logs,
        };
        for text in texts {
            if !self.send(text) {
                self.dropped.add(1, text.len() as u64);
            }
        }
    }

    /// Whether there was room for a record, by number and by bytes.
    fn send(&self, text: &Arc<str>) -> bool {
        let bytes = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(bytes) else {
            return false;
        };
        self.records
            .try_send(Message::Record(Arc::clone(text), room))
            .is_ok()
    }
}

/// Takes the subscriptions of one environment.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    pub(crate) feed: Feed,
    pub(crate) connector: Connector,
}

impl Subscribers for Subscriptions {
    fn subscribe(&self, extension: &str, subscription: Subscription) {
        let (records, receiver) = mpsc::channel(subscription.max_items);
        let dropped = Dropped::default();
        let subscriber = Subscriber {
            name: extension.to_owned(),
            api: subscription.api,
            categories: subscription.categories.clone(),
            records,
            room: Arc::new(Semaphore::new(WAITING_BYTES)),
            dropped: dropped.clone(),
        };
        let mut state = self.feed.lock();
        for record in state.backlog.iter().flat_map(|backlog| &backlog.records) {
            subscriber.take(record);
        }
        // A second subscription of the same extension replaces the first.
        state
            .subscribers
            .retain(|known| known.name != extension || known.api != subscription.api);
        state.subscribers.push(subscriber);
        drop(state);
        let connector = self.connector.clone();
        tokio::spawn(delivery::run(receiver, subscription, connector, dropped));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: usize = 1 << 20;

    /// Prints much, in lines as long as they can be.
    fn print(feed: &Feed) {
        let line = "x".repeat(LARGE);
        for _ in 0..64 {
            feed.printed(Category::Function, &line, false, SystemTime::now());
        }
    }

    #[tokio::test]
    async fn what_waits_for_a_subscriber_is_bounded_in_bytes() {
        let (records, mut receiver) = mpsc::channel(10_000);
        let feed = Feed::default();
        feed.lock().subscribers.push(Subscriber {
            name: "x".to_owned(),
            api: TelemetryApi::Telemetry,
            categories: vec![Category::Function],
            records,
            room: Arc::new(Semaphore::new(WAITING_BYTES)),
            dropped: Dropped::default(),
        });
        print(&feed);
        assert_eq!(receiver.len(), WAITING_BYTES / LARGE - 1);
        assert_eq!(feed.lock().subscribers[0].dropped.take().0, 64 - 7);
        // What is taken makes room.
        assert!(matches!(receiver.recv().await, Some(Message::Record(..))));
        feed.printed(Category::Function, "short", false, SystemTime::now());
        assert_eq!(receiver.len(), 6 + 1);
        assert_eq!(feed.lock().subscribers[0].dropped.take().0, 0);
    }

    #[test]
    fn what_waits_for_subscribers_to_come_is_bounded_in_bytes() {
        let feed = Feed::default();
        feed.begin();
        print(&feed);
        let kept = feed.lock().backlog.as_ref().map(|kept| kept.records.len());
        assert_eq!(kept, Some(WAITING_BYTES / (2 * LARGE) - 1));
    }
}
