//! The cases under `cases/filter-patterns`.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::FilterPattern;

/// One file: patterns for the same messages.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    messages: Vec<String>,
    pattern: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    text: String,
    /// The messages that fit, by their number from 1.
    fits: Option<Vec<usize>>,
    /// What the refusal says.
    refused: Option<String>,
}

#[test]
fn every_pattern_finds_what_it_should() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases/filter-patterns");
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        if file.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let cases: Cases = toml::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        for case in &cases.pattern {
            count += 1;
            if let Err(why) = case.check(&cases.messages) {
                wrong.push(format!("{}: {}: {why}", file.display(), case.text));
            }
        }
    }
    assert!(count > 0 && wrong.is_empty(), "{}", wrong.join("\n"));
}

impl Case {
    fn check(&self, messages: &[String]) -> Result<(), String> {
        match (FilterPattern::parse(&self.text), &self.fits, &self.refused) {
            (Ok(pattern), Some(fits), None) => {
                let numbered = messages.iter().zip(1..);
                let found =
                    numbered.filter_map(|(message, number)| pattern.matches(message).then_some(number));
                let found: Vec<usize> = found.collect();
                if found == *fits {
                    Ok(())
                } else {
                    Err(format!("finds {found:?}"))
                }
            }
            (Err(error), None, Some(refused)) if error.to_string().contains(refused) => Ok(()),
            (Err(error), ..) => Err(format!("is refused: {error}")),
            (Ok(_), ..) => Err("is accepted".to_owned()),
        }
    }
}
