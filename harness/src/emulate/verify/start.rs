//! `POST …/Verifications`: a code is made and sent, or sent again.

use std::collections::VecDeque;

use super::Context;
use super::attempt::{Attempt, Attempts};
use super::channel::{Channel, Recipient, Wording, refusal, send};
use super::parameter::{LONGEST, brand, object, required, text};
use super::rate_limit::Key;
use super::service::{Home, Service};
use super::verification::{SENDS, Sent, Status, Transaction, Verification};
use crate::emulate::phones::PhoneKind;
use crate::emulate::reply::{Outcome, Refusal, Reply};
use crate::emulate::request::Fields;

/// What a start asks for.
struct Order<'a> {
    to: Recipient,
    channel: Channel,
    brand: &'a str,
    custom_code: Option<&'a str>,
    transaction: Option<Transaction>,
    keys: Vec<Key>,
    app_hash: Option<&'a str>,
    locale: Option<&'a str>,
    trusted: bool,
}

/// Sends a code for the first time, or the same one again, also by another channel.
pub(super) fn start(service: &mut Service, attempts: &mut Attempts, context: &mut Context<'_>, home: &Home) -> Outcome {
    let asked = context.asked;
    let order = Order::read(service, context, &asked.form)?;
    let now = context.now();
    service.rate_limits.count(&order.keys, now)?;
    let kind = order.to.kind(context.stage);
    if let Recipient::Phone(number) = &order.to {
        let refusal = if order.channel == Channel::Call { Refusal::unverified_call } else { Refusal::unverified_text };
        context.stage.reaches(number, refusal)?;
    }
    if let Some(refusal) = refusal(&order.to, kind, order.channel, order.trusted) {
        return Err(refusal);
    }
    let brand = if order.brand.is_empty() { &service.settings.friendly_name } else { order.brand };
    let warning = service.settings.do_not_share_warning_enabled;
    let attempt = context.stage.dice.sid("VL");
    let looked_up = (service.settings.lookup_enabled && !matches!(order.to, Recipient::Email(_))).then_some(kind);
    let code_length = usize::try_from(service.settings.code_length).unwrap_or(6);

    let known = service.verifications.current(order.to.as_str(), now).map(|verification| verification.sid.clone());
    let sid = match known {
        Some(sid) => sid,
        None => {
            let verification = Verification {
                sid: context.stage.dice.sid("VE"),
                to: order.to.clone(),
                channel: order.channel,
                status: Status::Pending,
                code: context.stage.dice.digits(code_length),
                transaction: order.transaction.clone(),
                sends: Vec::new(),
                checks: 0,
                created: now,
                updated: now,
                fetches: VecDeque::new(),
                looked_up,
            };
            let sid = verification.sid.clone();
            service.verifications.insert(verification);
            sid
        }
    };
    let verification = service.verifications.get_mut(&sid).ok_or_else(|| context.not_found())?;
    // Also after too many checks: Twilio's advice for 60202 is to wait until the verification expires.
    if verification.sends.len() >= SENDS || verification.status == Status::Exhausted {
        return Err(Refusal::new(429, 60203, "Max send attempts reached"));
    }
    if verification.transaction != order.transaction {
        // A code stands for one amount and payee; nobody documents what another start with others does to it.
        verification.transaction = order.transaction;
        verification.code = context.stage.dice.digits(code_length);
    }
    if let Some(code) = order.custom_code {
        code.clone_into(&mut verification.code);
    }
    verification.channel = order.channel;
    verification.updated = now;
    verification.looked_up = looked_up;
    let wording = Wording { brand, code: &verification.code, warning, app_hash: order.app_hash };
    let arrived = send(context.stage, &order.to, order.channel, &wording);
    verification.sends.push(Sent { time: now, channel: order.channel, attempt: attempt.clone() });
    attempts.record(Attempt {
        sid: attempt,
        account: home.account().to_owned(),
        service: home.service().to_owned(),
        verification: sid.clone(),
        created: now,
        updated: now,
        converted: false,
        channel: order.channel,
        arrived,
        to: order.to.as_str().to_owned(),
        country: order.to.country().map(str::to_owned),
        code_length: verification.code.chars().count(),
        locale: order.locale.unwrap_or("en").to_owned(),
    });
    Ok(Reply::created(verification.body(home)))
}

impl<'a> Order<'a> {
    fn read(service: &Service, context: &Context<'_>, form: &'a Fields) -> Result<Self, Refusal> {
        let to = Recipient::read(required(form, "To", LONGEST)?).ok_or_else(|| Refusal::parameter("To"))?;
        let channel = match required(form, "Channel", LONGEST)? {
            // Twilio's choice goes by what it knows of the number and the sender; here by the kind of telephone.
            "auto" if to.kind(context.stage) == PhoneKind::Landline => Channel::Call,
            "auto" => Channel::Sms,
            name => Channel::named(name).ok_or_else(|| Refusal::parameter("Channel"))?,
        };
        if !channel.reaches(&to) {
            return Err(Refusal::parameter("To"));
        }
        if service.off.contains(&channel) {
            return Err(Refusal::new(400, 60223, "Delivery channel disabled"));
        }
        let transaction = transaction(service, form)?;
        if transaction.is_some() && channel == Channel::Call {
            return Err(Refusal::new(400, 60214, "Call channel is not supported for PSD2"));
        }
        let custom_code = text(form, "CustomCode", 10)?;
        if custom_code.is_some_and(|code| code.chars().count() < 4) {
            return Err(Refusal::parameter("CustomCode"));
        }
        if custom_code.is_some() && !service.settings.custom_code_enabled {
            // As the error dictionary has it; one user of the API reports that the code is ignored instead.
            return Err(Refusal::new(403, 60204, "Service does not support this feature"));
        }
        let app_hash = text(form, "AppHash", LONGEST)?;
        if app_hash.is_some() && channel != Channel::Sms {
            return Err(Refusal::new(400, 60602, "AppHash is only supported for the SMS channel"));
        }
        let trusted = match form.filled("RiskCheck") {
            None | Some("enable") => false,
            Some("disable") => true,
            Some(_) => return Err(Refusal::parameter("RiskCheck")),
        };
        for name in ["Tags", "ChannelConfiguration", "TemplateCustomSubstitutions"] {
            object(form, name)?;
        }
        Ok(Self {
            to,
            channel,
            brand: brand(form, "CustomFriendlyName")?.unwrap_or_default(),
            custom_code,
            transaction,
            keys: Key::read(form)?,
            app_hash,
            locale: text(form, "Locale", 16)?,
            trusted,
        })
    }
}

/// `Amount` and `Payee`, which PSD2 services must have and others leave alone.
pub(super) fn transaction(service: &Service, form: &Fields) -> Result<Option<Transaction>, Refusal> {
    let (amount, payee) = (text(form, "Amount", LONGEST)?, text(form, "Payee", LONGEST)?);
    if !service.settings.psd2_enabled {
        return Ok(None);
    }
    let (Some(amount), Some(payee)) = (amount, payee) else {
        return Err(Refusal::new(400, 60206, "Amount and Payee are required parameters for PSD2"));
    };
    Ok(Some(Transaction { amount: amount.to_owned(), payee: payee.to_owned() }))
}
