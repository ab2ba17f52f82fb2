//! The newest of what keeps coming: a replay may run for days, and nobody may look.

/// Keeps the newest items and counts the others.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    /// At most twice as many as are kept, so that dropping some is rare and cheap.
    items: Vec<T>,
    most: usize,
    dropped: u64,
}

impl<T> Kept<T> {
    /// Nothing yet; of what comes, the last `most`.
    pub(crate) const fn last(most: usize) -> Self {
        Self { items: Vec::new(), most, dropped: 0 }
    }

    pub(crate) fn push(&mut self, item: T) {
        self.items.push(item);
        if self.items.len() >= self.most * 2 {
            self.items.drain(..self.items.len() - self.most);
            self.dropped += self.most as u64;
        }
    }

    /// In the order in which they came.
    pub(crate) fn items(&self) -> &[T] {
        &self.items[self.items.len().saturating_sub(self.most)..]
    }

    /// Takes them. What is dropped stays counted.
    pub(crate) fn take(&mut self) -> Vec<T> {
        self.dropped = self.dropped();
        let older = self.items.len() - self.items().len();
        let mut items = std::mem::take(&mut self.items);
        items.drain(..older);
        items
    }

    /// How many came and were neither taken nor kept.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped + (self.items.len() - self.items().len()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_are_kept_and_the_others_are_counted() {
        let mut kept = Kept::last(3);
        for number in 1..=1000 {
            kept.push(number);
            assert!(kept.items.len() < 6);
            assert_eq!(kept.items().last(), Some(&number));
            assert_eq!(kept.items().len() as u64 + kept.dropped(), number);
        }
        assert_eq!(kept.items(), [998, 999, 1000]);
        assert_eq!((kept.take(), kept.dropped()), (vec![998, 999, 1000], 997));
        kept.push(1001);
        assert_eq!((kept.take(), kept.dropped()), (vec![1001], 997));
    }
}
