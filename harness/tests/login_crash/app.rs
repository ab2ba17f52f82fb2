//! A person's authenticator app (RFC 6238 with the parameters that all apps know).

use countersign_plugin::Timestamp;
use ring::hmac;

/// Seconds for which a code is shown.
pub(crate) const PERIOD: u64 = 30;

/// The code of so many digits that the app shows, with the key that the person was given as text.
pub(crate) fn code(key: &str, digits: u32, now: Timestamp) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &base32(key));
    let mac = hmac::sign(&key, &(now.as_secs() / PERIOD).to_be_bytes());
    let mac = mac.as_ref();
    // RFC 4226 §5.3.
    let offset = usize::from(mac[mac.len() - 1] & 15);
    let word = u32::from_be_bytes(mac[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:0width$}", word % 10_u32.pow(digits), width = digits as usize)
}

/// RFC 4648 §6, without padding.
fn base32(text: &str) -> Vec<u8> {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => panic!("no Base32"),
        };
        held = (held << 5) | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).unwrap());
        }
    }
    bytes
}

#[test]
fn the_app_shows_the_codes_of_rfc_6238() {
    let key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    for (seconds, expected) in [(59, "94287082"), (1_111_111_109, "07081804"), (20_000_000_000, "65353130")] {
        assert_eq!(code(key, 8, Timestamp::from_secs(seconds)), expected);
    }
}
