//! The comparison `ArnLike`: ARNs part by part, with wildcards.

/// Colons of an ARN that separate parts; the last part may have more of them.
const PARTS: usize = 6;

/// Whether an ARN is like a pattern. Each of the six parts is compared by itself, so that a star in one part never
/// reaches into the next; `*` stands for any text and `?` for any one character.
pub(super) fn arn_like(pattern: &str, arn: &str) -> bool {
    let (pattern, arn): (Vec<&str>, Vec<&str>) = (
        pattern.splitn(PARTS, ':').collect(),
        arn.splitn(PARTS, ':').collect(),
    );
    pattern.len() == PARTS
        && arn.len() == PARTS
        && pattern
            .iter()
            .zip(&arn)
            .all(|(pattern, text)| like(pattern, text))
}

/// Whether a text is like a pattern with wildcards. Takes time in proportion to the product of both lengths at most.
fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to go on when what follows the last star does not fit: the star takes one character more.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((star, taken)) => {
                    retry = Some((star, taken + 1));
                    p = star + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same, straight from the definition.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|skip| naive(rest, &text[skip..])),
            Some((wanted, rest)) => text
                .split_first()
                .is_some_and(|(first, after)| (*wanted == '?' || wanted == first) && naive(rest, after)),
        }
    }

    #[test]
    fn a_star_stays_in_its_part() {
        let bucket = "arn:aws:s3:::pictures";
        assert!(arn_like(bucket, bucket));
        assert!(arn_like("arn:aws:s3:::pict*", bucket));
        assert!(arn_like("arn:*:s3:*:*:*", bucket));
        assert!(!arn_like("arn:*:pictures", bucket));
        assert!(!arn_like("*", bucket));
        assert!(arn_like(
            "arn:aws:execute-api:us-east-1:123456789012:*/*/GET/pets",
            "arn:aws:execute-api:us-east-1:123456789012:abc/prod/GET/pets"
        ));
        assert!(!arn_like(
            "arn:aws:sns:*:topic",
            "arn:aws:sns:us-east-1:123456789012:topic"
        ));
        assert!(arn_like(
            "arn:aws:logs:*:*:log-group:*",
            "arn:aws:logs:us-east-1:123456789012:log-group:a:*"
        ));
    }

    proptest! {
        #[test]
        fn it_is_what_it_is_defined_to_be(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(like(&pattern, &text), naive(&p, &t));
        }

        #[test]
        fn no_text_is_too_strange(pattern: String, arn: String) {
            arn_like(&pattern, &arn);
        }
    }
}
