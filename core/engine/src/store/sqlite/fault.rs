//! What goes wrong within a transition, before it is known in which file.

use std::path::Path;

use crate::clock::NoRandomness;
use crate::store::StoreError;

#[derive(Debug)]
pub(super) enum Fault {
    Database(rusqlite::Error),
    Sealed { table: &'static str, column: &'static str },
    Damaged { table: &'static str, column: &'static str },
    NoRandomness(NoRandomness),
}

impl Fault {
    pub(super) fn of(self, path: &Path) -> StoreError {
        match self {
            Self::Database(cause) => StoreError::Database { path: path.to_owned(), cause: Box::new(cause) },
            Self::Sealed { table, column } => StoreError::Sealed { table, column },
            Self::Damaged { table, column } => StoreError::Damaged { table, column },
            Self::NoRandomness(error) => StoreError::NoRandomness(error),
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<NoRandomness> for Fault {
    fn from(error: NoRandomness) -> Self {
        Self::NoRandomness(error)
    }
}
