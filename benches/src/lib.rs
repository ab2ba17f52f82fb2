//! Benches of Countersign; see `benches/`.
