//! From a runtime identifier to what the engine runs it on.

use hearth_engine::{RuntimeChoice, RuntimeIndex};
use hearth_runtime::{Catalogue, Refusal};

/// The interpreter that runs functions of this runtime on this node.
pub(crate) fn choose(catalogue: &Catalogue, identifier: &str) -> Result<RuntimeChoice, Refusal> {
    let choice = catalogue.resolve(identifier)?;
    let installed = &catalogue.installed()[choice.index];
    let version = format!("{}:{}", installed.family, installed.version);
    Ok(RuntimeChoice {
        index: RuntimeIndex(u16::try_from(choice.index).expect("the warden's table has 16-bit places")),
        identifier: identifier.to_owned(),
        family: installed.family,
        version: match choice.note {
            Some(note) => format!("{version} ({note})"),
            None => version,
        },
    })
}
