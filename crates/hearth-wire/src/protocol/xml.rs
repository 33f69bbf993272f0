//! Just enough XML to write answers.

use std::fmt::Write as _;

/// An XML document under construction. Elements are closed in the order in which they were opened.
pub(crate) struct Xml(String);

impl Xml {
    /// Opens a document with a root element, runs `inside` in it, and closes it. An empty namespace
    /// is left out.
    pub(crate) fn document(root: &str, namespace: &str, inside: impl FnOnce(&mut Self)) -> String {
        let mut xml = Self(String::new());
        let _ = write!(xml.0, "<{root}");
        if !namespace.is_empty() {
            xml.0.push_str(" xmlns=\"");
            xml.escape(namespace);
            xml.0.push('"');
        }
        xml.0.push('>');
        inside(&mut xml);
        let _ = write!(xml.0, "</{root}>");
        xml.0
    }

    /// Writes an element with content of its own.
    pub(crate) fn element(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        let _ = write!(self.0, "<{name}>");
        inside(self);
        let _ = write!(self.0, "</{name}>");
    }

    /// Writes an element that contains a text.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        self.element(name, |xml| xml.escape(text));
    }

    fn escape(&mut self, text: &str) {
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\t' | '\n' | '\r' => {
                    let _ = write!(self.0, "&#{};", u32::from(letter));
                }
                // XML 1.0 has no way to write the other control characters.
                letter if letter.is_ascii_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                    self.0.push('\u{fffd}');
                }
                letter => self.0.push(letter),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        let document = Xml::document("R", "urn:a&b", |xml| xml.text("T", "<a> & \"b\"\n\0"));
        assert_eq!(
            document,
            "<R xmlns=\"urn:a&amp;b\"><T>&lt;a&gt; &amp; &quot;b&quot;&#10;\u{fffd}</T></R>"
        );
    }
}
