//! Random bytes for names that nobody may guess for good, but that are no secrets.

use std::cell::RefCell;

/// Bytes asked of the kernel at a time: one call for some dozen requests.
const RESERVE: usize = 1024;

thread_local! {
    static BYTES: RefCell<Reserve> = const { RefCell::new(Reserve { bytes: [0; RESERVE], used: RESERVE }) };
}

/// Random bytes that were not given out yet.
struct Reserve {
    bytes: [u8; RESERVE],
    used: usize,
}

impl Reserve {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        const { assert!(N <= RESERVE) };
        if self.used + N > RESERVE {
            getrandom::fill(&mut self.bytes).expect("the kernel has random bytes");
            self.used = 0;
        }
        let mut taken = [0; N];
        taken.copy_from_slice(&self.bytes[self.used..self.used + N]);
        self.used += N;
        taken
    }
}

/// Random bytes of the kernel's. They lie in memory for a while before and after: not for keys.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    BYTES.with_borrow_mut(Reserve::take)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn nothing_is_given_out_twice() {
        let threads =
            (0..4).map(|_| std::thread::spawn(|| (0..500).map(|_| bytes::<16>()).collect::<Vec<_>>()));
        let threads: Vec<_> = threads.collect();
        let all: Vec<_> = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    }
}
