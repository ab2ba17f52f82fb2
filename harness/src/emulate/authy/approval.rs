//! Approval requests (OneTouch): a person is asked in their app, and says yes or no.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Context;
use super::answer::{Answer, Denial};
use super::application::NAME;
use super::phone::uuid;
use super::user::Users;
use crate::emulate::control::Intervened;
use crate::emulate::inbox::Arrival;
use crate::emulate::phones::PhoneKind;
use crate::emulate::reply::iso;
use crate::emulate::shelf::Shelf;

/// The longest message, in characters: one client cuts at this, the documents say 144.
const MESSAGE: usize = 200;
/// Longest text of a request with all its details, in characters: it stays in the inbox.
const TEXT: usize = 4096;
/// Seconds that a request waits where it does not say; one client's notes have 120, a recorded body has this.
const LIFE: i64 = 86_400;

/// The approval requests of an application, by uuid.
pub(super) struct Approvals {
    all: Shelf<Approval>,
}

struct Approval {
    uuid: String,
    id: String,
    user: u64,
    email: String,
    created: Timestamp,
    seconds: i64,
    /// What the person said, and when.
    said: Option<(bool, Timestamp)>,
}

impl Approvals {
    pub(super) fn new() -> Self {
        Self { all: Shelf::new() }
    }

    /// `POST /onetouch/json/users/{id}/approval_requests`.
    pub(super) fn ask(&mut self, users: &mut Users, context: &mut Context<'_>, user: &str) -> Answer {
        let now = context.now();
        let asked = users.find(user, now)?;
        // The codes are known, their HTTP status is not.
        if context.stage.phones.kind(asked.number.e164()) != PhoneKind::Smartphone {
            return Err(Denial::new(400, "60051", "User has no device for approval requests"));
        }
        let message = context.parameters.filled("message").ok_or_else(|| wrong("message"))?;
        if message.chars().count() > MESSAGE {
            return Err(wrong("message"));
        }
        let seconds = context.parameters.filled("seconds_to_expire").map_or(Ok(LIFE), str::parse).ok();
        let seconds = seconds.filter(|seconds| (0..=LIFE).contains(seconds));
        let seconds = seconds.ok_or_else(|| wrong("seconds_to_expire"))?;
        let mut text = message.to_owned();
        for (name, value) in context.parameters.below("details") {
            text.push_str(&format!("\n{name}: {value}"));
        }
        if text.chars().count() > TEXT {
            return Err(wrong("details"));
        }
        let uuid = uuid(context.stage.dice.draw());
        let approval = Approval {
            uuid: uuid.clone(),
            id: context.stage.dice.hex()[..24].to_owned(),
            user: user.parse().unwrap_or_default(),
            email: asked.email.clone(),
            created: now,
            // 0 is as if nothing was said.
            seconds: if seconds == 0 { LIFE } else { seconds },
            said: None,
        };
        let to = asked.number.e164().to_owned();
        let approval_of = Some(uuid.clone());
        context.stage.inbox.push(Arrival { to, channel: "push", text, code: None, time: now, approval: approval_of });
        self.all.insert(&uuid, approval);
        Ok(json!({"approval_request": {"uuid": uuid}, "success": true}))
    }

    /// `GET /onetouch/json/approval_requests/{uuid}`.
    pub(super) fn status(&self, context: &Context<'_>, uuid: &str) -> Answer {
        let found = self.all.get(uuid).ok_or_else(|| Denial::unknown_approval(uuid))?;
        Ok(json!({"approval_request": found.body(context.now()), "success": true}))
    }

    /// What a person does in their app.
    pub(super) fn say(&mut self, uuid: &str, approved: bool, now: Timestamp) -> Intervened {
        match self.all.get_mut(uuid) {
            None => Intervened::Unknown,
            Some(found) if found.word(now) != "pending" => Intervened::Over,
            Some(found) => {
                found.said = Some((approved, now));
                Intervened::Done
            }
        }
    }
}

impl Approval {
    fn expires(&self) -> Timestamp {
        self.created.checked_add(SignedDuration::from_secs(self.seconds)).unwrap_or(Timestamp::MAX)
    }

    fn word(&self, now: Timestamp) -> &'static str {
        match self.said {
            Some((true, _)) => "approved",
            Some((false, _)) => "denied",
            None if now >= self.expires() => "expired",
            None => "pending",
        }
    }

    fn body(&self, now: Timestamp) -> Value {
        let processed = match self.said {
            Some((_, at)) => Some(at),
            None => Some(self.expires()).filter(|expires| now >= *expires),
        };
        json!({
            "_app_name": NAME,
            "_app_serial_id": super::application::ID,
            "_authy_id": self.user,
            "_id": self.id,
            "_user_email": self.email,
            "app_id": "58547f6f4014250a11c201f6",
            "created_at": iso(self.created),
            "notified": false,
            "processed_at": processed.map(iso),
            "seconds_to_expire": self.seconds,
            "status": self.word(now),
            "updated_at": iso(processed.unwrap_or(self.created)),
            "user_id": "5840a9328aa2fb674c485436",
            "uuid": self.uuid,
        })
    }
}

fn wrong(name: &str) -> Denial {
    Denial::new(400, "60004", &format!("Invalid parameter: {name}"))
}
