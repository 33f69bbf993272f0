//! Pages of a list, and the markers that lead from one to the next.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The most items in one answer, whatever `MaxItems` says.
pub(crate) const PAGE: usize = 50;

/// The marker is not one that an earlier answer gave.
#[derive(Debug, thiserror::Error)]
#[error("Invalid marker. Please use the NextMarker of an earlier response.")]
pub(crate) struct InvalidMarker;

/// How many items an answer has at most.
pub(crate) fn wanted(max_items: Option<i32>) -> usize {
    max_items.map_or(PAGE, |max| (max.max(1) as usize).min(PAGE))
}

/// Keeps the first page of what was found; the marker of the next one, if there is one. `key` is what the list
/// continues behind.
pub(crate) fn page<T>(
    found: &mut Vec<T>,
    max_items: Option<i32>,
    key: impl FnOnce(&T) -> String,
) -> Option<String> {
    let wanted = wanted(max_items);
    let more = found.len() > wanted;
    found.truncate(wanted);
    found.last().filter(|_| more).map(|last| write(&key(last)))
}

/// The key in a marker.
pub(crate) fn read(marker: &str) -> Result<String, InvalidMarker> {
    let bytes = URL_SAFE_NO_PAD.decode(marker).map_err(|_| InvalidMarker)?;
    String::from_utf8(bytes).map_err(|_| InvalidMarker)
}

fn write(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_names_the_last_item_of_a_page() {
        let mut found = vec!["a", "b", "c"];
        let marker = page(&mut found, Some(2), |last| (*last).to_owned()).unwrap();
        assert_eq!(found, ["a", "b"]);
        assert_eq!(read(&marker).unwrap(), "b");
        assert!(page(&mut found, Some(2), |last| (*last).to_owned()).is_none());
        assert!(read("?").is_err());
        assert!(read("_w").is_err());
    }
}
