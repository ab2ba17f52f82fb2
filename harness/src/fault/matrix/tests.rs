//! The judge finds what it is there to find.
