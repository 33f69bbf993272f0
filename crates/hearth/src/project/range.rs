//! Ranges of versions, as `engines.node` of package.json and `.python-version` write them.

use hearth_runtime::Version;

/// The versions a project says it runs on. Only the parts that name a release count (a Node.js major, a
/// Python minor): which patch is installed is not the function's choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range(Vec<Vec<Bound>>);

/// One comparison; `parts` is how many parts of the version it names.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bound {
    operator: Operator,
    version: [u16; 2],
    parts: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Same,
    AtLeast,
    Above,
    AtMost,
    Below,
    Compatible,
}

impl Range {
    /// The range of a project that says nothing.
    pub(super) const ANY: Self = Self(Vec::new());

    /// Reads npm's notation: comparisons separated by spaces all hold, `||` separates alternatives.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let alternatives: Vec<Vec<Bound>> = text.split("||").map(alternative).collect::<Option<_>>()?;
        let anything = alternatives.iter().any(Vec::is_empty);
        Some(if anything { Self::ANY } else { Self(alternatives) })
    }

    pub(super) fn contains(&self, version: Version) -> bool {
        self.0.is_empty()
            || self
                .0
                .iter()
                .any(|bounds| bounds.iter().all(|bound| bound.admits(version)))
    }
}

fn alternative(text: &str) -> Option<Vec<Bound>> {
    let mut bounds = Vec::new();
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        match (word, words.peek()) {
            ("-", _) => {
                let lower: &mut Bound = bounds.last_mut()?;
                lower.operator = Operator::AtLeast;
                let upper = bound(words.next()?)??;
                bounds.push(Bound {
                    operator: Operator::AtMost,
                    ..upper
                });
            }
            (">=" | ">" | "<=" | "<" | "=" | "^" | "~", Some(next)) => {
                bounds.extend(bound(&format!("{word}{next}"))?);
                words.next();
            }
            _ => bounds.extend(bound(word)?),
        }
    }
    Some(bounds)
}

/// Outer `None`: not a comparison. Inner `None`: a comparison that everything passes.
#[expect(clippy::option_option, reason = "the two kinds of nothing are different")]
fn bound(word: &str) -> Option<Option<Bound>> {
    let digits = word.trim_start_matches(['>', '<', '=', '^', '~', 'v']);
    let operator = match word[..word.len() - digits.len()].trim_end_matches('v') {
        "" | "=" => Operator::Same,
        ">=" => Operator::AtLeast,
        ">" => Operator::Above,
        "<=" => Operator::AtMost,
        "<" => Operator::Below,
        "^" | "~" | "~=" => Operator::Compatible,
        _ => return None,
    };
    let mut version = [0; 2];
    let mut parts = 0;
    for (index, part) in digits.split(['.', '-', '+']).enumerate() {
        if matches!(part, "x" | "X" | "*") {
            break;
        }
        match (part.parse(), index) {
            (Ok(number), 0 | 1) => version[index] = number,
            (Err(_), 0 | 1) => return None,
            _ => break,
        }
        parts = index + 1;
    }
    Some((parts > 0).then_some(Bound {
        operator,
        version,
        parts,
    }))
}

impl Bound {
    fn admits(&self, version: Version) -> bool {
        let installed = [version.major, version.minor];
        let (installed, named) = (&installed[..self.parts], &self.version[..self.parts]);
        match self.operator {
            Operator::Same => installed == named,
            Operator::AtLeast => installed >= named,
            Operator::Above => installed > named || self.parts == 2 && installed == named,
            Operator::AtMost => installed <= named,
            Operator::Below => installed < named,
            Operator::Compatible => installed[0] == named[0] && installed >= named,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(major: u16, minor: u16) -> Version {
        Version {
            major,
            minor,
            patch: 0,
        }
    }

    #[test]
    fn npm_notation_is_understood() {
        for (range, inside, outside) in [
            ("20", vec![20], vec![18, 22]),
            ("20.x", vec![20], vec![22]),
            (">=20", vec![20, 22, 24], vec![18]),
            (">= 20 < 24", vec![20, 22], vec![18, 24]),
            ("^22.0.0", vec![22], vec![20, 24]),
            ("~20", vec![20], vec![22]),
            ("18 || >=22", vec![18, 22], vec![20]),
            ("20 - 22", vec![20, 22], vec![18, 24]),
            ("v20", vec![20], vec![22]),
            ("*", vec![1, 99], vec![]),
            ("", vec![1, 99], vec![]),
            ("20 || *", vec![18], vec![]),
        ] {
            let parsed = Range::parse(range).unwrap();
            assert!(
                inside.iter().all(|major| parsed.contains(version(*major, 0))),
                "{range}"
            );
            assert!(
                !outside.iter().any(|major| parsed.contains(version(*major, 0))),
                "{range}"
            );
        }
    }

    #[test]
    fn python_names_its_minor_version() {
        let range = Range::parse("3.12.4").unwrap();
        assert!(range.contains(version(3, 12)) && !range.contains(version(3, 13)));
        assert!(Range::parse(">=3.12").unwrap().contains(version(3, 13)));
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["latest", "lts/*", ">", "- 20", "20 -", "=>20", "pypy3.9"] {
            assert_eq!(Range::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[0-9x.*<>=~^| v-]{0,30}|.{0,20}") {
            if let Some(range) = Range::parse(&text) {
                range.contains(version(20, 0));
            }
        }
    }
}
