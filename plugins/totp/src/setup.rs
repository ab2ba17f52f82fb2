//! What a person is shown to set up an app: key URI, QR codes, key.

use countersign_plugin::{Failure, FailureKind, Setup};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use qrcode::render::{svg, unicode::Dense1x2};
use qrcode::{EcLevel, QrCode};
use zeroize::Zeroizing;

use crate::code::App;

/// RFC 3986 §2.3 "unreserved"; everything else is percent-encoded, a colon in an account too:
/// the first literal colon ends the issuer.
const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Pixels of one module's side in the SVG, as its natural size; it scales freely.
const SVG_MODULE: u32 = 6;

/// Makes what the person sees. Without an account the app shows the issuer alone.
pub(crate) fn setup(app: &App, issuer: &str, account: Option<&str>) -> Result<Setup, Failure> {
    let key = app.key();
    let uri = Zeroizing::new(uri(app, &key, issuer, account));
    // Screens do not get scratched: the lowest level keeps the code small enough for a terminal.
    let qr = QrCode::with_error_correction_level(uri.as_bytes(), EcLevel::L).map_err(|_| {
        let length = uri.len();
        Failure::new(
            FailureKind::Misconfigured,
            format!(
                "the key URI is {length} bytes long, too long for a QR code: shorten `issuer` or the account's name"
            ),
        )
    })?;
    // Terminals are mostly dark, and many scanners refuse inverted codes: what is drawn is the
    // light modules and the quiet zone, what is left blank is the dark ones.
    let qr_text = qr.render().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    let qr_svg = qr.render::<svg::Color<'_>>().module_dimensions(SVG_MODULE, SVG_MODULE).build();
    Ok(Setup::new(uri.as_str(), key.as_str()).qr(qr_svg, qr_text))
}

/// The key URI, in the format that Google Authenticator's wiki describes and apps agree on.
fn uri(app: &App, key: &str, issuer: &str, account: Option<&str>) -> String {
    let parameters = app.parameters();
    let issuer = utf8_percent_encode(issuer, &UNRESERVED);
    let label = match account {
        Some(account) => format!("{issuer}:{}", utf8_percent_encode(account, &UNRESERVED)),
        None => issuer.to_string(),
    };
    format!(
        "otpauth://totp/{label}?secret={key}&issuer={issuer}&algorithm={}&digits={}&period={}",
        parameters.algorithm.uri_name(),
        parameters.digits,
        parameters.period,
    )
}
