//! How the value of a setting is read from text and shown again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use hearth_sandbox::CpuPolicy;
use hearth_types::Region;
use serde::{Deserialize, Serialize};

/// A type that settings can have.
pub(crate) trait Value: Sized {
    /// What stands for a value in help texts.
    const PLACEHOLDER: &'static str;
    /// What may be written, as it stands after "write" in a message.
    const ACCEPTS: &'static str;
    /// All there is to write, where that can be counted.
    const WORDS: &'static [&'static str] = &[];

    /// Reads a value; `None` if the text is not one.
    fn read(text: &str) -> Option<Self>;

    /// The value as it would be written.
    fn show(&self) -> String;
}

impl Value for SocketAddr {
    const PLACEHOLDER: &'static str = "ADDRESS:PORT";
    const ACCEPTS: &'static str = "an address and a port, such as 127.0.0.1:4566";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for PathBuf {
    const PLACEHOLDER: &'static str = "PATH";
    const ACCEPTS: &'static str = "a path";

    fn read(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| text.into())
    }

    fn show(&self) -> String {
        self.display().to_string()
    }
}

impl Value for String {
    const PLACEHOLDER: &'static str = "TEXT";
    const ACCEPTS: &'static str = "a text";

    fn read(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn show(&self) -> String {
        self.clone()
    }
}

impl Value for Region {
    const PLACEHOLDER: &'static str = "REGION";
    const ACCEPTS: &'static str = "a region, such as us-east-1";

    fn read(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for bool {
    const PLACEHOLDER: &'static str = "BOOL";
    const ACCEPTS: &'static str = "true or false";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for u32 {
    const PLACEHOLDER: &'static str = "NUMBER";
    const ACCEPTS: &'static str = "a whole number";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

const TIME_UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

impl Value for Duration {
    const PLACEHOLDER: &'static str = "TIME";
    const ACCEPTS: &'static str = "a time with its unit, such as 500ms, 30s, 10m, 6h or 14d";

    fn read(text: &str) -> Option<Self> {
        with_unit(text, &TIME_UNITS).map(Duration::from_millis)
    }

    fn show(&self) -> String {
        let millis = u64::try_from(self.as_millis()).unwrap_or(u64::MAX);
        show_with_unit(millis, &TIME_UNITS)
    }
}

const SIZE_UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Size(pub(crate) u64);

impl Value for Size {
    const PLACEHOLDER: &'static str = "SIZE";
    const ACCEPTS: &'static str = "a size with its unit, such as 64MiB or 2GiB";

    fn read(text: &str) -> Option<Self> {
        with_unit(text, &SIZE_UNITS).map(Self)
    }

    fn show(&self) -> String {
        show_with_unit(self.0, &SIZE_UNITS)
    }
}

/// Who may read the metrics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum MetricsAccess {
    /// Nobody.
    Off,
    /// Everybody.
    Open,
    /// Who knows the token.
    Token(String),
}

/// Shortest token, in bytes.
const TOKEN: usize = 16;

impl Value for MetricsAccess {
    const PLACEHOLDER: &'static str = "WHO";
    const ACCEPTS: &'static str = "off, open, or token: and at least 16 characters";

    fn read(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "open" => Some(Self::Open),
            _ => {
                let token = text.strip_prefix("token:")?;
                let sound = token.len() >= TOKEN && token.bytes().all(|byte| byte.is_ascii_graphic());
                sound.then(|| Self::Token(token.to_owned()))
            }
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Off => "off".to_owned(),
            Self::Open => "open".to_owned(),
            Self::Token(token) => format!("token:{token}"),
        }
    }
}

/// What something costs, in a currency that nobody names.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Price(pub(crate) f64);

impl Value for Price {
    const PLACEHOLDER: &'static str = "PRICE";
    const ACCEPTS: &'static str = "a number, such as 0.0000166667";

    fn read(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        text.parse().ok().filter(|_| plain).map(Self)
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}

/// Digits and then one of the units; a lone 0 needs none.
fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    if number == 0 && unit.is_empty() {
        return Some(0);
    }
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(*factor)
}

/// The largest unit that leaves a whole number. The last unit is 1 and always does.
fn show_with_unit(number: u64, units: &[(&str, u64)]) -> String {
    let fits = |(_, factor): &&(&str, u64)| number >= *factor && number.is_multiple_of(*factor);
    units.iter().find(fits).map_or_else(
        || "0".to_owned(),
        |(unit, factor)| format!("{}{unit}", number / factor),
    )
}

/// User ids from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UidRange {
    pub(crate) first: u32,
    pub(crate) last: u32,
}

impl Value for UidRange {
    const PLACEHOLDER: &'static str = "FIRST-LAST";
    const ACCEPTS: &'static str = "first and last user id, such as 100000-109999, none of them 0";

    fn read(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-')?;
        let range = Self {
            first: first.parse().ok()?,
            last: last.parse().ok()?,
        };
        (0 < range.first && range.first <= range.last && range.last < i32::MAX as u32).then_some(range)
    }

    fn show(&self) -> String {
        format!("{}-{}", self.first, self.last)
    }
}

/// Where the interpreters of runtime identifiers are.
pub(crate) type Runtimes = BTreeMap<String, PathBuf>;

impl Value for Runtimes {
    const PLACEHOLDER: &'static str = "RUNTIME=PATH";
    const ACCEPTS: &'static str =
        "runtime identifiers with the path of their interpreter, such as nodejs22.x=/opt/node22/bin/node";

    fn read(text: &str) -> Option<Self> {
        let pair = |entry: &str| {
            let (runtime, path) = entry.split_once('=')?;
            let absolute = !runtime.is_empty() && path.starts_with('/');
            absolute.then(|| (runtime.to_owned(), PathBuf::from(path)))
        };
        text.split(',')
            .filter(|entry| !entry.is_empty())
            .map(pair)
            .collect()
    }

    fn show(&self) -> String {
        let pairs: Vec<_> = self
            .iter()
            .map(|(name, path)| format!("{name}={}", path.display()))
            .collect();
        pairs.join(",")
    }
}

impl<V: Value> Value for Vec<V> {
    const PLACEHOLDER: &'static str = V::PLACEHOLDER;
    const ACCEPTS: &'static str = V::ACCEPTS;

    fn read(text: &str) -> Option<Self> {
        text.split(',').map(|part| V::read(part.trim())).collect()
    }

    fn show(&self) -> String {
        self.iter().map(V::show).collect::<Vec<_>>().join(",")
    }
}

impl<V: Value> Value for Option<V> {
    const PLACEHOLDER: &'static str = V::PLACEHOLDER;
    const ACCEPTS: &'static str = V::ACCEPTS;

    fn read(text: &str) -> Option<Self> {
        V::read(text).map(Some)
    }

    fn show(&self) -> String {
        self.as_ref().map(V::show).unwrap_or_default()
    }
}

/// Gives an enum of plain words its place among the values of settings.
macro_rules! word {
    ($type:ident: $accepts:literal, $($word:literal => $variant:ident),+) => {
        impl Value for $type {
            const PLACEHOLDER: &'static str = "WORD";
            const ACCEPTS: &'static str = $accepts;
            const WORDS: &'static [&'static str] = &[$($word),+];

            fn read(text: &str) -> Option<Self> {
                match text {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }

            fn show(&self) -> String {
                match self {
                    $(Self::$variant => $word.to_owned(),)+
                }
            }
        }
    };
}

word!(CpuPolicy: "weight or quota", "weight" => Weight, "quota" => Quota);

/// How functions are kept apart from the machine and from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Isolation {
    /// The strongest tier that the user who starts Hearth can have.
    Auto,
    /// Namespaces, control groups, seccomp and Landlock, set up with root's rights.
    Sandbox,
    /// The same in a user namespace, without control groups.
    Rootless,
    /// None at all; only in dev.
    Process,
}
word!(
    Isolation: "auto, sandbox, rootless or process",
    "auto" => Auto, "sandbox" => Sandbox, "rootless" => Rootless, "process" => Process
);

/// The least important message that the server's log shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}
word!(LogLevel: "error, warn, info, debug or trace",
    "error" => Error, "warn" => Warn, "info" => Info, "debug" => Debug, "trace" => Trace);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_and_sizes_carry_their_unit() {
        assert_eq!(Duration::read("90s"), Some(Duration::from_secs(90)));
        assert_eq!(Duration::read("1500ms").unwrap().show(), "1500ms");
        assert_eq!(Duration::read("120s").unwrap().show(), "2m");
        assert_eq!(Duration::read("0").unwrap().show(), "0");
        assert_eq!(Size::read("64MiB"), Some(Size(64 << 20)));
        for bad in [
            "",
            "30",
            "s",
            "-1s",
            "1 s",
            "1.5h",
            "99999999999999999999s",
            "9999999999999999d",
        ] {
            assert_eq!(Duration::read(bad), None, "{bad}");
        }
        for bad in ["64MB", "64", "MiB"] {
            assert_eq!(Size::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_token_is_long_enough_not_to_be_guessed() {
        let token = MetricsAccess::read("token:0123456789abcdef").unwrap();
        assert_eq!(token.show(), "token:0123456789abcdef");
        for bad in [
            "",
            "on",
            "token:",
            "token:0123456789abcde",
            "token:0123456789 abcdef",
            "0123456789abcdef",
        ] {
            assert_eq!(MetricsAccess::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn prices_are_plain_numbers() {
        assert_eq!(Price::read("0.0000166667").unwrap().show(), "0.0000166667");
        assert_eq!(Price::read("0"), Some(Price(0.0)));
        for bad in ["", ".", "-1", "1e3", "inf", "NaN", "1,5", "$1"] {
            assert_eq!(Price::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn lists_are_separated_by_commas() {
        let addresses = Vec::<SocketAddr>::read("127.0.0.1:4566, [::1]:4566").unwrap();
        assert_eq!(addresses.show(), "127.0.0.1:4566,[::1]:4566");
        assert_eq!(Vec::<SocketAddr>::read(""), None);
    }

    #[test]
    fn root_is_in_no_range_of_user_ids() {
        assert!(UidRange::read("1-1").is_some());
        for bad in ["0-10", "20-10", "10", "10-2147483647"] {
            assert_eq!(UidRange::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn interpreters_have_absolute_paths() {
        let runtimes = Runtimes::read("nodejs22.x=/a/node,python3.13=/b/python").unwrap();
        assert_eq!(runtimes["python3.13"], PathBuf::from("/b/python"));
        assert_eq!(Runtimes::read("nodejs22.x=node"), None);
        assert_eq!(Runtimes::read(""), Some(Runtimes::new()));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = (Duration::read(&text), Size::read(&text), UidRange::read(&text), Runtimes::read(&text));
        }

        #[test]
        fn what_is_shown_is_read_back(millis in 0u64..u64::MAX / 2, bytes: u64) {
            let (time, size) = (Duration::from_millis(millis), Size(bytes));
            prop_assert_eq!(Duration::read(&time.show()), Some(time));
            prop_assert_eq!(Size::read(&size.show()), Some(size));
        }
    }
}
