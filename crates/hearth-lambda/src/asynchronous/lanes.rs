//! Who may run next: keeps a function whose events pile up from delaying everybody else's.
//!
//! A function may hold at most half as many places as are free, and always one. So the busiest function takes a
//! third of all places, the next a third of the rest, and there is a place for a newcomer until as many functions as
//! there are places run at once. An event that finds its function's lane full goes back to the queue until the lane
//! is expected to have moved on.

use std::collections::HashMap;
use std::time::Duration;

use hearth_types::FunctionArn;
use tokio::time::Instant;

/// What a run is expected to take before one was seen.
const FIRST_GUESS: Duration = Duration::from_millis(100);
/// The longest an event is sent away for.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// The lanes of all functions that have events.
#[derive(Debug)]
pub(crate) struct Lanes {
    places: usize,
    taken: usize,
    lanes: HashMap<FunctionArn, Lane>,
}

#[derive(Debug)]
struct Lane {
    running: usize,
    /// How long a run takes, as a moving average.
    run: Duration,
    /// When the next event that is sent away should come back.
    next_turn: Instant,
}

impl Lanes {
    /// Lanes that share a number of places.
    pub(crate) fn new(places: usize) -> Self {
        Self {
            places,
            taken: 0,
            lanes: HashMap::new(),
        }
    }

    /// How many places nobody holds.
    pub(crate) fn free(&self) -> usize {
        self.places - self.taken
    }

    /// Takes a place, or says how long to stay away.
    pub(crate) fn enter(&mut self, function: &FunctionArn, now: Instant) -> Result<(), Duration> {
        let free = self.free();
        let lane = self.lanes.entry(function.clone()).or_insert(Lane {
            running: 0,
            run: FIRST_GUESS,
            next_turn: now,
        });
        if free == 0 || lane.running > free / 2 {
            return Err(lane.send_away(now));
        }
        lane.running += 1;
        self.taken += 1;
        Ok(())
    }

    /// Gives a place back after a run.
    pub(crate) fn leave(&mut self, function: &FunctionArn, ran: Duration, now: Instant) {
        self.taken -= 1;
        if let Some(lane) = self.lanes.get_mut(function) {
            lane.running -= 1;
            lane.run = (lane.run * 3 + ran) / 4;
            if lane.running == 0 && lane.next_turn <= now {
                self.lanes.remove(function);
            }
        }
    }
}

impl Lane {
    /// As many events as run now finish in the time of a run. Turns are half as far apart as that makes them: coming
    /// too early costs one more look, coming too late leaves a place empty.
    fn send_away(&mut self, now: Instant) -> Duration {
        let turn = self.run / (2 * self.running.max(1) as u32);
        let back = self.next_turn.max(now) + turn;
        self.next_turn = back.min(now + LONGEST_WAIT);
        self.next_turn - now
    }
}

#[cfg(test)]
mod tests {
    use hearth_types::{FunctionName, Scope};

    use super::*;

    fn arn(name: &str) -> FunctionArn {
        let scope = Scope::default();
        FunctionArn::new(scope, FunctionName::parse(name).unwrap())
    }

    fn fill(lanes: &mut Lanes, name: &str) -> usize {
        let now = Instant::now();
        (0..).take_while(|_| lanes.enter(&arn(name), now).is_ok()).count()
    }

    #[test]
    fn there_is_always_room_for_a_newcomer() {
        let mut lanes = Lanes::new(30);
        let shares: Vec<usize> = ["a", "b", "c", "d", "e"]
            .map(|name| fill(&mut lanes, name))
            .into();
        assert!(
            shares[0] <= 11 && shares.iter().all(|share| *share >= 1),
            "{shares:?}"
        );
        assert!(lanes.free() > 0);
        while lanes.free() > 0 {
            let name = format!("f{}", lanes.free());
            assert!(fill(&mut lanes, &name) >= 1);
        }
        assert_eq!(fill(&mut lanes, "late"), 0);
    }

    #[test]
    fn those_sent_away_come_back_one_after_the_other() {
        let mut lanes = Lanes::new(2);
        let now = Instant::now();
        assert_eq!(fill(&mut lanes, "a"), 1);
        let first = lanes.enter(&arn("a"), now).unwrap_err();
        let second = lanes.enter(&arn("a"), now).unwrap_err();
        assert!(second >= first + FIRST_GUESS / 4, "{first:?} {second:?}");
        for _ in 0..10_000 {
            assert!(lanes.enter(&arn("a"), now).unwrap_err() <= LONGEST_WAIT);
        }
    }

    #[test]
    fn places_are_given_back() {
        let mut lanes = Lanes::new(4);
        let now = Instant::now();
        let taken = fill(&mut lanes, "a");
        for _ in 0..taken {
            lanes.leave(&arn("a"), Duration::from_secs(1), now + LONGEST_WAIT);
        }
        assert_eq!(lanes.free(), 4);
        assert!(lanes.lanes.is_empty());
    }
}
