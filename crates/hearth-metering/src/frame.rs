//! Pieces of a file that can be told from what a crash or a broken disk left.
//!
//! ```text
//! u32 length of the body │ u32 CRC-32 of length and body │ body
//! ```

use std::io::{self, Read};

const HEADER: usize = 8;
/// Longest body; a length above it is no length.
const LONGEST: usize = 64 << 20;

/// Begins a frame: what is appended from here on is its body. To be ended by [`end`].
pub(crate) fn begin(out: &mut Vec<u8>) -> usize {
    out.extend_from_slice(&[0; HEADER]);
    out.len()
}

/// Ends the frame whose body begins at `start`.
pub(crate) fn end(out: &mut [u8], start: usize) {
    let length = (out.len() - start) as u32;
    let sum = checksum(length, &out[start..]);
    out[start - HEADER..start - HEADER / 2].copy_from_slice(&length.to_le_bytes());
    out[start - HEADER / 2..start].copy_from_slice(&sum.to_le_bytes());
}

fn checksum(length: u32, body: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&length.to_le_bytes());
    sum.update(body);
    sum.finalize()
}

/// Why there is no further frame.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("it is torn or damaged")]
    Damaged,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads the body of the next frame into `body`; whether there was one.
pub(crate) fn read(input: &mut impl Read, body: &mut Vec<u8>) -> Result<bool, FrameError> {
    let mut header = [0; HEADER];
    match fill(input, &mut header)? {
        0 => return Ok(false),
        HEADER => {}
        _ => return Err(FrameError::Damaged),
    }
    let [a, b, c, d, sum @ ..] = header;
    let length = u32::from_le_bytes([a, b, c, d]);
    if length as usize > LONGEST {
        return Err(FrameError::Damaged);
    }
    body.clear();
    input.take(length.into()).read_to_end(body)?;
    if body.len() < length as usize || checksum(length, body) != u32::from_le_bytes(sum) {
        return Err(FrameError::Damaged);
    }
    Ok(true)
}

/// Reads until `into` is full or the input ends; how much it got.
fn fill(input: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match input.read(&mut into[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn write(bodies: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Vec::new();
        for body in bodies {
            let start = begin(&mut out);
            out.extend_from_slice(body);
            end(&mut out, start);
        }
        out
    }

    /// All up to the end or the first damage.
    fn read_all(mut bytes: &[u8]) -> Vec<Vec<u8>> {
        let (mut all, mut body) = (Vec::new(), Vec::new());
        while let Ok(true) = read(&mut bytes, &mut body) {
            all.push(body.clone());
        }
        all
    }

    fn bodies() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(any::<u8>(), 1..60), 0..8)
    }

    proptest! {
        #[test]
        fn a_torn_end_costs_only_the_frame_it_tears(written in bodies(), at in any::<prop::sample::Index>()) {
            let bytes = write(&written);
            let torn = at.index(bytes.len() + 1);
            let read = read_all(&bytes[..torn]);
            prop_assert_eq!(&read, &written[..read.len()]);
            let whole = write(&written[..(read.len() + 1).min(written.len())]).len();
            prop_assert!(read.len() == written.len() || torn < whole);
        }

        #[test]
        fn a_changed_byte_never_makes_a_frame(
            written in bodies(), at in any::<prop::sample::Index>(), change in 1u8..,
        ) {
            let mut bytes = write(&written);
            prop_assume!(!bytes.is_empty());
            let at = at.index(bytes.len());
            bytes[at] ^= change;
            let read = read_all(&bytes);
            prop_assert!(read.len() < written.len());
            prop_assert_eq!(&read, &written[..read.len()]);
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
            read_all(&bytes);
        }
    }
}
