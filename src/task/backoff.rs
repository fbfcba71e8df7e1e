//! How a thread looks again for what is about to come, before it parks.

use std::thread;

/// How many looks are followed by spinning, each twice as long as the one before. Few: whoever is waited for may need this
/// core, and gets it only from those that come after.
const SPINS: u32 = 4;

/// Looks until there is something, at most so many times. What comes at once is found within nanoseconds; after that each look
/// costs a yield of the core, a third of a microsecond where nobody wants it.
pub(crate) fn look_again<T>(looks: u32, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    for round in 0..looks {
        let found = look();
        if found.is_some() {
            return found;
        }
        if round < SPINS {
            (0..1 << round).for_each(|_| std::hint::spin_loop());
        } else {
            thread::yield_now();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_looks_until_there_is_something_and_no_more_often_than_it_may() {
        let mut looks = 0;
        let mut third = || {
            looks += 1;
            (looks % 10 == 3).then_some(looks)
        };
        assert_eq!(look_again(20, &mut third), Some(3));
        assert_eq!(look_again(9, &mut third), None);
        assert_eq!(look_again(0, &mut third), None);
        assert_eq!(looks, 12);
    }
}
