//! Regular expressions between `%`, as CloudWatch Logs has them.
//!
//! They are a small language: letters, digits, blanks and `:_#=@/;,-`, the operators `^ $ ? * + . | [] {}`, `\` before
//! one of these operators, `\d \s \w` and their opposites, and `\xhh` for every other ASCII character. There are no
//! parentheses, so an expression is a choice between sequences of repeated characters, and a message is matched in
//! one pass whose cost per character does not depend on the message: see [`automaton`].
//!
//! Source: "Supported regular expressions (regex) syntax" in the CloudWatch Logs user guide.

mod automaton;
mod class;
mod parse;

use super::InvalidPattern;
use super::cursor::Cursor;
use automaton::Automaton;

/// Regular expressions in one pattern, as on AWS.
const MAX_EXPRESSIONS: usize = 2;

/// A regular expression.
#[derive(Clone, Debug)]
pub(super) struct Regex(Automaton);

impl Regex {
    /// Reads the rest of a regular expression, up to the `%` that ends it.
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, InvalidPattern> {
        let text = cursor.take_while(|c| c != '%');
        if !cursor.eat("%") {
            return Err(InvalidPattern::new("a '%' is missing"));
        }
        cursor.expressions += 1;
        if text.is_empty() || cursor.expressions > MAX_EXPRESSIONS {
            return Err(InvalidPattern::new(format!(
                "at most {MAX_EXPRESSIONS} regular expressions, none of them empty"
            )));
        }
        let alternatives = parse::alternatives(text)?;
        Ok(Self(Automaton::new(&alternatives)?))
    }

    /// Whether it fits anywhere in a text.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.0.matches(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compile(text: &str) -> Result<Regex, InvalidPattern> {
        Regex::parse(&mut Cursor::new(&format!("{text}%")))
    }

    /// Expressions, with repetitions that may be empty and such that cannot.
    fn expression() -> impl Strategy<Value = String> {
        let character = prop::sample::select(vec![
            "a", "b", "c", "-", " ", ".", "[ab]", "[^a]", "[^b-d]", "[a-]", r"\.", r"\d", r"\W", r"\x28",
        ]);
        let repeated = prop::sample::select(vec![
            "", "", "", "?", "*", "+", "*?", "{2}", "{0,2}", "{1,3}", "{2,}", "{0}",
        ]);
        let sequence = prop::collection::vec((character, repeated), 0..8).prop_map(|parts| {
            parts
                .into_iter()
                .map(|(one, often)| format!("{one}{often}"))
                .collect::<String>()
        });
        let alternative = (any::<bool>(), sequence, any::<bool>()).prop_map(|(start, sequence, end)| {
            let anchor = |wanted: bool, text| if wanted { text } else { "" };
            format!("{}{sequence}{}", anchor(start, "^"), anchor(end, "$"))
        });
        prop::collection::vec(alternative, 1..4)
            .prop_map(|alternatives| alternatives.join("|"))
            .prop_filter("none is empty", |text| !text.is_empty())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]
        #[test]
        fn what_fits_is_what_another_engine_finds(text in expression(), message in "[abcd. (1é\n-]{0,12}") {
            // There `.` is no line break unless it is told so.
            let other = regex_lite::Regex::new(&format!("(?s){text}")).unwrap();
            prop_assert_eq!(compile(&text).unwrap().matches(&message), other.is_match(&message));
        }

        #[test]
        fn long_repetitions_cross_the_words_of_the_automaton(count in 1usize..300, more in 0usize..300, letters in 0usize..700) {
            let most = count + more;
            let message = format!("x{}y", "a".repeat(letters));
            let bounded = compile(&format!("xa{{{count},{most}}}y")).unwrap();
            prop_assert_eq!(bounded.matches(&message), (count..=most).contains(&letters));
            let optional = compile(&format!("xa{{,{most}}}y")).unwrap();
            prop_assert_eq!(optional.matches(&message), letters <= most);
            let open = compile(&format!("xa{{{count},}}y")).unwrap();
            prop_assert_eq!(open.matches(&message), letters >= count);
        }

        #[test]
        fn any_expression_is_survived_and_cheap(text in "([a-c.](\\{[0-9,]{1,4}\\})?|[0-9:|^$?*+\\[\\]{},\\\\ dx-]){1,40}", message in "\\PC{0,40}") {
            if let Ok(regex) = compile(&text) {
                regex.matches(&message);
                prop_assert!(regex.0.cost() <= automaton::MAX_PLACES / automaton::WORD);
            }
        }
    }
}
