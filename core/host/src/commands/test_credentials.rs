//! `countersign test-credentials`: asks the providers whether the credentials work. Sends nothing
//! to anyone.

use std::fmt;
use std::path::Path;

use countersign::engine::TestError;
use countersign_plugin::manifest::DeliveryType;
use countersign_plugin::{Diagnosis, FailureKind, Finding, Health};
use serde::Serialize;

use crate::error::CommandError;
use crate::exit::{self, Exit};
use crate::open::{FirstUse, Site, block_on};
use crate::output::Output;
use crate::progress::Progress;

/// Tests the credentials of one service, or of all.
pub(crate) fn run(bootstrap: &Path, service: Option<&str>, output: Output) -> Result<Exit, CommandError> {
    let (site, names) = match service {
        Some(name) => {
            let site = Site::available(bootstrap, FirstUse::Refuses)?;
            if !site.every_service().any(|service| service.name == name) {
                // A fallback belongs to its service.
                let mut all = site.bootstrap.services.values();
                let whose = all.find(|it| it.name == name || it.fallback.iter().any(|fallback| fallback.name == name));
                if let Some(service) = whose.filter(|service| site.left_out.tells_of(&service.name)) {
                    return Err(CommandError::OutOfOrder(site.left_out.told(Some(&service.name))));
                }
            }
            site.warn();
            (site, vec![name.to_owned()])
        }
        None => {
            let site = Site::whole(bootstrap, FirstUse::Refuses)?;
            let names = site.every_service().map(|service| service.name.clone()).collect();
            (site, names)
        }
    };
    let answer = block_on(async {
        let mut services = Vec::new();
        for name in names {
            services.push(test(&site, name).await?);
        }
        Ok(Tested { services })
    })?;
    output.answer(&answer)?;
    Ok(answer.exit())
}

async fn test(site: &Site, service: String) -> Result<Service, CommandError> {
    let _progress = Progress::of(format!("testing {service}"));
    Ok(match site.engine.test_credentials(&service).await {
        Ok(diagnosis) => Service::of(service, diagnosis),
        Err(TestError::Unsupported { .. }) => {
            // A hosted service has credentials even where its plugin cannot test them.
            let local = site
                .every_service()
                .any(|one| one.name == service && one.manifest().delivery_type == DeliveryType::Local);
            let (state, exit) = if local { (State::Local, Exit::Yes) } else { (State::Untested, Exit::Unavailable) };
            Service { service, state, findings: Vec::new(), failure: None, exit }
        }
        Err(TestError::Failed { failure, .. }) => Service {
            service,
            state: State::Unknown,
            findings: Vec::new(),
            failure: Some(Failed { kind: failure.kind.name(), message: failure.to_string() }),
            exit: match failure.kind {
                FailureKind::BadCredentials => Exit::No,
                kind => exit::failed(kind),
            },
        },
        Err(error) => return Err(error.into()),
    })
}

#[derive(Serialize)]
struct Tested {
    services: Vec<Service>,
}

#[derive(Serialize)]
struct Service {
    service: String,
    state: State,
    findings: Vec<Finding>,
    /// Why nothing could be found out.
    failure: Option<Failed>,
    #[serde(skip)]
    exit: Exit,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// The credentials work.
    Good,
    /// Something is wrong.
    Bad,
    /// It could not be found out.
    Unknown,
    /// There are no credentials.
    Local,
    /// The plugin cannot test its credentials.
    Untested,
}

#[derive(Serialize)]
struct Failed {
    kind: &'static str,
    message: String,
}

impl Service {
    fn of(service: String, Diagnosis { findings, .. }: Diagnosis) -> Self {
        let any = |state: Health| findings.iter().any(|finding| finding.state == state);
        let (state, exit) = if any(Health::Bad) {
            (State::Bad, Exit::No)
        } else if findings.is_empty() || any(Health::Unknown) {
            (State::Unknown, Exit::Unavailable)
        } else {
            (State::Good, Exit::Yes)
        };
        Self { service, state, findings, failure: None, exit }
    }
}

impl Tested {
    /// The worst, whichever service comes first: what is wrong counts more than what could not be found out.
    fn exit(&self) -> Exit {
        const WORST_FIRST: [Exit; 4] = [Exit::Internal, Exit::Usage, Exit::No, Exit::Unavailable];
        let any = |exit: &Exit| self.services.iter().any(|service| service.exit == *exit);
        WORST_FIRST.into_iter().find(any).unwrap_or(Exit::Yes)
    }
}

impl fmt::Display for Tested {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.services.iter().try_for_each(|service| writeln!(out, "{service}"))
    }
}

impl fmt::Display for Service {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Good => "the credentials work",
            State::Bad => "something is wrong",
            State::Unknown => "it could not be found out",
            State::Local => "works locally, there are no credentials",
            State::Untested => "its plugin cannot test credentials; `countersign enroll` will show whether they work",
        };
        write!(out, "{}: {state}", self.service)?;
        if let Some(failure) = &self.failure {
            write!(out, "\n  {}", failure.message)?;
        }
        for Finding { subject, state, message, remedy, .. } in &self.findings {
            let state = match state {
                Health::Good => "good   ",
                Health::Notice => "notice ",
                Health::Bad => "BAD    ",
                Health::Unknown => "unknown",
            };
            write!(out, "\n  {state} {subject}: {message}")?;
            if let Some(remedy) = remedy {
                write!(out, "\n          {remedy}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_answer_is_the_exit_in_any_order() {
        #[track_caller]
        fn check(exits: &[Exit], expected: Exit) {
            let service = |exit: &Exit| Service {
                service: String::new(),
                state: State::Unknown,
                findings: Vec::new(),
                failure: None,
                exit: *exit,
            };
            let tested = |services: Vec<Service>| Tested { services }.exit();
            assert_eq!(tested(exits.iter().map(service).collect()), expected);
            assert_eq!(tested(exits.iter().rev().map(service).collect()), expected);
        }
        check(&[], Exit::Yes);
        check(&[Exit::Yes, Exit::Unavailable], Exit::Unavailable);
        check(&[Exit::Unavailable, Exit::No, Exit::Yes], Exit::No);
        check(&[Exit::Unavailable, Exit::Usage, Exit::No], Exit::Usage);
        check(&[Exit::Unavailable, Exit::Internal, Exit::No], Exit::Internal);
    }
}
