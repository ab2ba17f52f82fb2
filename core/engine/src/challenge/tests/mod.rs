//! Every rule of a challenge's life, on a whole engine.

mod approving;
mod counting;
mod crashes;
mod fallback;
mod history;
mod live;
mod polling;
mod sending;
mod surviving;

use countersign_plugin::Purpose;

use super::*;
use crate::challenge::{CheckError, NotSent, StartError};
use crate::rig::{NUMBER, OTHER_NUMBER, Rig, WRONG, Weather, run, two_factor};

fn wrong(attempts_left: u32) -> Verdict {
    Verdict::WrongCode { attempts_left }
}

#[track_caller]
fn approved(verdict: &Verdict) {
    assert!(matches!(verdict, Verdict::Approved(_)), "{verdict:?}");
}

#[track_caller]
fn not_sent(result: Result<Started, StartError>) -> NotSent {
    match result {
        Err(StartError::NotSent(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn passed(user: &str, service: &str, channel: &str) -> Verdict {
    Verdict::Approved(Passed {
        user: user.to_owned(),
        purpose: Purpose::Login,
        login_type: Some("web".to_owned()),
        service: service.to_owned(),
        channel: channel.to_owned(),
    })
}

impl Rig {
    async fn check(&self, challenge: &ChallengeId, typed: &str) -> Verdict {
        self.engine.check(challenge, typed).await.unwrap()
    }

    async fn guess(&self, challenge: &ChallengeId, times: u32) -> Verdict {
        let mut verdict = Verdict::Expired;
        for _ in 0..times {
            verdict = self.check(challenge, WRONG).await;
        }
        verdict
    }

    async fn failures(&self, user: &str) -> u32 {
        self.engine.show_user(user).await.unwrap().failures
    }
}
