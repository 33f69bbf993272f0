//! Pages of datapoints.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hearth_wire::cloudwatch::{MetricDataResult, StatusCode};
use hearth_wire::{AwsError, Timestamp};

use super::data::Data;
use super::label::Subject;
use crate::answers::invalid_next_token;
use crate::math::Series;
use crate::window;

/// Where a page begins: the query, which series of its array, and the datapoint before, by its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    query: usize,
    series: usize,
    after: Option<u64>,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let after = self.after.map_or_else(String::new, |after| after.to_string());
        let text = format!("{}.{}.{after}", self.query, self.series);
        f.write_str(&URL_SAFE_NO_PAD.encode(text))
    }
}

impl FromStr for Cursor {
    type Err = AwsError;

    fn from_str(token: &str) -> Result<Self, AwsError> {
        read(token).ok_or_else(invalid_next_token)
    }
}

fn read(token: &str) -> Option<Cursor> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let mut parts = text.split('.');
    let cursor = Cursor {
        query: parts.next()?.parse().ok()?,
        series: parts.next()?.parse().ok()?,
        after: match parts.next()? {
            "" => None,
            after => Some(after.parse().ok()?),
        },
    };
    parts.next().is_none().then_some(cursor)
}

/// A page.
pub(super) struct Page {
    pub(super) results: Vec<MetricDataResult>,
    /// Where the next one begins, if there is one.
    pub(super) next: Option<Cursor>,
}

impl Page {
    /// The page that begins at a place, of at most `most` datapoints.
    pub(super) fn new(
        data: &Data<'_>,
        from: Cursor,
        most: usize,
        descending: bool,
    ) -> Result<Self, AwsError> {
        if from.query >= data.len() {
            return Err(invalid_next_token());
        }
        let mut page = Self {
            results: Vec::new(),
            next: None,
        };
        let mut left = most;
        for query in from.query..data.len() {
            let skipped = if query == from.query { from.series } else { 0 };
            for (index, (subject, series)) in data.answer(query)?.into_iter().enumerate().skip(skipped) {
                let place = Cursor {
                    query,
                    series: index,
                    after: from.after.filter(|_| (query, index) == (from.query, from.series)),
                };
                let points = rest(&series, place.after, descending);
                if left == 0 && !points.is_empty() {
                    page.next = Some(place);
                    return Ok(page);
                }
                let taken = &points[..points.len().min(left)];
                left -= taken.len();
                let is_whole = taken.len() == points.len();
                page.results.push(result(&subject, &series, taken, is_whole));
                if !is_whole {
                    let after = taken.last().map(|(at, _)| *at);
                    page.next = Some(Cursor { after, ..place });
                    return Ok(page);
                }
            }
        }
        Ok(page)
    }
}

/// The points behind one, in the order of the answer.
fn rest(series: &Series, after: Option<u64>, descending: bool) -> Vec<(u64, f64)> {
    let all = series.points.iter().map(|(at, value)| (*at, *value));
    let follows =
        |(at, _): &(u64, f64)| after.is_none_or(|after| if descending { *at < after } else { *at > after });
    match descending {
        true => all.rev().filter(follows).collect(),
        false => all.filter(follows).collect(),
    }
}

fn result(subject: &Subject<'_>, series: &Series, points: &[(u64, f64)], is_whole: bool) -> MetricDataResult {
    let times = points.iter().map(|(at, _)| Timestamp(window::time(*at)));
    MetricDataResult {
        id: Some(subject.id.to_owned()),
        label: Some(subject.written(series)),
        timestamps: Some(times.collect()),
        values: Some(points.iter().map(|(_, value)| *value).collect()),
        status_code: Some(match is_whole {
            true => StatusCode::Complete,
            false => StatusCode::PartialData,
        }),
        messages: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_its_token() {
        for after in [None, Some(1_767_225_600)] {
            let cursor = Cursor {
                query: 3,
                series: 1,
                after,
            };
            assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        }
    }

    #[test]
    fn other_tokens_are_refused() {
        for token in [
            "",
            "x",
            "!",
            &URL_SAFE_NO_PAD.encode("1.2"),
            &URL_SAFE_NO_PAD.encode("1.2.3.4"),
        ] {
            let error = token.parse::<Cursor>().unwrap_err();
            assert_eq!((&*error.code, error.status), ("InvalidNextToken", 400), "{token}");
        }
    }
}
