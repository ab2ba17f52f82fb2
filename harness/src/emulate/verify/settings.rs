//! The settings of a Verify service, as they are written and shown.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::parameter::{LONGEST, brand, flag, number, text};
use crate::emulate::reply::Refusal;
use crate::emulate::request::Fields;

/// Parameters that are kept and shown, and change nothing here: push, WhatsApp senders, passkeys, templates.
const KEPT: [&str; 11] = [
    "TtsName",
    "DefaultTemplateSid",
    "Push.ApnCredentialSid",
    "Push.FcmCredentialSid",
    "Whatsapp.MsgServiceSid",
    "Whatsapp.From",
    "Passkeys.RelyingParty.Id",
    "Passkeys.RelyingParty.Name",
    "Passkeys.AuthenticatorAttachment",
    "Passkeys.DiscoverableCredentials",
    "Passkeys.UserVerification",
];

/// What a service is set to. Defaults as Twilio Verify, Services, gives them.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) friendly_name: String,
    pub(super) code_length: u32,
    pub(super) lookup_enabled: bool,
    skip_sms_to_landlines: bool,
    dtmf_input_required: bool,
    pub(super) psd2_enabled: bool,
    pub(super) do_not_share_warning_enabled: bool,
    pub(super) custom_code_enabled: bool,
    pub(super) totp: TotpSettings,
    push_include_date: bool,
    event_subscription: bool,
    origins: Option<Vec<String>>,
    kept: BTreeMap<&'static str, String>,
}

/// What new TOTP factors get unless they say otherwise. What was never set is shown as `null`.
#[derive(Clone, Default)]
pub(super) struct TotpSettings {
    pub(super) issuer: Option<String>,
    pub(super) time_step: Option<u32>,
    pub(super) code_length: Option<u32>,
    pub(super) skew: Option<u32>,
}

impl Settings {
    pub(super) fn new(friendly_name: String) -> Self {
        Self {
            friendly_name,
            code_length: 6,
            lookup_enabled: false,
            skip_sms_to_landlines: false,
            dtmf_input_required: true,
            psd2_enabled: false,
            do_not_share_warning_enabled: false,
            custom_code_enabled: false,
            totp: TotpSettings::default(),
            push_include_date: false,
            event_subscription: false,
            origins: None,
            kept: BTreeMap::new(),
        }
    }

    /// These settings with what the form changes; nothing is changed where anything in it is wrong.
    pub(super) fn changed(&self, form: &Fields) -> Result<Self, Refusal> {
        let mut next = self.clone();
        if let Some(name) = brand(form, "FriendlyName")? {
            next.friendly_name = name.to_owned();
        }
        if let Some(length) = number(form, "CodeLength", 4..=10)? {
            next.code_length = length;
        }
        let flags = [
            ("LookupEnabled", &mut next.lookup_enabled),
            ("SkipSmsToLandlines", &mut next.skip_sms_to_landlines),
            ("DtmfInputRequired", &mut next.dtmf_input_required),
            ("Psd2Enabled", &mut next.psd2_enabled),
            ("DoNotShareWarningEnabled", &mut next.do_not_share_warning_enabled),
            ("CustomCodeEnabled", &mut next.custom_code_enabled),
            ("Push.IncludeDate", &mut next.push_include_date),
            ("VerifyEventSubscriptionEnabled", &mut next.event_subscription),
        ];
        for (name, setting) in flags {
            *setting = flag(form, name)?.unwrap_or(*setting);
        }
        if let Some(issuer) = text(form, "Totp.Issuer", LONGEST)? {
            next.totp.issuer = Some(issuer.to_owned());
        }
        next.totp.time_step = number(form, "Totp.TimeStep", 20..=60)?.or(next.totp.time_step);
        next.totp.code_length = number(form, "Totp.CodeLength", 3..=8)?.or(next.totp.code_length);
        next.totp.skew = number(form, "Totp.Skew", 0..=2)?.or(next.totp.skew);
        for name in KEPT {
            if let Some(value) = text(form, name, LONGEST)? {
                next.kept.insert(name, value.to_owned());
            }
        }
        if let Some(origins) = text(form, "Passkeys.RelyingParty.Origins", LONGEST)? {
            next.origins = Some(origins.split(',').map(|origin| origin.trim().to_owned()).collect());
        }
        Ok(next)
    }

    /// The members of a service's body that show its settings.
    pub(super) fn body(&self) -> Value {
        let kept = |name: &str| self.kept.get(name);
        json!({
            "friendly_name": self.friendly_name,
            "code_length": self.code_length,
            "lookup_enabled": self.lookup_enabled,
            "psd2_enabled": self.psd2_enabled,
            "skip_sms_to_landlines": self.skip_sms_to_landlines,
            "dtmf_input_required": self.dtmf_input_required,
            "tts_name": kept("TtsName"),
            "do_not_share_warning_enabled": self.do_not_share_warning_enabled,
            "custom_code_enabled": self.custom_code_enabled,
            "push": {
                "include_date": self.push_include_date,
                "apn_credential_sid": kept("Push.ApnCredentialSid"),
                "fcm_credential_sid": kept("Push.FcmCredentialSid"),
            },
            "totp": {
                "issuer": self.totp.issuer,
                "time_step": self.totp.time_step,
                "code_length": self.totp.code_length,
                "skew": self.totp.skew,
            },
            "whatsapp": {"msg_service_sid": kept("Whatsapp.MsgServiceSid"), "from": kept("Whatsapp.From")},
            "passkeys": {
                "relying_party": {
                    "id": kept("Passkeys.RelyingParty.Id"),
                    "name": kept("Passkeys.RelyingParty.Name"),
                    "origins": self.origins,
                },
                "authenticator_attachment": kept("Passkeys.AuthenticatorAttachment"),
                "discoverable_credentials": kept("Passkeys.DiscoverableCredentials"),
                "user_verification": kept("Passkeys.UserVerification"),
            },
            "default_template_sid": kept("DefaultTemplateSid"),
            "verify_event_subscription_enabled": self.event_subscription,
        })
    }
}
