//! Mode `authy`: does the key work, and may the application call?

use countersign_plugin::{Context, Diagnosis, Effect, Failure, FailureKind, Level};

use super::wire::DetailsReply;
use super::{App, CLOSED, TABLE};
use crate::failures::malformed;
use crate::findings::{bad, good, notice, refused};

impl App {
    /// Asks for the application's details, which changes nothing.
    pub(crate) async fn test_credentials(&self, cx: &Context) -> Result<Diagnosis, Failure> {
        cx.log(Level::Warn, CLOSED);
        let reply = cx.http(self.app_details()).await?;
        let mut findings = Vec::new();
        if reply.status == 200 {
            let details: DetailsReply = reply.json()?;
            if !details.is_success() {
                return Err(malformed("the details of the application without success"));
            }
            findings.push(good("authy_api_key", "accepted"));
            findings.push(match details.app.has_calls() {
                Some(true) => good("mode", "the application may call"),
                Some(false) => bad(
                    "mode",
                    "the application may not call",
                    "enable phone calls for it in the Authy dashboard, or use another mode",
                ),
                None => notice("mode", "the service does not say whether the application may call"),
            });
        } else {
            let failure = TABLE.failure(&reply, Effect::Read, cx.now());
            let subject = if failure.kind == FailureKind::BadCredentials { "authy_api_key" } else { "mode" };
            findings.push(refused(subject, failure)?);
        }
        findings.push(notice("mode", CLOSED));
        Ok(Diagnosis::new(findings))
    }
}
