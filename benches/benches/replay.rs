//! What it costs to answer from a cassette in-process: match, reply and receipt, through the engine's transport.
//!
//! The cassette has a thousand entries that repeat. Besides the exchange that answers, there is the request that no
//! entry answers: it names the nearest entries, so it looks at all of them.
//!
//! Run: `cargo bench -p countersign-benches --bench replay`. The bound for an exchange is 2 µs; whether it is kept is
//! what `cargo run --release -p countersign-benches --bin replay-speed` says.

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use countersign::transport::{Outgoing, Transport as _};
use countersign_benches::exchanges::{self, STATUS};
use countersign_harness::cassette::Player;
use countersign_harness::replay::ReplayTransport;
use countersign_plugin::Reply;
use countersign_plugin::http::{Endpoint, Request, TransportFailure};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use url::Url;

/// A replay never waits, so its future is ready when it is asked first.
fn answered(transport: &ReplayTransport, outgoing: Outgoing<'_>) -> Result<Reply, TransportFailure> {
    match pin!(transport.send(outgoing)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(reply) => reply,
        Poll::Pending => panic!("a replay waits for nothing"),
    }
}

fn replay(criterion: &mut Criterion) {
    let exchanges = exchanges::all();
    let secrets = exchanges::secrets();
    let player = Player::new(vec![exchanges::cassette(&exchanges).expect("a cassette")]);
    let transport = ReplayTransport::new(player);
    let mut positions = exchanges::positions();

    let mut group = criterion.benchmark_group("replay of 1,000 entries");
    group.throughput(Throughput::Elements(1));
    group.bench_function("an exchange", |bencher| {
        bencher.iter(|| {
            let exchange = &exchanges[positions.next().expect("they never end")];
            let reply = answered(&transport, black_box(exchange.outgoing(&secrets))).expect("it is recorded");
            assert_eq!(reply.status, STATUS);
            reply
        });
    });
    let request = Request::get(Endpoint::new("https://verify.example.com").path(["v2", "Services", "other"]));
    let url = Url::parse(&request.url).expect("an address");
    let outgoing = Outgoing { request: &request, url: &url, ..exchanges[0].outgoing(&secrets) };
    group.bench_function("a mismatch", |bencher| {
        bencher.iter(|| answered(&transport, black_box(outgoing)).expect_err("it is not recorded"));
    });
    group.finish();
    assert!(transport.receipt().entries.iter().any(|entry| entry.verbatim > 0));
}

criterion_group!(benches, replay);
criterion_main!(benches);
