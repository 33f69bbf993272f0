//! Series and counts as bytes, in the journal and in partitions.
//!
//! Numbers are in LEB128, texts are their length and UTF-8. A bucket is its numbers in the order of its fields;
//! distributions and gauges without values are a single 0. Reading believes nothing.

use hearth_types::{AccountId, FunctionName, Qualifier, Region, Scope};

use crate::distribution::Gauge;
use crate::series::{Minute, SeriesKey};
use crate::{Bucket, Distribution, Histogram};

/// Appends a number.
pub(crate) fn put(out: &mut Vec<u8>, number: impl Into<u128>) {
    let mut rest = number.into();
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Appends a series' key.
pub(crate) fn put_key(out: &mut Vec<u8>, key: &SeriesKey) {
    let SeriesKey {
        scope,
        function,
        version,
        qualifier,
    } = key;
    put_text(out, scope.account.as_str());
    put_text(out, scope.region.as_str());
    put_text(out, function.as_str());
    put(out, version.number());
    match qualifier {
        Some(qualifier) => put_text(out, &qualifier.to_string()),
        None => put_text(out, ""),
    }
}

/// Appends a minute and what was counted in it.
pub(crate) fn put_bucket(out: &mut Vec<u8>, minute: Minute, bucket: &Bucket) {
    let Bucket {
        errors,
        timeouts,
        out_of_memory,
        crashes,
        throttles,
        cold_starts,
        duration,
        init,
        waited,
        billed_ms,
        billed_mb_ms,
        init_mb_ms,
        memory_mb,
        cpu_us,
        bytes_in,
        bytes_out,
        concurrency,
        account_concurrency,
        unreserved_concurrency,
        events_received,
        events_dropped,
        event_age,
    } = bucket;
    put(out, minute);
    for count in [errors, timeouts, out_of_memory, crashes, throttles, cold_starts] {
        put(out, *count);
    }
    for distribution in [duration, init, waited, event_age] {
        put_distribution(out, distribution);
    }
    put(out, *billed_ms);
    put(out, *billed_mb_ms);
    put(out, *init_mb_ms);
    for gauge in [
        memory_mb,
        concurrency,
        account_concurrency,
        unreserved_concurrency,
    ] {
        put_gauge(out, gauge);
    }
    for count in [cpu_us, bytes_in, bytes_out, events_received, events_dropped] {
        put(out, *count);
    }
}

fn put_distribution(out: &mut Vec<u8>, values: &Distribution) {
    put(out, values.count);
    if values.count == 0 {
        return;
    }
    put(out, values.sum);
    put(out, values.min);
    put(out, values.max);
    let mut last = 0;
    put(out, values.histogram.bins().count() as u64);
    for (index, count) in values.histogram.bins() {
        put(out, index - last);
        put(out, count);
        last = index;
    }
}

fn put_gauge(out: &mut Vec<u8>, seen: &Gauge) {
    put(out, seen.count);
    if seen.count > 0 {
        put(out, seen.sum);
        put(out, seen.min);
        put(out, seen.max);
    }
}

/// Reads what was put; every answer is `None` where there is no such thing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn large(&mut self) -> Option<u128> {
        let mut number = 0u128;
        for shift in (0..128).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            let bits = u128::from(byte & 0x7f);
            if (bits << shift) >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(crate) fn number<N: TryFrom<u128>>(&mut self) -> Option<N> {
        N::try_from(self.large()?).ok()
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.number()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        str::from_utf8(text).ok()
    }

    pub(crate) fn key(&mut self) -> Option<SeriesKey> {
        let account = AccountId::parse(self.text()?).ok()?;
        let region = Region::parse(self.text()?).ok()?;
        let function = FunctionName::parse(self.text()?)?;
        let version = match self.number()? {
            0 => Qualifier::Latest,
            number => Qualifier::Version(number),
        };
        let qualifier = match self.text()? {
            "" => None,
            text => Some(Qualifier::parse(text)?),
        };
        Some(SeriesKey {
            scope: Scope { account, region },
            function,
            version,
            qualifier,
        })
    }

    pub(crate) fn bucket(&mut self) -> Option<(Minute, Bucket)> {
        let minute = self.number()?;
        // In the order of the file; the struct's own does not matter.
        let bucket = Bucket {
            errors: self.number()?,
            timeouts: self.number()?,
            out_of_memory: self.number()?,
            crashes: self.number()?,
            throttles: self.number()?,
            cold_starts: self.number()?,
            duration: self.distribution()?,
            init: self.distribution()?,
            waited: self.distribution()?,
            event_age: self.distribution()?,
            billed_ms: self.number()?,
            billed_mb_ms: self.number()?,
            init_mb_ms: self.number()?,
            memory_mb: self.gauge()?,
            concurrency: self.gauge()?,
            account_concurrency: self.gauge()?,
            unreserved_concurrency: self.gauge()?,
            cpu_us: self.number()?,
            bytes_in: self.number()?,
            bytes_out: self.number()?,
            events_received: self.number()?,
            events_dropped: self.number()?,
        };
        Some((minute, bucket))
    }

    fn distribution(&mut self) -> Option<Distribution> {
        let count = self.number()?;
        if count == 0 {
            return Some(Distribution::default());
        }
        let (sum, min, max) = (self.number()?, self.number()?, self.number()?);
        let mut histogram = Histogram::default();
        let mut last = 0u16;
        for place in 0..self.number::<u16>()? {
            let step: u16 = self.number()?;
            if step == 0 && place > 0 {
                return None;
            }
            last = last.checked_add(step)?;
            histogram.push(last, self.number()?)?;
        }
        (histogram.count() == Some(count) && min <= max).then_some(Distribution {
            count,
            sum,
            min,
            max,
            histogram,
        })
    }

    fn gauge(&mut self) -> Option<Gauge> {
        let count = self.number()?;
        if count == 0 {
            return Some(Gauge::default());
        }
        Some(Gauge {
            count,
            sum: self.number()?,
            min: self.number()?,
            max: self.number()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{any_bucket, any_key};

    proptest! {
        #[test]
        fn what_is_put_is_read(key in any_key(), minute in any::<Minute>(), bucket in any_bucket()) {
            let mut bytes = Vec::new();
            put_key(&mut bytes, &key);
            put_bucket(&mut bytes, minute, &bucket);
            let mut reader = Reader(&bytes);
            prop_assert_eq!(reader.key(), Some(key));
            prop_assert_eq!(reader.bucket(), Some((minute, bucket)));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn numbers_keep_their_size(number in any::<u128>()) {
            let mut bytes = Vec::new();
            put(&mut bytes, number);
            prop_assert_eq!(Reader(&bytes).number::<u128>(), Some(number));
            prop_assert_eq!(Reader(&bytes).number::<u64>(), u64::try_from(number).ok());
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Reader(&bytes).key();
            let mut reader = Reader(&bytes);
            while reader.bucket().is_some() {}
        }

        #[test]
        fn a_changed_byte_is_survived(
            bucket in any_bucket(), at in any::<prop::sample::Index>(), change in 1u8..,
        ) {
            let mut bytes = Vec::new();
            put_bucket(&mut bytes, 7, &bucket);
            let at = at.index(bytes.len());
            bytes[at] ^= change;
            // What it reads as may be wrong, which checksums find; using it is safe.
            if let Some((_, read)) = Reader(&bytes).bucket() {
                let _ = read.duration.quantile(0.5);
            }
        }
    }
}
