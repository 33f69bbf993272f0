//! The user numbers of environments.

use std::collections::VecDeque;

use crate::isolation::privileges::Identity;
use crate::launcher::UserRange;

/// Free user numbers. Two environments never have the same one at a time, and one that was given back is
/// given out again as late as possible.
pub(super) struct Users {
    free: VecDeque<u32>,
}

impl Users {
    /// All but the first number of the range, which belongs to inits.
    pub(super) fn new(range: UserRange) -> Self {
        Self {
            free: (range.first + 1..range.first + range.count).collect(),
        }
    }

    /// Whether none is free.
    pub(super) fn are_taken(&self) -> bool {
        self.free.is_empty()
    }

    /// Takes one, if one is free.
    pub(super) fn take(&mut self) -> Option<Identity> {
        self.free.pop_front().map(|number| Identity {
            uid: number,
            gid: number,
        })
    }

    /// Gives one back when no process and no file of it is left.
    pub(super) fn give_back(&mut self, user: Identity) {
        self.free.push_back(user.uid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_is_never_given_out() {
        let mut users = Users::new(UserRange { first: 100, count: 3 });
        let taken: Vec<u32> = std::iter::from_fn(|| users.take()).map(|user| user.uid).collect();
        assert_eq!(taken, [101, 102]);
        users.give_back(Identity { uid: 101, gid: 101 });
        assert_eq!(users.take(), Some(Identity { uid: 101, gid: 101 }));
    }
}
