//! Methods: services as a person may choose them, and why one cannot be chosen.

use std::fmt;

use countersign_plugin::Recipient;
use countersign_plugin::manifest::{Destination, Maker};

use crate::bootstrap::TwoFactor;
use crate::phone;
use crate::service::Service;
use crate::store::{Enrollment, Factor, User};

/// A way to pass or to register a second factor: a service, as a person may choose it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// The service's name in the bootstrap.
    pub name: String,
    /// Its channel: `sms`, `voice`, `totp`, …
    pub channel: String,
    /// What it reaches: a phone, a device, a mailbox or none of these.
    pub destination: Destination,
    /// Whether the person will be asked for a code; otherwise they approve in another way.
    pub asks_for_code: bool,
    /// Where it goes, masked, for example `•••• 06`; only where a factor is enrolled.
    pub recipient: Option<String>,
}

impl Method {
    pub(super) fn of(service: &Service, user: &User, enrollment: Option<&Enrollment>) -> Self {
        let recipient = enrollment.and_then(|enrollment| recipient(service, user, enrollment));
        Self {
            name: service.name.clone(),
            channel: service.channel.clone(),
            destination: service.destination(),
            asks_for_code: service.maker() != Maker::Nobody,
            recipient: recipient.as_ref().map(masked),
        }
    }
}

/// Why a method cannot be used by a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// The site has switched the channel off.
    ChannelOff {
        /// Which.
        channel: String,
    },
    /// The user has no proven phone number.
    NoPhone,
    /// The user has no device enrolled for the channel.
    NoDevice {
        /// Which.
        channel: String,
    },
    /// The user is not enrolled for the channel.
    NotEnrolled {
        /// Which.
        channel: String,
    },
    /// The device was enrolled with another provider, and its secret is of no use to this one.
    OtherProvider {
        /// The one it was enrolled with.
        enrolled: String,
        /// The one that the service has now.
        configured: String,
    },
    /// The user has no e-mail address.
    NoAddress,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChannelOff { channel } => write!(f, "two_factor.{channel} is disabled"),
            Self::NoPhone => f.write_str("the user has no proven phone number"),
            Self::NoDevice { channel } => write!(f, "the user has no device enrolled for {channel}"),
            Self::NotEnrolled { channel } => write!(f, "the user is not enrolled for {channel}"),
            Self::OtherProvider { enrolled, configured } => {
                write!(f, "the user's device was enrolled with provider {enrolled}, the service has {configured}")
            }
            Self::NoAddress => f.write_str("the user has no e-mail address"),
        }
    }
}

/// The factor that a service needs.
pub(crate) fn factor_of(service: &Service) -> Factor {
    match service.destination() {
        Destination::Phone => Factor::Phone,
        Destination::Device => Factor::Device(service.channel.clone()),
        Destination::Email | Destination::None => Factor::Other(service.channel.clone()),
    }
}

/// The user's factor for this service, if the site lets them use it.
pub(crate) fn usable<'a>(
    service: &Service,
    two_factor: &TwoFactor,
    user: &User,
    enrollments: &'a [Enrollment],
) -> Result<&'a Enrollment, Unusable> {
    let channel = || service.channel.clone();
    if !two_factor.channel_enabled(&service.channel) {
        return Err(Unusable::ChannelOff { channel: channel() });
    }
    let factor = factor_of(service);
    let Some(enrollment) = enrollments.iter().find(|enrollment| enrollment.active && enrollment.factor == factor)
    else {
        return Err(match factor {
            Factor::Phone => Unusable::NoPhone,
            Factor::Device(channel) => Unusable::NoDevice { channel },
            Factor::Other(channel) => Unusable::NotEnrolled { channel },
        });
    };
    suits(service, user, enrollment)?;
    Ok(enrollment)
}

/// Whether this enrollment, active or not, has what the service needs.
pub(crate) fn suits(service: &Service, user: &User, enrollment: &Enrollment) -> Result<(), Unusable> {
    match service.destination() {
        Destination::Phone if enrollment.phone.is_none() => Err(Unusable::NoPhone),
        Destination::Email if user.email.is_none() => Err(Unusable::NoAddress),
        Destination::Device if enrollment.provider.as_deref() != Some(service.provider.as_str()) => {
            Err(Unusable::OtherProvider {
                enrolled: enrollment.provider.clone().unwrap_or_default(),
                configured: service.provider.clone(),
            })
        }
        _ => Ok(()),
    }
}

/// Where a service sends what it has for this enrollment.
pub(crate) fn recipient(service: &Service, user: &User, enrollment: &Enrollment) -> Option<Recipient> {
    match service.destination() {
        Destination::Phone => enrollment.phone.clone().map(Recipient::Phone),
        Destination::Email => user.email.as_ref().map(|email| Recipient::Email(email.0.clone())),
        Destination::Device | Destination::None => None,
    }
}

/// A recipient as a person is shown it.
pub(crate) fn masked(recipient: &Recipient) -> String {
    match recipient {
        Recipient::Phone(phone) => phone::masked(phone),
        Recipient::Email(address) => {
            let (name, domain) = address.rsplit_once('@').unwrap_or((address, ""));
            let first: String = name.chars().take(1).collect();
            format!("{first}••••@{domain}")
        }
        _ => "••••".to_owned(),
    }
}
