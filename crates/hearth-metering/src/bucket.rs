//! What is counted in one stretch of time.

use hearth_engine::{Conclusion, InvocationRecord};

use crate::Distribution;
use crate::distribution::Gauge;

/// Counts of one function's version, or of several together, in a minute or an hour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Invocations that failed.
    pub errors: u64,
    /// Of the errors: those that took too long.
    pub timeouts: u64,
    /// Of the errors: those that ran out of memory.
    pub out_of_memory: u64,
    /// Of the errors: those whose process ended.
    pub crashes: u64,
    /// Invocations that were refused. They are no invocations otherwise.
    pub throttles: u64,
    /// Invocations that an environment was started for.
    pub cold_starts: u64,
    /// How long invocations took, in microseconds. Its count is the number of invocations.
    pub duration: Distribution,
    /// How long the inits took that invocations were billed for, in microseconds.
    pub init: Distribution,
    /// How long invocations waited for an environment, in microseconds.
    pub waited: Distribution,
    /// What is billed, in milliseconds.
    pub billed_ms: u64,
    /// What is billed times memory size, in MB × ms.
    pub billed_mb_ms: u128,
    /// The part of it that is for inits.
    pub init_mb_ms: u128,
    /// Memory that invocations used at most, in MB.
    pub memory_mb: Gauge,
    /// CPU time of the environments, in microseconds.
    pub cpu_us: u64,
    /// Bytes of all events.
    pub bytes_in: u64,
    /// Bytes of all answers.
    pub bytes_out: u64,
    /// Invocations of the function that ran when one began, itself included.
    pub concurrency: Gauge,
    /// The same of all functions of the account in the region.
    pub account_concurrency: Gauge,
    /// The same of those functions that have no concurrency reserved.
    pub unreserved_concurrency: Gauge,
    /// Events accepted for asynchronous invocation.
    pub events_received: u64,
    /// Of them, those that were given up before the function succeeded.
    pub events_dropped: u64,
    /// How old events were when an attempt at them began, in microseconds.
    pub event_age: Distribution,
}

impl Bucket {
    /// How many invocations ran.
    pub fn invocations(&self) -> u64 {
        self.duration.count
    }

    /// About how many bytes of memory it takes beside its own size.
    pub(crate) fn heap_bytes(&self) -> usize {
        let distributions = [&self.duration, &self.init, &self.waited, &self.event_age];
        distributions
            .map(|values| values.histogram.heap_bytes())
            .iter()
            .sum()
    }

    /// Counts an invocation.
    pub fn add(&mut self, record: &InvocationRecord) {
        match record.conclusion {
            Conclusion::Success | Conclusion::Error => {}
            Conclusion::Timeout => self.timeouts += 1,
            Conclusion::OutOfMemory => self.out_of_memory += 1,
            Conclusion::Crash => self.crashes += 1,
        }
        self.errors += u64::from(record.conclusion != Conclusion::Success);
        self.cold_starts += u64::from(record.cold);
        self.duration.add(micros(record.duration));
        if let Some(init) = record.init {
            self.init.add(micros(init));
        }
        self.waited.add(micros(record.waited));
        let (billed, memory_mb) = (record.billed_ms(), u128::from(record.memory_mb));
        self.billed_ms += billed;
        self.billed_mb_ms += u128::from(billed) * memory_mb;
        self.init_mb_ms += u128::from(record.billed_init_ms()) * memory_mb;
        self.memory_mb.see(record.max_memory_mb.into());
        self.bytes_in += record.bytes_in;
        self.bytes_out += record.bytes_out;
        let running = record.running;
        self.concurrency.see(running.function.into());
        self.account_concurrency.see(running.account.into());
        if let Some(unreserved) = running.unreserved {
            self.unreserved_concurrency.see(unreserved.into());
        }
    }

    /// Adds all that another one has counted.
    pub fn merge(&mut self, other: &Self) {
        let Self {
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
        } = other;
        self.errors += errors;
        self.timeouts += timeouts;
        self.out_of_memory += out_of_memory;
        self.crashes += crashes;
        self.throttles += throttles;
        self.cold_starts += cold_starts;
        self.duration.merge(duration);
        self.init.merge(init);
        self.waited.merge(waited);
        self.billed_ms += billed_ms;
        self.billed_mb_ms += billed_mb_ms;
        self.init_mb_ms += init_mb_ms;
        self.memory_mb.merge(memory_mb);
        self.cpu_us += cpu_us;
        self.bytes_in += bytes_in;
        self.bytes_out += bytes_out;
        self.concurrency.merge(concurrency);
        self.account_concurrency.merge(account_concurrency);
        self.unreserved_concurrency.merge(unreserved_concurrency);
        self.events_received += events_received;
        self.events_dropped += events_dropped;
        self.event_age.merge(event_age);
    }
}

/// Whole microseconds of a duration.
pub(crate) fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
