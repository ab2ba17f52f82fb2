//! One exchange of a case under one fault, as a case of a report.

use super::exchange::exchange;
use super::masked::{Mask, Masked};
use super::model::{ReportCase, ReportFact, ReportVerdict};
use super::replayed::{described, id, suite};
use crate::cassette::Cassette;
use crate::fault::fault;
use crate::fault::matrix::{Pair, PairEnd, Score};
use crate::journal::Pages;

/// The suite and the cases of a cassette that was run under faults: one case for each pair of exchange and fault, and one
/// where the cassette fails without any. `again` gives what went over the wire in a pair that is broken, and the number
/// of the exchange that the fault met.
pub fn faulted(
    cassette: &Cassette,
    score: &Score,
    mut again: impl FnMut(&Pair) -> Option<(Pages, Option<u64>)>,
) -> (Masked, Vec<ReportCase>) {
    let mask = Mask::of(cassette);
    let mut cases: Vec<_> = score
        .failures
        .iter()
        .filter(|broken| broken.exchange.is_none())
        .map(|broken| {
            let reasons = broken.violations.iter().map(|violation| mask.otherwise_open(&violation.to_string()));
            let title = Masked::known("without any fault");
            described(
                &mask,
                cassette,
                ReportCase::new(id(cassette.path()), title, ReportVerdict::Failed(reasons.collect())),
            )
        })
        .collect();
    for pair in &score.pairs {
        let broken = matches!(pair.ended, PairEnd::Broken(_));
        cases.push(case(&mask, cassette, pair, broken.then(|| again(pair)).flatten()));
    }
    (suite(cassette.path()), cases)
}

fn case(mask: &Mask, cassette: &Cassette, pair: &Pair, again: Option<(Pages, Option<u64>)>) -> ReportCase {
    let verdict = match &pair.ended {
        PairEnd::Passed => ReportVerdict::Passed,
        PairEnd::MeansNothing => {
            ReportVerdict::Skipped(vec![Masked::known("the exchange has nothing that could be wrong in this way")])
        }
        PairEnd::Broken(violations) => ReportVerdict::Failed(
            violations.iter().map(|violation| mask.otherwise_open(&violation.to_string())).collect(),
        ),
    };
    let id = Masked::known(format!("{}, exchange {} × {}", id(cassette.path()), pair.exchange, pair.fault));
    let known = fault(pair.fault).ok();
    let title = mask.otherwise_open(&format!("{} in {}", known.map_or(pair.fault, |fault| fault.summary), pair.title));
    let mut case = described(mask, cassette, ReportCase::new(id, title, verdict));
    case.took = pair.took;
    if let Some(fault) = known {
        let harm = format!("{}, declared {}", fault.id, fault.harm);
        case.facts.push(ReportFact::new(Masked::known("Fault"), Masked::known(harm)));
    }
    if let Some((pages, struck)) = again {
        case.exchanges_dropped = pages.dropped;
        case.exchanges = pages.exchanges.iter().map(|exchanged| exchange(mask, cassette, exchanged)).collect();
        for met in case.exchanges.iter_mut().filter(|one| Some(one.number) == struck) {
            let summary = known.map_or("", |fault| fault.summary);
            met.fault = Some(ReportFact::new(Masked::known(pair.fault), Masked::known(summary)));
        }
    }
    case
}
