//! AWS's names as Rust names.

const KEYWORDS: [&str; 8] = ["type", "match", "ref", "use", "move", "in", "loop", "final"];

/// `KMSKeyArn` as `kms_key_arn`; a keyword gets `r#`.
pub(crate) fn field(name: &str) -> String {
    let snake = words(name).join("_").to_lowercase();
    if KEYWORDS.contains(&snake.as_str()) {
        format!("r#{snake}")
    } else {
        snake
    }
}

/// `KMSKeyArn` as `KMS_KEY_ARN`.
pub(crate) fn constant(name: &str) -> String {
    words(name).join("_").to_uppercase()
}

/// `LATEST_PUBLISHED`, `x86_64` and `EniLimitExceeded` as `LatestPublished`, `X8664` and
/// `EniLimitExceeded`.
pub(crate) fn variant(value: &str) -> String {
    words(value).iter().map(|word| capitalised(word)).collect()
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    let shouted = word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    let rest = if shouted {
        letters.as_str().to_lowercase()
    } else {
        letters.as_str().to_owned()
    };
    first.into_iter().collect::<String>() + &rest
}

/// Splits at punctuation, before a capital that follows a small letter or a digit, and before the
/// last capital of a run that a small letter follows.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, &letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| letters[before]);
        let starts = letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                !before.is_ascii_uppercase() || letters.get(at + 1).is_some_and(char::is_ascii_lowercase)
            });
        if starts || !letter.is_ascii_alphanumeric() {
            words.push(String::new());
        }
        if letter.is_ascii_alphanumeric() {
            words.last_mut().expect("there is always a word").push(letter);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_snake_case() {
        for (name, expected) in [
            ("FunctionName", "function_name"),
            ("KMSKeyArn", "kms_key_arn"),
            ("SourceKMSKeyArn", "source_kms_key_arn"),
            ("S3ObjectVersion", "s3_object_version"),
            ("CodeSha256", "code_sha256"),
            ("logGroupName", "log_group_name"),
            ("Type", "r#type"),
        ] {
            assert_eq!(field(name), expected);
        }
    }

    #[test]
    fn variants_are_camel_case() {
        for (value, expected) in [
            ("x86_64", "X8664"),
            ("LATEST_PUBLISHED", "LatestPublished"),
            ("TRACE", "Trace"),
            ("EFSIOError", "EfsioError"),
            ("InProgress", "InProgress"),
            ("FunctionError.InitTimeout", "FunctionErrorInitTimeout"),
            ("JSON", "Json"),
            ("nodejs4.3-edge", "Nodejs43Edge"),
        ] {
            assert_eq!(variant(value), expected);
        }
    }
}
