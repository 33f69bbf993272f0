//! The numbers of users and groups that the tier sandbox runs as.

use std::fs;
use std::ops::RangeInclusive;

use super::Requirement;
use crate::isolation::privileges::Identity;
use crate::launcher::UserRange;

/// A user namespace knows only the numbers that are mapped into it; no process can be, and no file can belong to,
/// another.
pub(super) fn mapped(server: Identity, environments: UserRange) -> Requirement {
    let range = environments.first
        ..=environments
            .first
            .saturating_add(environments.count.saturating_sub(1));
    let (users, groups) = (Map::read("uid_map"), Map::read("gid_map"));
    let is_known = |map: &Map, own: u32| map.holds(&(own..=own)) && map.holds(&range);
    let met = is_known(&users, server.uid) && is_known(&groups, server.gid);
    Requirement {
        name: "user numbers",
        met,
        needed: true,
        found: if met {
            "mapped".into()
        } else {
            format!("users {}, groups {}", users.shown(), groups.shown())
        },
        advice: format!(
            "this is a user namespace in which the server's user {} (server-uid) or the environments' {}-{} (uid-range) \
             do not exist: start it outside of that, or choose numbers that are mapped here",
            server.uid,
            range.start(),
            range.end()
        ),
    }
}

/// The numbers that exist here, as /proc/self/uid_map and gid_map have them.
struct Map(Vec<RangeInclusive<u32>>);

impl Map {
    /// A kernel without user namespaces has no such file, and knows all numbers.
    fn read(name: &str) -> Self {
        fs::read_to_string(format!("/proc/self/{name}"))
            .map_or_else(|_| Self(vec![0..=u32::MAX]), |text| Self::parse(&text))
    }

    /// Reads lines of a first number here, a first number outside and how many there are.
    fn parse(text: &str) -> Self {
        let line = |line: &str| {
            let mut numbers = line.split_whitespace().map(str::parse::<u32>);
            let (first, _, count) = (
                numbers.next()?.ok()?,
                numbers.next()?.ok()?,
                numbers.next()?.ok()?,
            );
            Some(first..=first.checked_add(count.checked_sub(1)?)?)
        };
        let mut ranges: Vec<_> = text.lines().filter_map(line).collect();
        ranges.sort_by_key(|range| *range.start());
        Self(ranges)
    }

    /// Whether all of these exist, be it in several lines.
    fn holds(&self, wanted: &RangeInclusive<u32>) -> bool {
        let mut next = *wanted.start();
        for range in self.0.iter().filter(|range| range.end() >= wanted.start()) {
            if *range.start() > next {
                return false;
            }
            if range.end() >= wanted.end() {
                return true;
            }
            next = range.end() + 1;
        }
        false
    }

    fn shown(&self) -> String {
        let one = |range: &RangeInclusive<u32>| match (range.start(), range.end()) {
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first}-{last}"),
        };
        match &self.0[..] {
            [] => "none".to_owned(),
            ranges => ranges.iter().map(one).collect::<Vec<_>>().join(" "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_exist_where_they_are_mapped() {
        let everybody = Map::parse("         0          0 4294967295\n");
        assert!(everybody.holds(&(1_900_000_000..=1_900_004_095)));
        let root_alone = Map::parse("0 1000 1\n");
        assert!(root_alone.holds(&(0..=0)) && !root_alone.holds(&(1..=1)) && !root_alone.holds(&(0..=1)));
        let container = Map::parse("1 100000 65536\n0 1000 1\n");
        assert!(container.holds(&(0..=65536)) && container.holds(&(1000..=2000)));
        assert!(!container.holds(&(65536..=65537)) && !container.holds(&(1_899_999_999..=1_899_999_999)));
        let with_a_gap = Map::parse("0 0 10\n11 11 10\n");
        assert!(!with_a_gap.holds(&(5..=15)) && with_a_gap.holds(&(11..=20)));
        assert_eq!(container.shown(), "0 1-65536");
        assert!(!Map::parse("").holds(&(0..=0)));
    }
}
