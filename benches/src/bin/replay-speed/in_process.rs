//! A million exchanges without a socket.

use std::error::Error;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use countersign::transport::Transport as _;
use countersign_benches::exchanges::{self, Exchange, STATUS};
use countersign_harness::cassette::Player;
use countersign_harness::replay::ReplayTransport;

use crate::process::Usage;
use crate::{EXCHANGES, ROUNDS, median};

/// What was measured.
pub(crate) struct Measured {
    /// Exchanges per second, by the clock.
    pub(crate) rate: f64,
    /// Exchanges per second of processor time. There is one thread, and it never waits: on an idle machine it is the same.
    pub(crate) processor_rate: Option<f64>,
    pub(crate) before: Option<Usage>,
    pub(crate) after: Option<Usage>,
}

pub(crate) fn measure() -> Result<Measured, Box<dyn Error>> {
    let exchanges = exchanges::all();
    let transport = ReplayTransport::new(Player::new(vec![exchanges::cassette(&exchanges)?]));
    let round = EXCHANGES / ROUNDS;
    // What is bounded is full then.
    run(&transport, &exchanges, round)?;
    let before = Usage::of(std::process::id());
    let mut rates = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let started = Instant::now();
        run(&transport, &exchanges, round)?;
        rates.push(round as f64 / started.elapsed().as_secs_f64());
    }
    let after = Usage::of(std::process::id());
    let played: u64 = transport.receipt().entries.iter().map(|entry| entry.verbatim).sum();
    if played != (EXCHANGES + round) as u64 {
        return Err(format!("the receipt tells of {played} exchanges, not of all").into());
    }
    let processor_rate = before.zip(after).map(|(before, after)| EXCHANGES as f64 / before.processor_until(after));
    Ok(Measured { rate: median(rates), processor_rate, before, after })
}

fn run(transport: &ReplayTransport, exchanges: &[Exchange], number: usize) -> Result<(), Box<dyn Error>> {
    let secrets = exchanges::secrets();
    let mut context = Context::from_waker(Waker::noop());
    for position in exchanges::positions().take(number) {
        let exchange = &exchanges[position];
        // A replay never waits, so its future is ready when it is asked first.
        let Poll::Ready(reply) = pin!(transport.send(exchange.outgoing(&secrets))).poll(&mut context) else {
            return Err("the replay waits for something".into());
        };
        let reply = reply.map_err(|failure| failure.detail)?;
        if reply.status != STATUS || reply.body.as_slice() != exchange.body.as_bytes() {
            return Err(format!("exchange {position} got the answer of another").into());
        }
    }
    Ok(())
}
