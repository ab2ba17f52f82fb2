//! A fault is the same in-process and over a socket: the engine's live transport reports of the one what a layer reports
//! of the other.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use countersign::clock::{Clock, SystemClock};
use countersign::secrets::Secrets;
use countersign::transport::{LiveSettings, LiveTransport, Outgoing, Transport};
use countersign_harness::fault::{CATALOG, Chosen, FaultyResponder, FaultyTransport, Pace, Place, When};
use countersign_harness::serve::Server;
use countersign_harness::wire::{Responder, WireAnswer, WireReply, WireRequest};
use countersign_plugin::http::{Request, TransportFailure};
use countersign_plugin::{Endpoint, Reply};
use serde_json::{Value, json};
use url::Url;

/// So long has an exchange whose answer comes; nobody waits for it.
const AMPLE: Duration = Duration::from_secs(30);
/// So long has one that is given up, and no longer: it is waited for.
const GIVEN_UP: Duration = Duration::from_millis(400);
const SID: &str = "VEaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

struct Verified;

fn verified() -> Value {
    json!({"sid": SID, "to": "+15005550006", "status": "approved", "valid": true})
}

impl Responder for Verified {
    fn respond(&self, _: &WireRequest) -> WireAnswer {
        WireAnswer::Reply(WireReply::json(200, &verified()))
    }
}

#[async_trait]
impl Transport for Verified {
    async fn send(&self, _: Outgoing<'_>) -> Result<Reply, TransportFailure> {
        Ok(Reply::from_json(200, &verified()))
    }
}

/// Whom requests go to: a carrier that listens there.
async fn listening(chosen: &Chosen, clock: Arc<dyn Clock>) -> SocketAddr {
    let faulty = FaultyResponder::new(Arc::new(Verified), chosen.clone(), When::Always, 1, clock);
    let server = Server::bind("127.0.0.1:0".parse().expect("an address")).await.expect("a port");
    let address = server.address();
    tokio::spawn(server.run(Arc::new(faulty), std::future::pending()));
    address
}

async fn exchange(
    transport: &dyn Transport,
    address: SocketAddr,
    time_left: Duration,
) -> Result<Reply, TransportFailure> {
    let request = Request::post(Endpoint::new(&format!("http://{address}")).path(["check"]));
    let request = request.form([("VerificationSid", SID)]);
    let url = Url::parse(&request.url).expect("an address");
    let outgoing = Outgoing { request: &request, url: &url, secrets: &Secrets::default(), time_left };
    transport.send(outgoing).await
}

/// Long enough to tell apart, short enough to be waited for.
fn shortened(chosen: Chosen) -> Chosen {
    match chosen.fault().id {
        "delay" => chosen.with("seconds", 0).expect("is in range"),
        "dribble" => chosen.with("pause_ms", 1).expect("is in range"),
        // A large body by any measure, and soon sent.
        "huge-body" => chosen.with("bytes", 2 << 20).expect("is in range"),
        _ => chosen,
    }
}

#[test]
fn every_fault_looks_the_same_in_process_and_over_a_socket() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let live = LiveTransport::new(LiveSettings::default());
        for fault in CATALOG.iter().filter(|fault| fault.place == Place::Both) {
            let chosen = shortened(Chosen::new(fault));
            let address = listening(&chosen, Arc::clone(&clock)).await;
            let time_left = if matches!(fault.id, "time-out" | "trickle") { GIVEN_UP } else { AMPLE };
            let over_a_socket = exchange(&live, address, time_left).await;
            let pace = Pace::Virtual(Arc::new(|_| {}));
            let layer = FaultyTransport::new(Arc::new(Verified), chosen, When::Always, 1, Arc::clone(&clock), pace);
            let in_process = exchange(&layer, address, time_left).await;
            match (&over_a_socket, &in_process) {
                (Ok(one), Ok(other)) => {
                    assert_eq!((one.status, &one.body), (other.status, &other.body), "{}", fault.id);
                    let told = |reply: &Reply| {
                        let names = ["content-type", "retry-after", "location"];
                        names.map(|name| reply.header(name).map(str::to_owned))
                    };
                    // A date may have moved on by a second between the two.
                    if fault.id != "http-429-date" {
                        assert_eq!(told(one), told(other), "{}", fault.id);
                    }
                }
                (Err(one), Err(other)) => assert_eq!(one.kind, other.kind, "{}: {one:?} {other:?}", fault.id),
                _ => panic!("{}: {over_a_socket:?} over a socket, {in_process:?} in-process", fault.id),
            }
        }
    });
}
