//! A million exchanges with either server, by turns.

use std::error::Error;

use countersign_benches::exchanges;

use crate::client::Client;
use crate::process::Usage;
use crate::server::{BARE, CASSETTES, Running};
use crate::{EXCHANGES, ROUNDS, median};

/// What was measured of one server.
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    /// Exchanges per second.
    pub(crate) rate: f64,
    pub(crate) before: Option<Usage>,
    pub(crate) after: Option<Usage>,
}

impl Measured {
    /// Exchanges per second of the server's own processor time, as words, where that is known.
    pub(crate) fn per_processor_second(&self) -> String {
        let (Some(before), Some(after)) = (self.before, self.after) else { return String::new() };
        let rate = EXCHANGES as f64 / before.processor_until(after);
        format!(", {rate:.0} per second of the server's processor time")
    }
}

/// The bare server and the one with cassettes.
pub(crate) fn measure() -> Result<[Measured; 2], Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(by_turns())
}

async fn by_turns() -> Result<[Measured; 2], Box<dyn Error>> {
    let exchanges = exchanges::all();
    let servers = [Running::start(BARE)?, Running::start(CASSETTES)?];
    let first = &exchanges[0].body;
    let clients = [
        Client::acquainted(servers[0].address, &exchanges, |_| first).await?,
        Client::acquainted(servers[1].address, &exchanges, |exchange| &exchange.body).await?,
    ];
    if clients[0].head() != clients[1].head() {
        return Err("the servers do not answer the same bytes".into());
    }
    let round = EXCHANGES / ROUNDS;
    for client in &clients {
        // What is bounded is full then.
        client.round(round).await?;
    }
    let usage = |server: &Running| Usage::of(server.process());
    let before = servers.each_ref().map(usage);
    let mut rates = [const { Vec::new() }; 2];
    for _ in 0..ROUNDS {
        for (client, rates) in clients.iter().zip(&mut rates) {
            rates.push(round as f64 / client.round(round).await?.as_secs_f64());
        }
    }
    let after = servers.each_ref().map(usage);
    let [bare, cassettes] = rates.map(median);
    Ok([
        Measured { name: BARE, rate: bare, before: before[0], after: after[0] },
        Measured { name: CASSETTES, rate: cassettes, before: before[1], after: after[1] },
    ])
}
