//! The `countersign-harness` program.

fn main() {
    countersign::probe::run_if_asked();
}
