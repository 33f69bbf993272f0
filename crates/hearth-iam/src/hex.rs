//! Lower-case hexadecimal, as signatures and digests are written.

/// Writes bytes as lower-case hexadecimal.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|nibble| DIGITS[usize::from(nibble)] as char).collect()
}

/// Reads 64 lower-case digits: a SHA-256 digest or a signature.
pub(crate) fn decode_digest(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_spelling_round_trips() {
        let digest = std::array::from_fn(|index| (index * 9) as u8);
        let text = encode(digest);
        assert_eq!(decode_digest(&text), Some(digest));
        assert_eq!(decode_digest(&text.to_uppercase()), None);
        assert_eq!(decode_digest(&text[2..]), None);
    }
}
