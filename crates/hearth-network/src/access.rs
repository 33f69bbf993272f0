//! Where one environment may connect to.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hearth_types::{Host, NetworkPolicy};

/// Addresses of allowed names that are remembered at a time.
const REMEMBERED: usize = 1024;
/// How long an answer counts at least: clients connect a while after they have asked, and again.
const SHORTEST: Duration = Duration::from_secs(300);
/// And at most.
const LONGEST: Duration = Duration::from_secs(86_400);

/// The policy, and what the environment was told about the names in it.
///
/// A name is worth what its owner's name servers say at the time. So an address counts as the name's only when it was
/// in an answer that this environment was given, and only for a while.
#[derive(Debug)]
pub(crate) struct Access {
    policy: NetworkPolicy,
    told: Mutex<HashMap<IpAddr, Vec<Told>>>,
}

/// That an address was an answer for an allowed name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    /// The only port that the name is allowed with.
    port: Option<u16>,
    until: Instant,
}

impl Access {
    pub(crate) fn new(policy: NetworkPolicy) -> Self {
        Self {
            policy,
            told: Mutex::default(),
        }
    }

    /// Whether this name, or any where there is none to compare, may be asked for.
    pub(crate) fn permits_name(&self, name: Option<&str>) -> bool {
        match &self.policy {
            NetworkPolicy::None => false,
            NetworkPolicy::Allow => true,
            NetworkPolicy::Hosts(rules) => {
                name.is_some_and(|name| rules.iter().any(|rule| rule.host.is_named(name)))
            }
        }
    }

    /// Whether connections to this address may be made, as far as the policy is concerned.
    pub(crate) fn permits(&self, address: SocketAddr, now: Instant) -> bool {
        let (ip, port) = (address.ip().to_canonical(), address.port());
        let is_port = |only: Option<u16>| only.is_none_or(|only| only == port);
        match &self.policy {
            NetworkPolicy::None => false,
            NetworkPolicy::Allow => true,
            NetworkPolicy::Hosts(rules) => {
                rules
                    .iter()
                    .any(|rule| is_port(rule.port) && rule.host.contains(ip))
                    || self
                        .told()
                        .get(&ip)
                        .is_some_and(|told| told.iter().any(|told| told.until > now && is_port(told.port)))
            }
        }
    }

    /// Remembers what the environment is about to be told: the addresses of a name, each with how long it counts.
    pub(crate) fn remember(&self, name: &str, addresses: &[(IpAddr, Duration)], now: Instant) {
        let NetworkPolicy::Hosts(rules) = &self.policy else {
            return;
        };
        let named = |rule: &&hearth_types::HostRule| {
            matches!(rule.host, Host::Name(_) | Host::Below(_)) && rule.host.is_named(name)
        };
        let mut all = self.told();
        for rule in rules.iter().filter(named) {
            for (address, lifetime) in addresses {
                let until = now + (*lifetime).clamp(SHORTEST, LONGEST);
                let told = all.entry(address.to_canonical()).or_default();
                match told.iter_mut().find(|told| told.port == rule.port) {
                    Some(told) => told.until = told.until.max(until),
                    None => told.push(Told {
                        port: rule.port,
                        until,
                    }),
                }
            }
        }
        make_room(&mut all, now);
    }

    fn told(&self) -> MutexGuard<'_, HashMap<IpAddr, Vec<Told>>> {
        // No holder of this lock panics.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets what no longer counts, and then what counts shortest.
fn make_room(all: &mut HashMap<IpAddr, Vec<Told>>, now: Instant) {
    if all.len() <= REMEMBERED {
        return;
    }
    let end = |told: &[Told]| told.iter().map(|told| told.until).max().unwrap_or(now);
    all.retain(|_, told| end(told) > now);
    let surplus = all.len().saturating_sub(REMEMBERED);
    if surplus > 0 {
        let mut ends: Vec<(Instant, IpAddr)> =
            all.iter().map(|(address, told)| (end(told), *address)).collect();
        ends.sort_unstable();
        ends[..surplus].iter().for_each(|(_, address)| {
            all.remove(address);
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn access(policy: &str) -> Access {
        Access::new(policy.parse().unwrap())
    }

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn hour(address: &str) -> (IpAddr, Duration) {
        (address.parse().unwrap(), Duration::from_secs(3600))
    }

    #[test]
    fn all_or_nothing() {
        let now = Instant::now();
        for (policy, allowed) in [("none", false), ("allow", true)] {
            let access = access(policy);
            assert_eq!(access.permits(at("192.0.2.1:80"), now), allowed);
            assert_eq!(access.permits_name(Some("a.example")), allowed);
            assert_eq!(access.permits_name(None), allowed);
        }
    }

    #[test]
    fn networks_and_ports_are_kept_to() {
        let (access, now) = (access("10.0.0.0/8:443 2001:db8::/32"), Instant::now());
        assert!(access.permits(at("10.1.1.1:443"), now) && access.permits(at("[::ffff:10.1.1.1]:443"), now));
        assert!(!access.permits(at("10.1.1.1:80"), now) && !access.permits(at("11.1.1.1:443"), now));
        assert!(access.permits(at("[2001:db8::9]:1"), now) && !access.permits_name(Some("a.example")));
    }

    #[test]
    fn an_address_is_a_names_once_it_was_told_and_not_for_ever() {
        let (access, now) = (access("api.example:443 *.example"), Instant::now());
        assert!(!access.permits(at("192.0.2.1:443"), now));
        access.remember("API.example.", &[hour("192.0.2.1")], now);
        access.remember("other.test", &[hour("192.0.2.2")], now);
        assert!(access.permits(at("192.0.2.1:443"), now) && access.permits(at("192.0.2.1:80"), now));
        assert!(!access.permits(at("192.0.2.2:443"), now));
        assert!(!access.permits(at("192.0.2.1:443"), now + Duration::from_secs(3600)));
        access.remember("api.example", &[(hour("192.0.2.3").0, Duration::ZERO)], now);
        assert!(access.permits(at("192.0.2.3:443"), now + SHORTEST / 2));
    }

    #[test]
    fn the_port_of_a_name_is_the_only_one() {
        let (access, now) = (access("api.example:443"), Instant::now());
        access.remember("api.example", &[hour("192.0.2.1")], now);
        assert!(access.permits(at("192.0.2.1:443"), now) && !access.permits(at("192.0.2.1:80"), now));
    }

    #[test]
    fn names_that_cannot_be_compared_are_not_asked_for() {
        let access = access("a.example");
        assert!(access.permits_name(Some("A.EXAMPLE")) && !access.permits_name(None));
    }

    proptest! {
        #[test]
        fn what_is_remembered_is_bounded(addresses in prop::collection::vec((any::<u32>(), 0u64..100_000), 0..3000)) {
            let (access, now) = (access("a.example"), Instant::now());
            let addresses: Vec<_> = addresses
                .into_iter()
                .map(|(address, seconds)| (IpAddr::from(address.to_be_bytes()), Duration::from_secs(seconds)))
                .collect();
            access.remember("a.example", &addresses, now);
            prop_assert!(access.told().len() <= REMEMBERED);
        }
    }
}
