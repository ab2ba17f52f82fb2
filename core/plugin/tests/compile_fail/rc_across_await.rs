use std::rc::Rc;

use countersign_plugin::{Context, Endpoint, Failure, Provider, Request, StartChallenge, Started};

struct Acme;

impl Provider for Acme {
    type Settings = ();

    fn open((): ()) -> Result<Self, Failure> {
        Ok(Self)
    }

    async fn start(&self, cx: &Context, _input: StartChallenge) -> Result<Started, Failure> {
        let shared = Rc::new(String::from("Acme"));
        cx.http(Request::post(Endpoint::new("https://acme.example").path(["send"]))).await?;
        cx.log(countersign_plugin::Level::Info, shared.as_str());
        Ok(Started::default())
    }
}

fn main() {}
