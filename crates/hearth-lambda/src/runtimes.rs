//! From a runtime identifier to what the engine runs it on.

use hearth_engine::{RuntimeChoice, RuntimeIndex};
use hearth_runtime::{Catalogue, Family, Refusal};

/// What runs functions of this runtime on this node.
pub(crate) fn choose(catalogue: &Catalogue, identifier: &str) -> Result<RuntimeChoice, Refusal> {
    let choice = catalogue.resolve(identifier)?;
    let Some(place) = choice.interpreter else {
        return Ok(RuntimeChoice {
            index: RuntimeIndex::CUSTOM,
            identifier: identifier.to_owned(),
            family: Family::Provided,
            version: identifier.replacen('.', ":", 1),
        });
    };
    let installed = &catalogue.installed()[place];
    let version = format!("{}:{}", installed.family, installed.version);
    Ok(RuntimeChoice {
        index: RuntimeIndex(u16::try_from(place).expect("the warden's table has 16-bit places")),
        identifier: identifier.to_owned(),
        family: installed.family,
        version: match choice.note {
            Some(note) => format!("{version} ({note})"),
            None => version,
        },
    })
}
