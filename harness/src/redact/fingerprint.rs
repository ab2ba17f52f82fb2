//! Headers that tell what a body was before it was redacted.

use std::sync::Arc;

use crate::cassette::Draft;
use crate::wire::WireAnswer;

/// Digests of bodies: RFC 1864, RFC 3230, RFC 9530, RFC 9110 §8.8.3, and those of storage services. Who guesses a short
/// secret can prove it by them.
const DIGESTS: [&str; 7] =
    ["content-digest", "content-md5", "digest", "etag", "repr-digest", "x-amz-content-sha256", "x-goog-hash"];

/// Drops digests of bodies that changed, and tells their new lengths. Both drafts have the same entries.
pub(super) fn renew(before: &Draft, after: &mut Draft) {
    for (old, new) in before.entries.iter().zip(&mut after.entries) {
        if old.request.body != new.request.body {
            let length = new.request.body.len();
            new.request.headers.retain_mut(|header| stays(header, length));
        }
        let (WireAnswer::Reply(was), WireAnswer::Reply(reply)) = (&old.answer, &mut new.answer) else { continue };
        if was.body != reply.body {
            let length = reply.body.len();
            let mut headers = reply.headers.to_vec();
            headers.retain_mut(|header| stays(header, length));
            reply.headers = Arc::from(headers);
        }
    }
}

fn stays((name, value): &mut (String, String), length: usize) -> bool {
    if name.eq_ignore_ascii_case("content-length") {
        *value = length.to_string();
    }
    let name = name.to_ascii_lowercase();
    !DIGESTS.contains(&name.as_str()) && !name.starts_with("x-amz-checksum-")
}
