//! The life of a channel, as far as its plugin declares it: from enrolling to the last challenge.

use std::sync::Arc;

use countersign::instance::Instance;
use countersign_plugin::manifest::{Channel, Maker};
use countersign_plugin::{Operation, OperationName};

use super::drive::{Randomness, Running};
use super::inputs::{self, ADA, Memory, NOW};
use super::performed::{Performed, Typed};
use super::replies::emulated::Emulated;
use super::replies::grown::Grown;
use super::replies::{Asked, Flavour, Replies};
use super::scenario::{Hook, Place};
use super::subject::Subject;
use crate::case::Seeded;

/// Operations on one channel, or those that belong to none.
pub(super) struct Life {
    offer: Option<Channel>,
    acts: Vec<Act>,
    replies: Answerer,
    seed: u64,
}

/// One operation, and how it is to go.
#[derive(Clone, Copy)]
pub(super) struct Act {
    pub(super) name: OperationName,
    pub(super) flavour: Flavour,
}

/// Who answers.
enum Answerer {
    Emulated(Emulated),
    Grown(Grown),
}

impl Life {
    /// The life of a channel, or with none that of the operations without.
    ///
    /// Where nobody knows the service, replies are first grown, which needs an instance of the plugin.
    pub(super) fn new(subject: &Subject, offer: Option<&Channel>, seed: u64, instance: &Arc<dyn Instance>) -> Self {
        let acts = match offer {
            Some(offer) => acts(subject, offer),
            None => without_channel(subject),
        };
        let emulated = Emulated::of(subject, seed).map(Answerer::Emulated);
        let replies = emulated.unwrap_or_else(|| Answerer::Grown(Grown::default()));
        let mut life = Self { offer: offer.cloned(), acts, replies, seed };
        life.grow(instance);
        life
    }

    /// Whether there is anything to do.
    pub(super) const fn is_empty(&self) -> bool {
        self.acts.is_empty()
    }

    /// Who answers.
    pub(super) const fn source(&self) -> &'static str {
        match self.replies {
            Answerer::Emulated(_) => "emulator",
            Answerer::Grown(_) => "grown by the kit",
        }
    }

    /// Runs it.
    pub(super) fn run(&self, instance: &Arc<dyn Instance>, hook: &mut dyn Hook) -> Vec<Performed> {
        let mut replies = self.fresh();
        let random = Arc::new(Seeded::new(self.seed));
        let mut memory = Memory::default();
        let mut life = Vec::new();
        for (index, act) in self.acts.iter().enumerate() {
            let Some((mut operation, typed)) = self.operation(*act, &memory, &*replies) else { continue };
            hook.operation(index, &mut operation);
            let random = Randomness::Seeded(Arc::clone(&random));
            let running = Running::begin(instance, operation, typed, NOW, random);
            let mut performed = running.run(&mut |exchange, request| {
                let got = replies.reply(&Asked { request, name: act.name, flavour: act.flavour });
                hook.reply(Place { operation: index, exchange }, request, got)
            });
            performed.index = index;
            memory.take(&performed);
            life.push(performed);
            if hook.last() == Some(index) {
                break;
            }
        }
        life
    }

    /// Looks for replies with which each operation goes as it is to go.
    fn grow(&mut self, instance: &Arc<dyn Instance>) {
        let Answerer::Grown(_) = &self.replies else { return };
        let mut memory = Memory::default();
        let seed = self.seed;
        for act in self.acts.clone() {
            let Answerer::Grown(grown) = &self.replies else { return };
            let mut grown = grown.clone();
            let Some((operation, typed)) = self.operation(act, &memory, &grown.fresh()) else { continue };
            let mut attempt = |replies: &mut dyn Replies| {
                let running = Running::begin(instance, operation.clone(), typed, NOW, Randomness::new(seed));
                running.run(&mut |_, request| replies.reply(&Asked { request, name: act.name, flavour: act.flavour }))
            };
            let performed = grown.grow(act, &mut attempt);
            memory.take(&performed);
            self.replies = Answerer::Grown(grown);
        }
    }

    fn fresh(&self) -> Box<dyn Replies> {
        match &self.replies {
            Answerer::Emulated(emulated) => Box::new(emulated.fresh()),
            Answerer::Grown(grown) => Box::new(grown.fresh()),
        }
    }

    fn operation(&self, act: Act, memory: &Memory, replies: &dyn Replies) -> Option<(Operation, Option<Typed>)> {
        let offer = self.offer.as_ref();
        let kit = inputs::code(offer);
        let right = match offer.map(|offer| offer.code_made_by) {
            Some(Maker::Device) => memory.uri.as_deref().and_then(|uri| inputs::shown_by_app(uri, NOW)),
            Some(Maker::Provider) => replies.arrived(),
            _ => None,
        };
        let right = right.unwrap_or_else(|| kit.to_owned());
        let typed = matches!(act.name, OperationName::Check | OperationName::ConfirmEnrollment)
            .then(|| if act.flavour == Flavour::Yes { Typed::Right } else { Typed::Wrong });
        let code = if typed == Some(Typed::Wrong) { inputs::other_code(&right) } else { right };
        Some((inputs::operation(act.name, offer, &ADA, memory, &code)?, typed))
    }
}

const fn act(name: OperationName, flavour: Flavour) -> Act {
    Act { name, flavour }
}

/// What becomes of a channel, in the order in which a person meets it; what is not declared is left out.
fn acts(subject: &Subject, offer: &Channel) -> Vec<Act> {
    use OperationName::{Cancel, Check, ConfirmEnrollment, Enroll, Receive, Start, Status, Unenroll};
    let declared = |name| subject.declares(Some(offer), name);
    let mut acts =
        vec![act(Enroll, Flavour::Neutral), act(ConfirmEnrollment, Flavour::No), act(ConfirmEnrollment, Flavour::Yes)];
    acts.extend([act(Start, Flavour::Neutral), act(Status, Flavour::Neutral), act(Receive, Flavour::Neutral)]);
    acts.extend([act(Check, Flavour::No), act(Check, Flavour::Yes)]);
    if declared(Cancel) {
        acts.extend([act(Start, Flavour::Neutral), act(Cancel, Flavour::Over)]);
    }
    if declared(Status) && offer.code_made_by == Maker::Nobody {
        acts.extend([act(Start, Flavour::Neutral), act(Status, Flavour::Yes)]);
    }
    acts.push(act(Unenroll, Flavour::Neutral));
    acts.retain(|act| declared(act.name));
    acts
}

fn without_channel(subject: &Subject) -> Vec<Act> {
    let own = [OperationName::TestCredentials, OperationName::Provision];
    own.into_iter().filter(|name| subject.operations.contains(name)).map(|name| act(name, Flavour::Neutral)).collect()
}
