//! `hearth logs`: what a function wrote.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use hearth_types::time::{iso8601, unix_millis};
use hearth_wire::logs::FilteredLogEvent;

use super::{ServerArguments, block_on};
use crate::client::{Client, ClientError, LogQuery};
use crate::failure::Failure;
use crate::output;
use crate::settings;

/// How often new events are asked for: a line is to be seen within 100 ms of its print.
const INTERVAL: Duration = Duration::from_millis(40);
/// How far a look reaches back behind the newest event.
const OVERLAP: Duration = Duration::from_secs(10);

/// Write a function's log
#[derive(Args)]
pub(crate) struct Arguments {
    /// Name of the function
    #[arg(required_unless_present = "group")]
    name: Option<String>,
    /// Go on with what comes
    #[arg(short, long)]
    follow: bool,
    /// How far to look back, such as 10m or 2d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = settings::duration)]
    since: Duration,
    /// Only events that fit a filter pattern, such as ERROR or '{ $.level = "ERROR" }'
    #[arg(long, value_name = "PATTERN")]
    filter: Option<String>,
    /// Log group to read; with a function's name too, only that function's events of it
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    #[command(flatten)]
    server: ServerArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let client = arguments.server.client()?;
    block_on(async {
        let since = SystemTime::now()
            .checked_sub(arguments.since)
            .unwrap_or(UNIX_EPOCH);
        let source = Source::find(&client, arguments.name.as_deref(), arguments.group.clone()).await?;
        let mut reader = Reader::new(&client, source, arguments.filter.clone(), unix_millis(since));
        // What somebody follows may come yet, and a function that is there may not have written anything.
        reader.needs_group = !arguments.follow && arguments.group.is_some();
        loop {
            while let Some(events) = reader.next_page().await? {
                for event in &events {
                    write(event, arguments.server.json)?;
                }
            }
            if !arguments.follow {
                return Ok(());
            }
            tokio::time::sleep(INTERVAL).await;
        }
    })
}

/// Where events come from.
struct Source {
    group: String,
    /// The function whose events are wanted, where others may write to the group too.
    function: Option<String>,
}

impl Source {
    /// The group that is named, or that of a function, also of one that has been deleted.
    async fn find(client: &Client, name: Option<&str>, group: Option<String>) -> Result<Self, ClientError> {
        let (name, group) = match (name, group) {
            (name, Some(group)) => (name, group),
            (Some(name), None) => (Some(name), group_of(client, name).await?),
            (None, None) => unreachable!("the arguments need one of them"),
        };
        let is_shared = name.is_some_and(|name| group != usual_group(name));
        Ok(Self {
            group,
            function: name.filter(|_| is_shared).map(str::to_owned),
        })
    }

    /// The streams of a function in a shared group are called `<date>/<function>[<version>]<environment>`.
    fn has(&self, event: &FilteredLogEvent) -> bool {
        let stream = event.log_stream_name.as_deref().unwrap_or_default();
        self.function.as_deref().is_none_or(|function| {
            let last = stream.rsplit('/').next().unwrap_or_default();
            last.strip_prefix(function)
                .is_some_and(|rest| rest.starts_with('['))
        })
    }
}

fn usual_group(function: &str) -> String {
    format!("/aws/lambda/{function}")
}

async fn group_of(client: &Client, name: &str) -> Result<String, ClientError> {
    let usual = usual_group(name);
    match client.configuration(name).await {
        Ok(configuration) => Ok(configuration
            .logging_config
            .and_then(|logging| logging.log_group)
            .unwrap_or(usual)),
        Err(no_function) if no_function.is_not_found() => {
            let query = LogQuery::new(usual, None, 0);
            match client.log_events(&query).await {
                Err(no_log) if no_log.is_not_found() => Err(no_function),
                outcome => outcome.map(|_| query.group),
            }
        }
        Err(error) => Err(error),
    }
}

fn write(event: &FilteredLogEvent, json: bool) -> Result<(), Failure> {
    if json {
        return output::json_line(event);
    }
    let millis = u64::try_from(event.timestamp.unwrap_or_default()).unwrap_or_default();
    let at = iso8601(UNIX_EPOCH + Duration::from_millis(millis));
    output::line(format_args!(
        "{at} {}",
        event.message.as_deref().unwrap_or_default().trim_end()
    ))
}

/// Reads a log group page by page and gives each event once.
struct Reader<'a> {
    client: &'a Client,
    source: Source,
    query: LogQuery,
    /// Whether a group that is not there is an error.
    needs_group: bool,
    /// Whether the page before was the last one for now.
    at_end: bool,
    /// Events that the next look will find again, with their time.
    given: HashMap<String, i64>,
}

impl<'a> Reader<'a> {
    fn new(client: &'a Client, source: Source, filter: Option<String>, since: i64) -> Self {
        Self {
            client,
            query: LogQuery::new(source.group.clone(), filter, since),
            source,
            needs_group: false,
            at_end: false,
            given: HashMap::new(),
        }
    }

    /// The next events, or `None` when there are no more for now; asked again, it looks for new ones.
    async fn next_page(&mut self) -> Result<Option<Vec<FilteredLogEvent>>, ClientError> {
        if std::mem::take(&mut self.at_end) {
            return Ok(None);
        }
        let page = match self.client.log_events(&self.query).await {
            Ok(page) => page,
            Err(error) if error.is_not_found() && !self.needs_group => return Ok(None),
            Err(error) => return Err(error),
        };
        let new = page
            .events
            .into_iter()
            .filter(|event| self.is_new(event) && self.source.has(event))
            .collect();
        self.at_end = page.next_token.is_none();
        self.query.next_token = page.next_token;
        self.overlap();
        Ok(Some(new))
    }

    fn is_new(&mut self, event: &FilteredLogEvent) -> bool {
        let id = event.event_id.clone().unwrap_or_default();
        self.given
            .insert(id, event.timestamp.unwrap_or_default())
            .is_none()
    }

    /// Lets the next look begin a little before the newest event: another environment's may come in late. Earlier ones
    /// are not kept in mind.
    fn overlap(&mut self) {
        let newest = self.given.values().copied().max().unwrap_or_default();
        let since = self.query.since.max(newest - OVERLAP.as_millis() as i64);
        self.given.retain(|_, at| *at >= since);
        // The pages of one look have one beginning.
        if self.at_end {
            self.query.since = since;
        }
    }
}
