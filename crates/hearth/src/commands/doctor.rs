//! `hearth doctor`: what works on this machine, and what to do about the rest.

use std::collections::BTreeMap;

use clap::Args;
use hearth_runtime::{Catalogue, Family, Substitutes};
use hearth_sandbox::Tier;
use hearth_sandbox::launcher::Requirement;
use serde_json::{Value, json};

use crate::failure::{Exit, Failure};
use crate::launch::{LAST_RESORT, lacking, look, meant, needed, works};
use crate::settings::{ServerFlags, Settings};
use crate::{missing, output};

/// Say what works on this machine, and what to do about what does not
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    flags: ServerFlags,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// A current runtime, and what runs it here.
struct Runtime {
    identifier: &'static str,
    /// Version and path of the interpreter.
    interpreter: Option<String>,
    /// What is not as it should be.
    note: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let settings = arguments.flags.load()?;
    let tier = meant(&settings);
    let requirements = needed(tier, &settings);
    let works = works(tier, &settings);
    let discovery = look(&settings);
    let advice: Vec<String> = missing::INTERPRETED
        .into_iter()
        .filter_map(|family| missing::advice(&discovery, family))
        .collect();
    let nothing = discovery.installed.is_empty();
    let runtimes = runtimes(&Catalogue::new(discovery, Substitutes::Nearest));
    if arguments.json {
        output::json(&as_json(tier, &settings, &requirements, &runtimes, &advice))?;
    } else {
        write(tier, &settings, &requirements, &runtimes, &advice)?;
    }
    if works && !nothing {
        Ok(())
    } else {
        Err(Failure::silent(Exit::Failed))
    }
}

fn runtimes(catalogue: &Catalogue) -> Vec<Runtime> {
    let mut runtimes: Vec<Runtime> = catalogue
        .overview()
        .map(|(identifier, choice)| match choice {
            Ok(choice) => {
                let interpreter = match choice.interpreter.map(|place| &catalogue.installed()[place]) {
                    Some(installed) => format!("{} {}", installed.version, installed.executable.display()),
                    None => "the function's own bootstrap".to_owned(),
                };
                Runtime {
                    identifier,
                    interpreter: Some(interpreter),
                    note: choice.note,
                }
            }
            Err(refusal) => Runtime {
                identifier,
                interpreter: None,
                note: Some(refusal.to_string()),
            },
        })
        .collect();
    runtimes.sort_by_key(|runtime| Family::of(runtime.identifier));
    runtimes
}

fn write(
    tier: Tier,
    settings: &Settings,
    requirements: &[Requirement],
    runtimes: &[Runtime],
    advice: &[String],
) -> Result<(), Failure> {
    output::line(format_args!("isolation tier {tier}: {}", verdict(tier, settings)))?;
    let rows: Vec<_> = requirements.iter().map(requirement_row).collect();
    output::table(&rows)?;
    for weakness in tier.weaknesses() {
        output::line(format_args!("  weaker  {weakness}"))?;
    }
    for other in Tier::ALL.into_iter().filter(|other| *other != tier) {
        output::line(format_args!(
            "isolation tier {other}: {}",
            verdict(other, settings)
        ))?;
        let rows: Vec<_> = lacking(other, settings).iter().map(requirement_row).collect();
        output::table(&rows)?;
    }
    if !works(tier, settings) {
        output::line(LAST_RESORT)?;
    }
    output::line("\nruntimes")?;
    let rows: Vec<_> = runtimes
        .iter()
        .filter(|runtime| runtime.interpreter.is_some())
        .map(runtime_row)
        .collect();
    output::table(&rows)?;
    advice.iter().try_for_each(output::line)
}

fn verdict(tier: Tier, settings: &Settings) -> &'static str {
    match (works(tier, settings), tier) {
        (false, _) => "does not work here",
        (true, Tier::Sandbox | Tier::Rootless) => "works",
        (true, Tier::Process) => "works, and isolates nothing",
    }
}

fn requirement_row(requirement: &Requirement) -> [String; 4] {
    let Requirement {
        name,
        met,
        needed,
        found,
        advice,
    } = requirement;
    let state = match (met, needed) {
        (true, _) => "ok",
        (false, true) => "missing",
        (false, false) => "better",
    };
    let advice = if *met { String::new() } else { advice.clone() };
    [format!("  {state}"), (*name).to_owned(), found.clone(), advice]
}

fn runtime_row(runtime: &Runtime) -> [String; 3] {
    let note = runtime
        .note
        .as_ref()
        .map(|_| "another version: dev only".to_owned());
    [
        format!("  {}", runtime.identifier),
        runtime.interpreter.clone().unwrap_or_default(),
        note.unwrap_or_default(),
    ]
}

fn as_json(
    tier: Tier,
    settings: &Settings,
    requirements: &[Requirement],
    runtimes: &[Runtime],
    advice: &[String],
) -> Value {
    let requirement = |requirement: &Requirement| {
        let Requirement {
            name,
            met,
            needed,
            found,
            advice,
        } = requirement;
        json!({ "name": name, "met": met, "needed": needed, "found": found, "advice": advice })
    };
    let runtime = |runtime: &Runtime| json!({ "identifier": runtime.identifier, "interpreter": runtime.interpreter, "note": runtime.note });
    json!({
        "isolation": tier,
        "tiers": Tier::ALL.map(|tier| (tier.to_string(), works(tier, settings))).into_iter().collect::<BTreeMap<_, _>>(),
        "weaknesses": tier.weaknesses(),
        "requirements": requirements.iter().map(requirement).collect::<Vec<_>>(),
        "runtimes": runtimes.iter().map(runtime).collect::<Vec<_>>(),
        "advice": advice,
    })
}
