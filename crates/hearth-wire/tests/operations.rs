//! `docs/operations.md` lists every operation, under what works or under what answers 501.

use std::collections::BTreeSet;
use std::path::Path;

use hearth_wire::model::ServiceModel;
use hearth_wire::{cloudwatch, lambda, logs, sts};

#[test]
fn operations_are_documented() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
    let text = std::fs::read_to_string(path).expect("the page is there");
    for (heading, service) in [
        ("Lambda", &lambda::MODEL),
        ("CloudWatch", &cloudwatch::MODEL),
        ("CloudWatch Logs", &logs::MODEL),
        ("STS", &sts::MODEL),
    ] {
        let section = part(&text, "\n## ", heading);
        let rows = part(section, "\n### ", "Works").lines();
        let works: BTreeSet<&str> = rows
            .filter(|row| row.starts_with("| `"))
            .filter_map(|row| names(row).next())
            .collect();
        let missing: BTreeSet<&str> = names(part(section, "\n### ", "Answers 501")).collect();
        assert_eq!(works, operations(service, true), "{heading}: works");
        assert_eq!(missing, operations(service, false), "{heading}: answers 501");
    }
}

/// The part of a text below a heading, up to the next one of its level.
fn part<'a>(text: &'a str, level: &str, heading: &str) -> &'a str {
    let mut parts = text.split(level);
    let found = parts.find_map(|part| part.strip_prefix(heading)?.strip_prefix('\n'));
    found.unwrap_or_else(|| panic!("there is no heading {heading}"))
}

/// What stands between backquotes.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn operations(service: &ServiceModel, implemented: bool) -> BTreeSet<&'static str> {
    let wanted = service
        .operations
        .iter()
        .filter(|operation| operation.shapes.is_some() == implemented);
    wanted.map(|operation| operation.name).collect()
}
