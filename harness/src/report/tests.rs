//! The forms of a report, on reports that hold anything.

use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use quick_xml::events::Event;
use quick_xml::{Reader, XmlVersion};
use scraper::{ElementRef, Html, Selector};
use serde_json::Value;

use super::*;
use crate::cassette::{ProvenanceKind, Sha256};

/// A report with every part of the model in it; each text is the next of `texts`, again and again.
fn report(texts: &[String]) -> Report {
    let next = std::cell::Cell::new(0);
    let text = || {
        let at = next.replace(next.get() + 1);
        Masked::known(&texts[at % texts.len()])
    };
    let fact = || ReportFact::new(text(), text());
    let entry = || ReportEntry { cassette: text(), entry: 3, title: text() };
    let body = |content| Some(ReportBody { bytes: Some(7), cut: true, content });
    let exchange = |number, operation, answer, body| ReportExchange {
        number,
        operation,
        request: ReportRequest { method: text(), url: text(), effect: Some("act"), headers: vec![fact()], body },
        answer,
        played_by: (number == 0).then(entry),
        mismatch: (number == 1)
            .then(|| ReportMismatch { nearest: vec![ReportNearest { entry: entry(), differences: vec![text()] }] }),
        fault: Some(fact()),
    };
    let reply = |content| ReportAnswer::Reply { status: 201, headers: vec![fact()], body: body(content) };
    let exchanges = || {
        vec![
            exchange(0, Some(0), reply(ReportContent::Json(text())), body(ReportContent::Form(vec![fact(), fact()]))),
            exchange(1, Some(0), ReportAnswer::Failure { failure: text(), detail: text() }, None),
            exchange(2, None, reply(ReportContent::Text(text())), body(ReportContent::Json(text()))),
            exchange(3, Some(9), reply(ReportContent::Binary), None),
        ]
    };
    let operation = || ReportOperation {
        index: 0,
        name: text(),
        after: Duration::from_millis(1500),
        as_expected: false,
        ended: text(),
        values: [None, Some(text())]
            .map(|found| ReportValue { pointer: text(), expected: text(), found, same: false })
            .into(),
        messages: vec![ReportMessage { to: text(), channel: text(), text: text() }],
    };
    let mut report = Report::new(text(), &texts[0], Timestamp::UNIX_EPOCH);
    report.seed = Some(u64::MAX);
    report.took = Duration::from_secs(3);
    report.plugins.push(ReportPlugin {
        id: text(),
        version: text(),
        path: text(),
        sha256: Masked::known(Sha256::of(b"").to_string()),
    });
    let suite = text();
    for verdict in [
        ReportVerdict::Passed,
        ReportVerdict::Warned(vec![text(), text()]),
        ReportVerdict::Failed(vec![text()]),
        ReportVerdict::Bad(vec![text()]),
        ReportVerdict::WithoutCase,
        ReportVerdict::Skipped(vec![]),
    ] {
        let case = ReportCase {
            took: Duration::from_micros(1234),
            cassette: Some(text()),
            provenance: Some(ReportProvenance { kind: ProvenanceKind::Transcribed, source: text() }),
            plugin: Some(text()),
            channel: Some(text()),
            mode: Some(text()),
            facts: vec![fact()],
            operations: vec![operation()],
            steps: Some(Sha256::of(b"")),
            exchanges: exchanges(),
            exchanges_dropped: 2,
            ..ReportCase::new(text(), text(), verdict)
        };
        report.push(&suite, case);
    }
    report
}

fn plain() -> Report {
    report(&["a text".to_owned()])
}

fn written(write: impl Fn(&Report, &mut Vec<u8>) -> std::io::Result<()>, report: &Report) -> String {
    let mut out = Vec::new();
    write(report, &mut out).expect("memory can be written to");
    String::from_utf8(out).expect("is text")
}

fn select<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).expect("a selector")).collect()
}

/// The elements of a page in order, each with its attributes but without their values, and no text.
fn skeleton(page: &str) -> Vec<String> {
    let page = Html::parse_document(page);
    let elements = page.tree.nodes().filter_map(|node| node.value().as_element());
    elements
        .map(|element| {
            let mut attributes: Vec<_> = element.attrs().map(|(name, _)| name.to_owned()).collect();
            attributes.sort();
            format!("{} {}", element.name(), attributes.join(" "))
        })
        .collect()
}

fn nasty() -> impl Strategy<Value = String> {
    let parts = [
        "</style>",
        "</script>",
        "<script>alert(1)</script>",
        "<!--",
        "-->",
        "]]>",
        "\"",
        "'",
        " onload=x ",
        "&",
        "&lt;",
        "&#60;",
        "<",
        ">",
        "\u{0}",
        "\u{b}",
        "\u{fffe}",
        "\u{202e}",
        "\n",
        "</pre>",
        "</details>",
        "<plaintext>",
        "<svg/onload=x>",
        "\u{1f600}",
        "<![CDATA[",
        "<?x",
        "</title>",
        "{",
        "}",
        "javascript:",
    ];
    prop_oneof![
        prop::collection::vec(prop::sample::select(parts.to_vec()), 1..6).prop_map(|parts| parts.concat()),
        "\\PC{1,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn no_text_becomes_anything_else_on_the_page(texts in prop::collection::vec(nasty(), 1..7)) {
        let (expected, found) = (written(html, &plain()), written(html, &report(&texts)));
        prop_assert_eq!(skeleton(&found), skeleton(&expected));
    }

    #[test]
    fn any_text_gives_xml_of_the_same_shape(texts in prop::collection::vec(nasty(), 1..7)) {
        prop_assert_eq!(elements(&written(junit, &report(&texts))), elements(&written(junit, &plain())));
    }

    #[test]
    fn any_report_fits_the_published_schema(texts in prop::collection::vec(nasty(), 1..7)) {
        let found: Value = serde_json::from_str(&written(json, &report(&texts))).expect("is JSON");
        prop_assert_eq!(violations(&found), Vec::<String>::new());
    }
}

/// The elements of an XML document with their attributes' names; the document must be well-formed XML 1.0.
fn elements(xml: &str) -> Vec<(String, Vec<String>)> {
    let is_text =
        |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert!(xml.chars().all(is_text), "characters that XML 1.0 §2.2 does not have");
    let mut reader = Reader::from_str(xml);
    let mut found = Vec::new();
    loop {
        match reader.read_event().expect("is well-formed") {
            Event::Start(start) | Event::Empty(start) => {
                let names = start.attributes().map(|attribute| {
                    let attribute = attribute.expect("is an attribute");
                    attribute.normalized_value(XmlVersion::Explicit1_0).expect("is escaped");
                    String::from_utf8_lossy(attribute.key.as_ref()).into_owned()
                });
                found.push((String::from_utf8_lossy(start.name().as_ref()).into_owned(), names.collect()));
            }
            Event::Eof => return found,
            Event::GeneralRef(entity) => {
                let known = ["amp", "lt", "gt", "quot", "apos"].iter().any(|known| known.as_bytes() == &entity[..]);
                assert!(known || entity.is_char_ref(), "{entity:?}");
            }
            Event::End(_) | Event::Text(_) | Event::Decl(_) => {}
            other => panic!("nothing else is written: {other:?}"),
        }
    }
}

fn violations(report: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(JSON_SCHEMA).expect("is JSON");
    let validator = jsonschema::validator_for(&schema).expect("is a schema");
    validator.iter_errors(report).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_schema_refuses_what_no_report_says() {
    let good: Value = serde_json::from_str(&written(json, &plain())).expect("is JSON");
    assert!(violations(&good).is_empty());
    let refused: [fn(&mut Value); 10] = [
        |report| report["version"] = "2.0".into(),
        |report| report["started"] = "yesterday".into(),
        |report| report["more"] = 1.into(),
        |report| report["suites"][0]["cases"][0]["verdict"]["verdict"] = "maybe".into(),
        |report| report["suites"][0]["cases"][0]["verdict"]["reasons"] = Value::Array(vec![]),
        |report| drop(report["suites"][0]["cases"][2]["verdict"]["reasons"].take()),
        |report| report["suites"][0]["cases"][0]["provenance"]["kind"] = "guessed".into(),
        |report| report["suites"][0]["cases"][0]["exchanges"][0]["answer"]["status"] = 99.into(),
        |report| report["suites"][0]["cases"][0]["exchanges"][0]["request"]["body"]["type"] = "text".into(),
        |report| report["suites"][0]["cases"][0]["exchanges"][1]["mismatch"]["nearest"][0]["entry"] = (-1).into(),
    ];
    for (at, refuse) in refused.into_iter().enumerate() {
        let mut bad = good.clone();
        refuse(&mut bad);
        assert!(!violations(&bad).is_empty(), "{at}");
    }
}

/// What the schema junit-10 of Jenkins' xUnit plugin allows: per element its attributes, required ones first.
const JUNIT: [(&str, usize, &[&str]); 9] = [
    ("testsuites", 0, &["name", "time", "tests", "failures", "errors"]),
    (
        "testsuite",
        4,
        &[
            "name",
            "tests",
            "failures",
            "errors",
            "group",
            "time",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
            "file",
            "log",
            "url",
        ],
    ),
    ("properties", 0, &[]),
    ("property", 2, &["name", "value"]),
    ("testcase", 1, &["name", "time", "classname", "group"]),
    ("failure", 0, &["type", "message"]),
    ("error", 0, &["type", "message"]),
    ("skipped", 0, &["type", "message"]),
    ("system-out", 0, &[]),
];

#[test]
fn junit_has_the_elements_and_attributes_that_readers_know() {
    let found = elements(&written(junit, &plain()));
    for (name, attributes) in &found {
        let (_, required, known) = JUNIT.iter().find(|(element, ..)| element == name).expect("is known");
        assert!(attributes.iter().all(|attribute| known.contains(&attribute.as_str())), "{name}: {attributes:?}");
        let missing = known[..*required].iter().find(|wanted| !attributes.iter().any(|found| found == *wanted));
        assert_eq!(missing, None, "{name}");
    }
    let count = |wanted: &str| found.iter().filter(|(name, _)| name == wanted).count();
    assert_eq!((count("testcase"), count("failure"), count("error"), count("skipped")), (6, 1, 1, 2));
    let counts = r#"tests="6" failures="1" errors="1" skipped="2" time="0.007" timestamp="1970-01-01T00:00:00""#;
    assert!(written(junit, &plain()).contains(counts));
}

#[test]
fn the_page_allows_itself_nothing_but_its_own_style() {
    let text = written(html, &plain());
    let page = Html::parse_document(&text);
    let [policy] = select(&page, "meta[http-equiv='Content-Security-Policy']")[..] else { panic!("one policy") };
    let style = select(&page, "style")[0].text().collect::<String>();
    use base64::Engine as _;
    let digest = ring::digest::digest(&ring::digest::SHA256, style.as_bytes());
    let digest = base64::engine::general_purpose::STANDARD.encode(digest);
    let expected = format!("default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'");
    assert_eq!(policy.attr("content"), Some(&*expected));
    for forbidden in ["script", "img", "iframe", "object", "embed", "link", "base", "form", "[style]", "[src]"] {
        assert!(select(&page, forbidden).is_empty(), "{forbidden}");
    }
    assert!(select(&page, "a").iter().all(|link| link.attr("href").is_some_and(|to| to.starts_with('#'))));
    assert!(!style.contains("url(") && !style.contains("@import"));
}

#[test]
fn the_page_can_be_read_by_headings_captions_and_links() {
    let text = written(html, &plain());
    let page = Html::parse_document(&text);
    assert!(page.errors.is_empty(), "{:?}", page.errors);
    assert_eq!(select(&page, "html[lang]").len(), 1);
    assert_eq!(select(&page, "h1").len(), 1);
    let levels: Vec<u8> = select(&page, "h1, h2, h3, h4, h5").iter().map(|h| h.value().name().as_bytes()[1]).collect();
    assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "a level is left out: {levels:?}");
    for table in select(&page, "table") {
        let caption = Selector::parse("caption").expect("a selector");
        assert_eq!(table.select(&caption).count(), 1);
    }
    assert!(select(&page, "thead th:not([scope]), tbody th:not([scope])").is_empty());
    let mut ids: Vec<_> = select(&page, "[id]").iter().filter_map(|element| element.attr("id")).collect();
    for link in select(&page, "a") {
        let to = link.attr("href").and_then(|to| to.strip_prefix('#')).expect("leads into the page");
        assert!(ids.contains(&to), "{to}");
    }
    let labelled: Vec<_> = select(&page, "[aria-labelledby]");
    assert!(labelled.iter().all(|element| ids.contains(&element.attr("aria-labelledby").expect("has it"))));
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "an id stands twice");
}

#[test]
fn each_case_shows_its_verdict_its_provenance_and_request_beside_reply() {
    let text = written(html, &plain());
    let page = Html::parse_document(&text);
    let cases = select(&page, "details.case");
    let words = ["passed", "warned", "failed", "bad", "without a case", "skipped"];
    assert_eq!(cases.len(), words.len());
    for (case, word) in cases.iter().zip(words) {
        let shown: String = case.text().collect();
        assert!(shown.contains(word) && shown.contains("transcribed: a text (no recording)"), "{shown}");
        let open = ["failed", "bad"].contains(&word);
        assert_eq!(case.attr("open").is_some(), open, "{word}");
        let side = Selector::parse(".exchange .pair > .side").expect("a selector");
        assert_eq!(case.select(&side).count(), 8, "four exchanges of two sides");
    }
    let legend: String = select(&page, "main dl")[0].text().collect();
    assert_eq!(legend.matches("This is no recording.").count(), 2, "{legend}");
    for word in ["passed", "warned", "failed", "bad", "without", "skipped"] {
        let rule = format!("#show-{word}:checked");
        assert!(select(&page, &format!("#show-{word}")).len() == 1 && text.contains(&rule), "{word}");
    }
}
