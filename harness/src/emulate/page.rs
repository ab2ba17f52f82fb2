//! Lists in pages: `meta` of Verify v2, and the `…_uri` members of 2010-04-01.

use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::reply::Refusal;
use super::request::{Asked, Fields};

/// Entries of a page where nobody asks for a number of them.
const SIZE: usize = 50;
/// The most entries of a page.
const LARGEST: usize = 1000;
/// The parameters that are about the page; the others are filters.
const OWN: [&str; 3] = ["PageSize", "Page", "PageToken"];

/// The page that a request asks for.
pub(super) struct Page {
    size: usize,
    /// A number that only the client keeps; the token says where the page begins.
    number: usize,
    offset: usize,
    /// The address without its parameters.
    base: String,
    filters: Vec<(String, String)>,
}

impl Page {
    /// `base` is the address of the list without parameters.
    pub(super) fn of(asked: &Asked<'_>, base: String) -> Result<Self, Refusal> {
        let size = number(&asked.query, "PageSize")?.unwrap_or(SIZE);
        if size > LARGEST {
            return Err(Refusal::new(400, 20007, "Page size too large"));
        }
        if size == 0 {
            return Err(Refusal::new(400, 20001, "Invalid parameter: PageSize"));
        }
        let offset = match asked.query.filled("PageToken") {
            None => 0,
            Some(token) => {
                let position = token.strip_prefix("PA").and_then(|position| position.parse().ok());
                position.ok_or_else(|| Refusal::new(400, 20001, "Invalid parameter: PageToken"))?
            }
        };
        let filters = asked.query.iter().filter(|(name, _)| !OWN.contains(name));
        Ok(Self {
            size,
            // Without a token the list begins at its beginning, whatever number the client gives that page.
            number: if offset == 0 { 0 } else { number(&asked.query, "Page")?.unwrap_or(offset / size) },
            offset,
            base,
            filters: filters.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        })
    }

    /// A list of Verify v2.
    pub(super) fn verify(&self, key: &str, entries: impl Iterator<Item = Value>) -> Value {
        let (shown, more) = self.cut(entries);
        json!({
            key: shown,
            "meta": {
                "key": key,
                "page": self.number,
                "page_size": self.size,
                "first_page_url": self.address(0, 0),
                "previous_page_url": self.previous(),
                "url": self.address(self.number, self.offset),
                "next_page_url": self.next(more),
            },
        })
    }

    /// A list of 2010-04-01.
    pub(super) fn core(&self, key: &str, entries: impl Iterator<Item = Value>) -> Value {
        let (shown, more) = self.cut(entries);
        json!({
            "start": self.offset,
            // Twilio's examples show 0 also for lists with nothing in them.
            "end": (self.offset + shown.len()).saturating_sub(1),
            "page": self.number,
            "page_size": self.size,
            "first_page_uri": self.address(0, 0),
            "previous_page_uri": self.previous(),
            "uri": self.address(self.number, self.offset),
            "next_page_uri": self.next(more),
            key: shown,
        })
    }

    fn cut(&self, entries: impl Iterator<Item = Value>) -> (Vec<Value>, bool) {
        let mut rest = entries.skip(self.offset);
        let shown: Vec<Value> = rest.by_ref().take(self.size).collect();
        (shown, rest.next().is_some())
    }

    fn next(&self, more: bool) -> Option<String> {
        more.then(|| self.address(self.number.saturating_add(1), self.offset.saturating_add(self.size)))
    }

    fn previous(&self) -> Option<String> {
        (self.offset > 0).then(|| self.address(self.number.saturating_sub(1), self.offset.saturating_sub(self.size)))
    }

    fn address(&self, number: usize, offset: usize) -> String {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(&self.filters).append_pair("PageSize", &self.size.to_string());
        query.append_pair("Page", &number.to_string());
        if offset > 0 {
            query.append_pair("PageToken", &format!("PA{offset}"));
        }
        format!("{}?{}", self.base, query.finish())
    }
}

fn number(query: &Fields, name: &str) -> Result<Option<usize>, Refusal> {
    let refusal = |_| Refusal::new(400, 20001, format!("Invalid parameter: {name}"));
    query.filled(name).map(str::parse).transpose().map_err(refusal)
}
