//! Lists in headers: items between commas, quoted where they need it.

/// Splits a list at commas outside quotes; a date contains one comma of its own.
pub(super) fn split(text: &str, dates: bool) -> Vec<String> {
    let mut items = vec![String::new()];
    let (mut quoted, mut escaped, mut commas) = (false, false, 0);
    for letter in text.chars() {
        let item = items.last_mut().expect("there is always an item");
        match letter {
            _ if escaped => {
                item.push(letter);
                escaped = false;
            }
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                commas += 1;
                if dates && commas % 2 == 1 {
                    item.push(letter);
                } else {
                    items.push(String::new());
                }
            }
            _ => item.push(letter),
        }
    }
    items.into_iter().map(|item| item.trim().to_owned()).collect()
}

/// An item as it is written: in quotes where it would not survive the splitting.
pub(super) fn quoted(text: String) -> String {
    if text.contains([',', '"']) {
        return format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    }
    text
}
