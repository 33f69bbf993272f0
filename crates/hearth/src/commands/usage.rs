//! `hearth usage`: what functions used, and what it costs.

use std::io::IsTerminal as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};
use hearth_metering::{Usage, UsageBy};
use hearth_types::time;

use super::{ServerArguments, block_on};
use crate::failure::Failure;
use crate::output;
use crate::settings;

const HOUR: u64 = 3600;
/// Hours that a plot shows at most: the last ones.
const PLOTTED: u64 = 72;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Write what functions used, and what it costs
#[derive(Args)]
pub(crate) struct Arguments {
    /// Since when: how long ago, such as 24h or 30d, or a date, such as 2026-11-25
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = since)]
    since: SystemTime,
    /// What to tell apart
    #[arg(long, value_enum, default_value = "function")]
    by: By,
    /// Write CSV
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Clone, Copy, ValueEnum)]
enum By {
    Function,
    Version,
    Hour,
}

impl From<By> for UsageBy {
    fn from(by: By) -> Self {
        match by {
            By::Function => Self::Function,
            By::Version => Self::Version,
            By::Hour => Self::Hour,
        }
    }
}

/// Reads a time before now or a date.
fn since(text: &str) -> Result<SystemTime, String> {
    if let Some(date) = time::start_of_day(text) {
        return Ok(date);
    }
    let ago = settings::duration(text).map_err(|error| format!("{error}, or a date, such as 2026-11-25"))?;
    Ok(SystemTime::now().checked_sub(ago).unwrap_or(UNIX_EPOCH))
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let client = arguments.server.client()?;
    let plots = std::io::stdout().is_terminal() && !arguments.csv && !arguments.server.json;
    let (usage, hours) = block_on(async {
        let usage = client.usage(arguments.since, arguments.by.into()).await?;
        let hours = match plots {
            true => client.usage(arguments.since, UsageBy::Hour).await?,
            false => Vec::new(),
        };
        Ok((usage, hours))
    })?;
    if arguments.server.json {
        return output::json(&usage);
    }
    if arguments.csv {
        return csv(&usage, arguments.by);
    }
    output::table(&rows(&usage, arguments.by))?;
    match plot(&hours) {
        Some(plot) => output::line(format_args!("\n{plot}")),
        None => Ok(()),
    }
}

/// What a line is about.
fn about(usage: &Usage, by: By) -> String {
    let name = usage.function.as_deref().unwrap_or_default();
    match by {
        By::Function => name.to_owned(),
        By::Version => format!("{name}:{}", usage.version.as_deref().unwrap_or_default()),
        By::Hour => hour(usage.hour.unwrap_or_default()),
    }
}

/// `2026-11-25 20:00`, in UTC.
fn hour(seconds: u64) -> String {
    let text = time::iso8601(UNIX_EPOCH + Duration::from_secs(seconds));
    text.get(..16).unwrap_or_default().replace('T', " ")
}

fn rows(usage: &[Usage], by: By) -> Vec<[String; 9]> {
    let first = match by {
        By::Function => "FUNCTION",
        By::Version => "VERSION",
        By::Hour => "HOUR (UTC)",
    };
    let heads = [
        first,
        "REQUESTS",
        "ERRORS",
        "THROTTLES",
        "COLD STARTS",
        "GB-SECONDS",
        "OF INITS",
        "CPU SECONDS",
        "COST",
    ];
    let mut rows = vec![heads.map(str::to_owned)];
    rows.extend(usage.iter().map(|usage| row(about(usage, by), usage)));
    if usage.len() > 1 {
        rows.push(row("total".to_owned(), &total(usage)));
    }
    rows
}

fn row(about: String, usage: &Usage) -> [String; 9] {
    [
        about,
        usage.requests.to_string(),
        usage.errors.to_string(),
        usage.throttles.to_string(),
        usage.cold_starts.to_string(),
        format!("{:.4}", usage.gb_seconds),
        format!("{:.4}", usage.init_gb_seconds),
        format!("{:.3}", usage.cpu_seconds),
        format!("{:.6}", usage.cost),
    ]
}

fn total(usage: &[Usage]) -> Usage {
    usage.iter().fold(Usage::default(), |sum, usage| Usage {
        requests: sum.requests + usage.requests,
        errors: sum.errors + usage.errors,
        throttles: sum.throttles + usage.throttles,
        cold_starts: sum.cold_starts + usage.cold_starts,
        gb_seconds: sum.gb_seconds + usage.gb_seconds,
        init_gb_seconds: sum.init_gb_seconds + usage.init_gb_seconds,
        cpu_seconds: sum.cpu_seconds + usage.cpu_seconds,
        cost: sum.cost + usage.cost,
        ..Usage::default()
    })
}

/// Names are letters, digits, hyphens and the like: nothing needs quotes.
fn csv(usage: &[Usage], by: By) -> Result<(), Failure> {
    let first = match by {
        By::Function => "function",
        By::Version => "function,version",
        By::Hour => "hour",
    };
    output::line(format_args!(
        "{first},requests,errors,throttles,cold_starts,gb_seconds,init_gb_seconds,cpu_seconds,cost"
    ))?;
    usage.iter().try_for_each(|usage| {
        let function = usage.function.as_deref().unwrap_or_default();
        let about = match by {
            By::Function => function.to_owned(),
            By::Version => format!("{function},{}", usage.version.as_deref().unwrap_or_default()),
            By::Hour => time::iso8601(UNIX_EPOCH + Duration::from_secs(usage.hour.unwrap_or_default())),
        };
        output::line(format_args!(
            "{about},{},{},{},{},{},{},{},{}",
            usage.requests,
            usage.errors,
            usage.throttles,
            usage.cold_starts,
            usage.gb_seconds,
            usage.init_gb_seconds,
            usage.cpu_seconds,
            usage.cost
        ))
    })
}

/// Requests per hour as bars, from the first hour that has any to the last; hours without are empty.
fn plot(hours: &[Usage]) -> Option<String> {
    let of = |usage: &Usage| Some((usage.hour?, usage.requests));
    let all: Vec<(u64, u64)> = hours
        .iter()
        .filter_map(of)
        .filter(|(_, requests)| *requests > 0)
        .collect();
    let most = all.iter().map(|(_, requests)| *requests).max()?;
    let last = all.last()?.0;
    let first = all.first()?.0.max(last.saturating_sub((PLOTTED - 1) * HOUR));
    let bar = |at: u64| match all.iter().find(|(hour, _)| *hour == at) {
        // Any request is seen, and only the most fill the line.
        Some((_, requests)) => BARS[(requests * 8).div_ceil(most) as usize - 1],
        None => ' ',
    };
    let steps = (0..=(last - first) / HOUR).map(|step| bar(first + step * HOUR));
    let bars: String = steps.collect();
    Some(format!(
        "requests per hour, {} to {} UTC, at most {most}\n{bars}",
        hour(first),
        hour(last)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: u64, requests: u64) -> Usage {
        Usage {
            hour: Some(hour * HOUR),
            requests,
            ..Usage::default()
        }
    }

    #[test]
    fn a_plot_has_a_bar_for_each_hour() {
        assert_eq!(plot(&[]), None);
        let plotted = plot(&[at(10, 1), at(11, 800), at(13, 400), at(14, 0)]).unwrap();
        assert_eq!(
            plotted,
            "requests per hour, 1970-01-01 10:00 to 1970-01-01 13:00 UTC, at most 800\n▁█ ▄"
        );
        let long: Vec<_> = (0..200).map(|hour| at(hour, 1)).collect();
        let bars = plot(&long).unwrap();
        assert_eq!(bars.lines().last().unwrap().chars().count(), 72);
    }

    #[test]
    fn several_lines_have_a_total() {
        let usage = [at(1, 2), at(2, 3)];
        let lines = rows(&usage, By::Hour);
        assert_eq!(lines.len(), 4);
        assert_eq!(
            (lines[1][0].as_str(), lines[3][0].as_str()),
            ("1970-01-01 01:00", "total")
        );
        assert_eq!(lines[3][1], "5");
        assert_eq!(rows(&usage[..1], By::Hour).len(), 2);
    }

    #[test]
    fn a_beginning_is_a_time_ago_or_a_date() {
        assert_eq!(since("1970-01-02"), Ok(UNIX_EPOCH + Duration::from_secs(86_400)));
        let then = since("2h").unwrap();
        let ago = SystemTime::now().duration_since(then).unwrap();
        assert!(ago >= Duration::from_secs(7200));
        assert!(since("2026-13-01").is_err() && since("yesterday").is_err());
    }
}
