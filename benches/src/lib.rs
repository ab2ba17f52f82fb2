//! What the benches have in common; see `benches/` and `src/bin/`.

pub mod exchanges;
