//! Resources in the order in which they were made, found by id, and never more than so many.

use std::collections::{BTreeMap, HashMap};

/// More resources of one kind than this are not kept; the oldest go first.
pub(super) const ROOM: usize = 10_000;

/// A bounded, ordered collection.
pub(super) struct Shelf<T> {
    items: BTreeMap<u64, (String, T)>,
    places: HashMap<String, u64>,
    next: u64,
    room: usize,
}

impl<T> Shelf<T> {
    pub(super) fn new() -> Self {
        Self::with_room(ROOM)
    }

    pub(super) fn with_room(room: usize) -> Self {
        Self { items: BTreeMap::new(), places: HashMap::new(), next: 0, room }
    }

    /// Puts a new resource at the end, and hands back what had to go: one of the same id, or the oldest.
    pub(super) fn insert(&mut self, id: &str, item: T) -> Option<(String, T)> {
        let same = self.places.remove(id).and_then(|place| self.items.remove(&place));
        self.places.insert(id.to_owned(), self.next);
        self.items.insert(self.next, (id.to_owned(), item));
        self.next += 1;
        if self.items.len() <= self.room {
            return same;
        }
        let (_, (id, item)) = self.items.pop_first()?;
        self.places.remove(&id);
        Some((id, item))
    }

    pub(super) fn get(&self, id: &str) -> Option<&T> {
        self.items.get(self.places.get(id)?).map(|(_, item)| item)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.items.get_mut(self.places.get(id)?).map(|(_, item)| item)
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<T> {
        let place = self.places.remove(id)?;
        self.items.remove(&place).map(|(_, item)| item)
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Oldest first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.items.values().map(|(_, item)| item)
    }

    /// Oldest first.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.values_mut().map(|(_, item)| item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_first_and_the_order_is_that_of_insertion() {
        let mut shelf = Shelf::with_room(2);
        assert_eq!(shelf.insert("b", 1), None);
        assert_eq!(shelf.insert("a", 2), None);
        assert_eq!(shelf.insert("c", 3), Some(("b".to_owned(), 1)));
        assert_eq!(shelf.iter().copied().collect::<Vec<_>>(), [2, 3]);
        assert_eq!(shelf.get("b"), None);
        assert_eq!(shelf.remove("a"), Some(2));
        assert_eq!(shelf.len(), 1);
        assert_eq!(shelf.insert("c", 4), Some(("c".to_owned(), 3)));
        assert_eq!(shelf.get_mut("c").copied(), Some(4));
    }
}
