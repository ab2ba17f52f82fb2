//! Sends the emulator's callbacks: by plain http, and to this machine only.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use countersign_harness::emulate::{Callback, Emulator, Sent, Unanswered};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::{Host, Url, form_urlencoded};

/// How often is looked whether something is to be sent.
const TICK: Duration = Duration::from_millis(100);
/// How long a receiver may take (Twilio gives 15 seconds).
const PATIENCE: Duration = Duration::from_secs(15);
/// As much of an answer as is read, in bytes.
const ANSWER: usize = 64 * 1024;

/// Sends what there is to send, until it is dropped.
pub(super) async fn send_all(emulator: Arc<Emulator>) {
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        let due = emulator.callbacks_due();
        if due.is_empty() {
            continue;
        }
        let emulator = Arc::clone(&emulator);
        // One receiver that is slow holds up nobody else.
        tokio::spawn(async move {
            for callback in due {
                let sent = match tokio::time::timeout(PATIENCE, send(&callback)).await {
                    Ok(Ok(status)) => Sent::Answered(status),
                    Ok(Err(error)) => Sent::Failed(error),
                    Err(_) => Sent::Failed(Unanswered::TooLate { seconds: PATIENCE.as_secs() }),
                };
                emulator.callback_sent(&callback, &sent);
            }
        });
    }
}

async fn send(callback: &Callback) -> Result<u16, Unanswered> {
    let address = address(&callback.url)?;
    let request = request(callback).map_err(|_| Unanswered::NoRequest)?;
    let socket = TcpStream::connect(address).await.map_err(|error| Unanswered::NoConnection(error.kind()))?;
    let shaken = http1::handshake(TokioIo::new(socket)).await;
    let (mut sender, connection) = shaken.map_err(|_| Unanswered::NoHttp)?;
    tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(|_| Unanswered::NoHttp)?;
    let status = answer.status().as_u16();
    // Read, so that the receiver can finish; what it says is nobody's concern.
    let _ = Limited::new(answer.into_body(), ANSWER).collect().await;
    Ok(status)
}

fn request(callback: &Callback) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let url = &callback.url;
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let request = Request::builder()
        .method(if callback.get { Method::GET } else { Method::POST })
        .uri(target)
        .header(HOST, host)
        .header("X-Twilio-Signature", &callback.signature);
    if callback.get {
        return request.body(Full::default());
    }
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(&callback.form).finish();
    request.header(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=UTF-8").body(Full::new(form.into()))
}

/// Where it goes, if that is this machine.
fn address(url: &Url) -> Result<SocketAddr, Unanswered> {
    let ip = match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip),
        Some(Host::Domain(name)) if name.eq_ignore_ascii_case("localhost") => std::net::Ipv4Addr::LOCALHOST.into(),
        _ => return Err(Unanswered::Elsewhere),
    };
    match url.scheme() == "http" && ip.is_loopback() {
        true => Ok(SocketAddr::new(ip, url.port_or_known_default().unwrap_or(80))),
        false => Err(Unanswered::Elsewhere),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_called_back() {
        #[track_caller]
        fn check(url: &str, expected: Option<&str>) {
            let found = address(&Url::parse(url).expect("an address")).ok();
            assert_eq!(found.map(|found| found.to_string()).as_deref(), expected, "{url}");
        }
        check("http://127.0.0.1:8080/x", Some("127.0.0.1:8080"));
        check("http://localhost/x", Some("127.0.0.1:80"));
        check("http://[::1]:8080/", Some("[::1]:8080"));
        for elsewhere in ["https://127.0.0.1/", "http://10.0.0.1/", "http://example.com/", "http://169.254.169.254/"] {
            check(elsewhere, None);
        }
    }
}
