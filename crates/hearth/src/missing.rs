//! What to do about interpreters that are not there.

use hearth_runtime::{Discovery, Family};

/// The languages that need an interpreter of the machine.
pub(crate) const INTERPRETED: [Family; 2] = [Family::Nodejs, Family::Python];

/// Says which languages cannot run here, and what to do about it.
pub(crate) fn tell(discovery: &Discovery) {
    for family in INTERPRETED {
        if let Some(advice) = advice(discovery, family) {
            eprintln!("note: {advice}");
        }
    }
}

/// What to do if a language has no interpreter here.
pub(crate) fn advice(discovery: &Discovery, family: Family) -> Option<String> {
    if discovery
        .installed
        .iter()
        .any(|installed| installed.family == family)
    {
        return None;
    }
    let (title, package, example) = match family {
        Family::Nodejs => ("Node.js", "nodejs", "\"nodejs22.x\" = \"/path/to/bin/node\""),
        Family::Python => (
            "Python",
            "python3",
            "\"python3.13\" = \"/path/to/bin/python3.13\"",
        ),
        Family::Provided => return None,
    };
    Some(format!(
        "no {title} was found, so its functions cannot run here. Install it (Debian: apt install {package}), or \
         name it in hearth.toml under [runtimes]: {example}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_comes_with_what_to_do() {
        let advice = advice(&Discovery::default(), Family::Python).unwrap();
        assert!(
            advice.contains("apt install python3") && advice.contains("[runtimes]"),
            "{advice}"
        );
    }
}
