//! The engine, as a host uses it: one call per move of a login.

use std::sync::Arc;

use countersign_plugin::{Diagnosis, Failure, Operation, OperationName, Purpose, TestCredentials};

use crate::account::{self, Account, AdminError, NewAccount, UserError};
use crate::audit::{AuditEvent, AuditKind};
use crate::bootstrap::{Limits, TwoFactor};
use crate::challenge::{self, Cancellation, CheckError, Progress, Resend, StartError, StartLogin, Started, Verdict};
use crate::clock::{Clock, Random};
use crate::enrollment::{self, Actor, BeginFactor, BeginPhone, EnrollError, Enrolling, Removed};
use crate::operation::{NothingKept, Runner};
use crate::policy::{Assessment, Situation, UnlistedLogin};
use crate::service::Service;
use crate::store::{ChallengeId, Delivery, EnrollmentId, Factor, Store, StoreError, UserChange};

/// What an engine is made of.
pub struct EngineParts {
    /// The services, in the order in which they are offered.
    pub services: Vec<Arc<Service>>,
    /// What survives.
    pub store: Arc<dyn Store>,
    /// Runs the plugins' operations.
    pub runner: Runner,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives ids and codes.
    pub random: Arc<dyn Random>,
    /// The site's options.
    pub two_factor: TwoFactor,
    /// How often and how long.
    pub limits: Limits,
}

/// Second factors for the logins of one site.
///
/// It keeps nothing in memory that the store does not have: it may be dropped at any moment, and
/// another one (with a new bootstrap, on another node) goes on with the same challenges. So may
/// the future of any of its methods be; a challenge whose start was cut off counts as sent.
pub struct Engine {
    pub(crate) services: Vec<Arc<Service>>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) runner: Runner,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) two_factor: TwoFactor,
    pub(crate) limits: Limits,
}

/// Why there is no assessment. Towards the host an unknown user is an error, never "not
/// required"; towards the person the host answers alike for known and unknown.
#[derive(Debug, thiserror::Error)]
pub enum AssessError {
    /// The user.
    #[error(transparent)]
    User(#[from] UserError),
    /// The kind of login.
    #[error(transparent)]
    Login(#[from] UnlistedLogin),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why credentials were not tested.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// There is no such service.
    #[error("there is no service `{asked}`; the bootstrap has {}", known.join(", "))]
    UnknownService {
        /// What was asked for.
        asked: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// Its provider cannot test them.
    #[error("provider `{provider}` of service `{service}` has no credentials that could be tested")]
    Unsupported {
        /// The service.
        service: String,
        /// Its provider.
        provider: String,
    },
    /// The test did not come to an end.
    #[error("the credentials of service `{service}` could not be tested: {failure}")]
    Failed {
        /// The service.
        service: String,
        /// How.
        failure: Box<Failure>,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// An engine of these parts.
    pub fn new(parts: EngineParts) -> Self {
        let EngineParts { services, store, runner, clock, random, two_factor, limits } = parts;
        Self { services, store, runner, clock, random, two_factor, limits }
    }

    /// What a login needs: nothing, a factor that the user has, or to register one.
    ///
    /// # Errors
    /// [`AssessError`]: the user or the kind of login is not known, or the store failed. The host
    /// then lets nobody in.
    pub async fn assess(&self, user: &str, login_type: &str) -> Result<Assessment, AssessError> {
        // Asked first, so that a kind of login that is refused makes no user.
        let _known = crate::policy::who_must_pass(&self.two_factor, login_type)?;
        let user = account::at_login(self, user).await?;
        let now = self.clock.now();
        let enrollments = self.store.enrollments(&user.id, now).await?;
        let situation = Situation {
            two_factor: &self.two_factor,
            services: &self.services,
            login_type,
            user: &user,
            enrollments: &enrollments,
            now,
        };
        Ok(situation.assess()?)
    }

    /// Starts a challenge for a login, and sends a code where the method sends one. A host may
    /// do so even where none is required: changing factors needs a passed challenge.
    ///
    /// # Errors
    /// [`StartError`]; nothing was sent then, or (where the store failed) nobody can use it.
    pub async fn start(&self, login: StartLogin<'_>) -> Result<Started, StartError> {
        challenge::start(self, login).await
    }

    /// Sends a code again, by the same method or another one. Attempts and sends keep counting.
    /// From then on only the newest code is right (a provider that makes the codes may send the
    /// same one again).
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn resend(&self, resend: Resend<'_>) -> Result<Started, StartError> {
        challenge::resend(self, resend).await
    }

    /// Is this the code of this login challenge?
    ///
    /// # Errors
    /// [`CheckError`]; no error is an approval.
    pub async fn check(&self, challenge: &ChallengeId, typed: &str) -> Result<Verdict, CheckError> {
        challenge::check(self, challenge, Purpose::Login, typed).await
    }

    /// Has the person approved this login challenge, on a channel without codes?
    ///
    /// # Errors
    /// [`CheckError`]; no error is an approval.
    pub async fn poll(&self, challenge: &ChallengeId) -> Result<Progress, CheckError> {
        challenge::poll(self, challenge, Purpose::Login).await
    }

    /// Takes a challenge back, of either purpose, here and (where it can be) at the provider.
    ///
    /// # Errors
    /// [`CheckError::UnknownChallenge`] or [`CheckError::Store`].
    pub async fn cancel(&self, challenge: &ChallengeId) -> Result<Cancellation, CheckError> {
        challenge::cancel(self, challenge).await
    }

    /// Begins to enroll a phone number: sends a code to it, which
    /// [`confirm_phone`](Self::confirm_phone) takes. Then the number is a factor for every method
    /// that reaches phones.
    ///
    /// # Errors
    /// [`EnrollError`].
    pub async fn begin_phone(&self, begin: BeginPhone<'_>) -> Result<Started, EnrollError> {
        enrollment::begin_phone(self, begin).await
    }

    /// Is this the code that was sent to the number? Such a challenge never passes a login.
    ///
    /// # Errors
    /// [`CheckError`]; no error is an approval.
    pub async fn confirm_phone(&self, challenge: &ChallengeId, typed: &str) -> Result<Verdict, CheckError> {
        challenge::check(self, challenge, Purpose::Enroll, typed).await
    }

    /// Begins to enroll a device: its secret, as QR code and text. The first code goes to
    /// [`confirm_device`](Self::confirm_device) within `limits.enrollment_timeout_seconds`.
    ///
    /// # Errors
    /// [`EnrollError`].
    pub async fn begin_device(&self, begin: BeginFactor<'_>) -> Result<Enrolling, EnrollError> {
        enrollment::begin_device(self, begin).await
    }

    /// Is this a code of the device? Wrong ones count like every wrong code of the user.
    ///
    /// # Errors
    /// [`EnrollError`]; no error makes the device a factor.
    pub async fn confirm_device(
        &self,
        user: &str,
        enrollment: &EnrollmentId,
        typed: &str,
    ) -> Result<Verdict, EnrollError> {
        enrollment::confirm_device(self, user, enrollment, typed).await
    }

    /// Begins to enroll a person for a channel that reaches neither phone nor device (a mailbox,
    /// an approval elsewhere). A code goes to [`confirm_phone`](Self::confirm_phone), an approval
    /// is seen by [`poll_enrollment`](Self::poll_enrollment).
    ///
    /// # Errors
    /// [`EnrollError`].
    pub async fn begin_other(&self, begin: BeginFactor<'_>) -> Result<Started, EnrollError> {
        enrollment::begin_other(self, begin).await
    }

    /// Has the person approved this enrollment, on a channel without codes?
    ///
    /// # Errors
    /// [`CheckError`]; no error is an approval.
    pub async fn poll_enrollment(&self, challenge: &ChallengeId) -> Result<Progress, CheckError> {
        challenge::poll(self, challenge, Purpose::Enroll).await
    }

    /// Removes a factor, here and (where it can be) at the provider.
    ///
    /// Who had a factor and has none does not register one again without an administrator: it would
    /// take no more than the password. An administrator who removes the last factor lets the user
    /// register again, which is what that is for; it also ends an enrollment of this factor that is
    /// under way, and works where the factor has gone before. [`change_number`](Self::change_number)
    /// and [`set_email`](Self::set_email) let nobody register.
    ///
    /// # Errors
    /// [`EnrollError`].
    pub async fn remove_factor(&self, user: &str, factor: &Factor, actor: Actor<'_>) -> Result<Removed, EnrollError> {
        enrollment::remove(self, user, factor, actor).await
    }

    /// Adds a user.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn add_user(&self, account: NewAccount<'_>) -> Result<Account, AdminError> {
        account::add(self, account).await
    }

    /// A user with their factors. No number is shown whole.
    ///
    /// # Errors
    /// [`UserError`].
    pub async fn show_user(&self, user: &str) -> Result<Account, UserError> {
        account::show(self, user).await
    }

    /// Users with their factors, in the order of their names, after this one: a page at a time.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_users(&self, after: Option<&str>, limit: u32) -> Result<Vec<Account>, StoreError> {
        account::list(self, after, limit).await
    }

    /// Ticks or clears the box "Two Factor Auth. Required".
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn require(&self, user: &str, required: bool) -> Result<(), AdminError> {
        account::change(self, user, UserChange { required: Some(required), ..UserChange::default() }).await
    }

    /// Sets or clears the language, a BCP 47 tag.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn set_locale(&self, user: &str, locale: Option<&str>) -> Result<(), AdminError> {
        let locale = Some(locale.map(account::language).transpose()?);
        account::change(self, user, UserChange { locale, ..UserChange::default() }).await
    }

    /// Sets or clears the e-mail address. What the old address proved or is to prove is removed with it, in one
    /// step.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn set_email(&self, user: &str, email: Option<&str>) -> Result<(), AdminError> {
        let email = email.map(account::address).transpose()?;
        enrollment::change_mailbox(self, user, email).await
    }

    /// Changes a user's number, as an administrator does: the old one ceases to be a factor at
    /// once and its open challenges die; the new one must be proven with
    /// [`confirm_phone`](Self::confirm_phone). Until then the user may be without a factor, and
    /// cannot register one without an administrator: change the number once more, or release the
    /// user by [`remove_factor`](Self::remove_factor).
    ///
    /// # Errors
    /// [`EnrollError`]. A number or method that cannot be used changes nothing;
    /// [`NumberGone`](EnrollError::NumberGone) says that the old number is removed and no code was
    /// sent to the new one.
    pub async fn change_number(&self, user: &str, number: &str, method: &str) -> Result<Started, EnrollError> {
        enrollment::change_number(self, user, number, method).await
    }

    /// Ends the guess lock and clears the count of wrong codes.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn unlock(&self, user: &str) -> Result<(), AdminError> {
        let user = account::existing(self, user).await?;
        if self.store.unlock_user(&user.id, self.clock.now()).await? {
            Ok(())
        } else {
            Err(UserError::unknown(user.name).into())
        }
    }

    /// Deletes a user with everything that belongs to them, here and (where it can be) at the
    /// providers. The audit keeps its events, which name the user by id.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn forget(&self, user: &str) -> Result<Removed, AdminError> {
        enrollment::forget(self, user).await
    }

    /// Do a service's credentials work, and if not, which setting is wrong? Nothing reaches a
    /// person.
    ///
    /// # Errors
    /// [`TestError`]. Wrong credentials are no error but a finding.
    pub async fn test_credentials(&self, service: &str) -> Result<Diagnosis, TestError> {
        let Some(service) = self.service(service) else {
            return Err(TestError::UnknownService { asked: service.to_owned(), known: self.known() });
        };
        let name = service.name.clone();
        if !service.supports(OperationName::TestCredentials) {
            return Err(TestError::Unsupported { service: name, provider: service.provider.clone() });
        }
        let operation = Operation::TestCredentials(TestCredentials::default());
        let tested = self.runner.run::<Diagnosis>(&service, operation, &NothingKept).await;
        let mut event = AuditEvent::new(AuditKind::CredentialsTested);
        event.facts.insert("service".to_owned(), name.clone().into());
        if let Err(failed) = &tested {
            event.facts.insert("failure".to_owned(), failed.failure.kind.name().into());
        }
        self.store.append(event, self.clock.now()).await?;
        tested.map_err(|failed| TestError::Failed { service: name, failure: Box::new(failed.failure) })
    }

    /// Marks what has expired, deletes what expired enrollments held, and says how much it was. A
    /// host calls it now and then; nothing depends on when.
    ///
    /// # Errors
    /// The store's.
    pub async fn expire(&self) -> Result<u64, StoreError> {
        self.store.expire(self.clock.now()).await
    }

    /// Every service, each followed by its fallbacks.
    pub(crate) fn every_service(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.services.iter().flat_map(|service| std::iter::once(service).chain(&service.fallback))
    }

    /// The service of that name, fallbacks included.
    pub(crate) fn service(&self, name: &str) -> Option<Arc<Service>> {
        self.every_service().find(|service| service.name == name).cloned()
    }

    /// The method of that name: a service, but no fallback.
    pub(crate) fn method(&self, name: &str) -> Option<&Arc<Service>> {
        self.services.iter().find(|service| service.name == name)
    }

    /// The service by which a delivery went, unless the bootstrap has another one of that name, or the
    /// same one with another account: there, nothing would be known of the delivery, and a word about
    /// that would pass for one about the code.
    pub(crate) fn service_of(&self, delivery: &Delivery) -> Option<Arc<Service>> {
        let same = |service: &Arc<Service>| {
            let account = || service.holder(&*self.store).account;
            service.provider == delivery.provider
                && service.channel == delivery.channel
                && (delivery.account.is_none() || delivery.account == account())
        };
        self.service(&delivery.service).filter(same)
    }

    /// The names of the methods, for messages.
    pub(crate) fn known(&self) -> Vec<String> {
        self.services.iter().map(|service| service.name.clone()).collect()
    }
}
