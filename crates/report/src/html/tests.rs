//! The page as a reader's program sees it.

use super::{Facts, GroupStyle, Report, ReportImage, ReportQuery};
use whence_data::ImageShape;
use whence_diffusion::elbo::Estimate;
use whence_methods::{Attribution, GroupScore, NullTest, Trust, Unit};
use whence_training::unlearning::{Change, Forgetting, Judgement, Retention};

const SHAPE: ImageShape = ImageShape { channels: 3, height: 4, width: 5 };
const HOSTILE: &str = "</title></style><script>alert('\"x\"')</script> & <img src=x onerror=alert(1)>";

fn image(caption: &str) -> ReportImage {
    ReportImage { pixels: (0..60).map(|i| i * 4).collect(), shape: SHAPE, caption: caption.into() }
}

fn gate(rise: f64) -> Judgement {
    let change = |rise: f64| Change { images: 9, before: 0.03, after: 0.03 * (1.0 + rise), rise, std_err: Some(0.01) };
    Judgement {
        forget: change(rise),
        others: change(0.01),
        retrained_rise: None,
        forgetting: if rise > 0.1 { Forgetting::ForgotEnough } else { Forgetting::ForgotTooLittle },
        retention: Retention::Retained,
    }
}

fn attribution(name: &str) -> Attribution {
    let score = |(i, group): (usize, &&str)| GroupScore {
        estimate: Estimate::new((20.0 / 3.0) * 2.0f64.sqrt() / (1.0 + i as f64) - 3.0, 1.0 / 7.0),
        evaluations: 50 + i,
        gate: Some(gate(if i == 2 { 0.02 } else { 0.4 })),
        ..GroupScore::exact(group, 0.0)
    };
    let mut all =
        Attribution::new(name, "guda", ["ink", "oil", HOSTILE, "wash"].iter().enumerate().map(score).collect());
    all.trust = Some(Trust {
        null: NullTest::of(vec![0.1, 0.2, 0.3, 0.7], 4, None),
        lead: Some(2.0),
        closed_form: Some("oil".into()),
        second_seed: Some("ink".into()),
    });
    all
}

fn report() -> Report {
    let look = |name: &str| GroupStyle { name: name.into(), light: "#123456".into(), dark: "#abcdef".into() };
    let query = |name: &str| ReportQuery {
        image: image(HOSTILE),
        attribution: attribution(name),
        nearest: vec![("ink".into(), vec![image("near 1"), image(HOSTILE)])],
        reference: Some(image("by the full model")),
        regenerated: vec![(HOSTILE.into(), image("same noise"))],
        map: Some(image("map of ink")),
    };
    Report {
        title: format!("Eight styles {HOSTILE}"),
        date: "22 November 2026".into(),
        groups: vec![look("ink"), look("oil"), look(HOSTILE), GroupStyle { light: "red;}".into(), ..look("wash") }],
        queries: vec![query("seed-7"), query(HOSTILE)],
        facts: vec![Facts::of("Settings", &serde_json::json!({"draws": 1, HOSTILE: [1, 2], "none": null}))],
        recipes: vec![("recipe.toml".into(), "objective = \"hinge\"".into())],
        commands: vec![format!("whence report '{HOSTILE}'")],
        warnings: vec!["a.png: resized".into()],
    }
}

/// Whether every tag is closed in its place and every attribute quoted, as in XML. Texts in the order they come.
fn check(html: &str) -> Result<Vec<String>, String> {
    let mut rest = html.strip_prefix("<!DOCTYPE html>\n").ok_or("no doctype")?;
    let (mut open, mut texts): (Vec<&str>, Vec<String>) = (Vec::new(), Vec::new());
    while let Some(start) = rest.find('<') {
        let text = &rest[..start];
        if text.contains('>') && open.last() != Some(&"style") {
            return Err(format!("a stray > in {text:?}"));
        }
        texts.push(text.trim().to_owned());
        let end = rest[start..].find('>').ok_or("a tag without end")? + start;
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Err(format!("</{name}> closes nothing of its kind"));
            }
            continue;
        }
        let (body, closed) = tag.strip_suffix('/').map_or((tag, false), |t| (t, true));
        let name = body.split_whitespace().next().ok_or("an empty tag")?;
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(format!("<{name}"));
        }
        let quotes = body.matches('"').count();
        if quotes % 2 != 0 || body.matches("=\"").count() * 2 != quotes {
            return Err(format!("attributes of <{body}"));
        }
        if !closed {
            open.push(name);
        }
    }
    if open.is_empty() { Ok(texts) } else { Err(format!("never closed: {open:?}")) }
}

#[test]
fn the_check_itself_finds_faults() {
    for bad in ["<p>", "<p></b>", "</p>", "<p class=\"a></p>", "<p class=a\"b\"></p>", "a > b <br/>", "<1/>", "<"] {
        assert!(check(&format!("<!DOCTYPE html>\n{bad}")).is_err(), "{bad}");
    }
    assert!(check("<!DOCTYPE html>\n<p class=\"a\">x<br/></p>").is_ok());
}

#[test]
fn the_page_is_well_formed_and_needs_nothing_from_elsewhere() {
    let html = report().render().unwrap();
    check(&html).unwrap();
    assert!(check(&html.replacen("</table>", "", 1)).is_err());
    // A policy is the only word that begins with http; every address is data or a place in the page.
    assert_eq!(html.matches("http").count(), html.matches("http-equiv=").count());
    for tag in ["<script", "<link", "<iframe", "<object", "@import", "url(", "<base", "<form"] {
        assert!(!html.contains(tag), "{tag}");
    }
    let addresses = |name: &str| -> Vec<String> {
        html.split(&format!("{name}=\"")).skip(1).map(|r| r.split('"').next().unwrap().to_owned()).collect()
    };
    let sources = addresses(" src");
    assert_eq!(sources.len(), 14, "two in the overview, and six of each image");
    assert!(sources.iter().all(|s| s.starts_with("data:image/png;base64,")));
    assert!(addresses(" href").iter().all(|h| h.starts_with('#') && html.contains(&format!("id=\"{}\"", &h[1..]))));
}

#[test]
fn names_are_text_wherever_they_stand() {
    let html = report().render().unwrap();
    assert!(!html.contains("<script") && !html.contains("onerror=alert(1)>"));
    let shown = html.matches("&#60;script&#62;").count();
    assert!(shown > 12, "{shown} times as text");
    // What is no colour does not reach the style sheet.
    assert!(!html.contains("red;}") && html.contains(".g3 { --group: #808080; }"));
    assert!(html.contains(".g0 { --group: #123456; }") && html.contains(".g0 { --group: #abcdef; }"));
}

#[test]
fn control_characters_and_turned_text_do_not_leave_a_name() {
    let mut report = report();
    report.title = "a\u{1b}[31mred\u{202e}b\u{9b}".into();
    report.queries[0].attribution.query = "אבג".into();
    let html = report.render().unwrap();
    assert!(html.contains("<h1><bdi>a\u{fffd}[31mred\u{fffd}b\u{fffd}</bdi></h1>"));
    assert!(html.contains("<h2><bdi>אבג</bdi></h2>"), "each name has a direction of its own");
    assert!(!html.chars().any(|c| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}'));
}

#[test]
fn every_number_stands_in_the_table_with_all_its_digits() {
    let report = report();
    let html = report.render().unwrap();
    let table = html.split("<tbody>").nth(1).and_then(|t| t.split("</tbody>").next()).unwrap();
    for score in &report.queries[0].attribution.scores {
        let (low, high) = score.estimate.interval_95();
        let bits = score.estimate.score / (std::f64::consts::LN_2 * SHAPE.numel() as f64);
        for value in [score.estimate.score, score.estimate.std_err, low, high, bits] {
            assert!(table.contains(&format!("<data value=\"{value}\"")), "{value}");
            assert_eq!(value.to_string().parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
        assert!(table.contains(&format!("<td>{}</td>", score.evaluations)));
    }
    assert_eq!(table.matches(">failed<").count(), 1);
    assert_eq!(table.matches("passed").count(), 3);
}

#[test]
fn what_must_be_said_is_said() {
    let texts = check(&report().render().unwrap()).unwrap().join("\n");
    for words in [
        "Unlearning overshoots",
        "It does not cover the error of the approximation",
        "Similarity is not causation",
        "A near image did not necessarily shape this one",
        "not proof",
        "random control groups reach up to here",
        "ink ranks first",
        "The closed form ranks oil first instead",
        "A second unlearning with another seed ranks ink first too",
        " failed its check: it forgot",
        "objective = ",
        "22 November 2026",
        "a.png: resized",
    ] {
        assert!(texts.contains(words), "{words}\n{texts}");
    }
    let mut exact = report();
    exact.queries.iter_mut().for_each(|q| {
        q.attribution.method = "gaussian".into();
        q.attribution.trust = None;
    });
    let texts = check(&exact.render().unwrap()).unwrap().join("\n");
    assert!(!texts.contains("overshoots") && !texts.contains("Random control groups"), "only what applies");
}

#[test]
fn many_groups_and_no_images_are_fine() {
    let mut many = report();
    let scores: Vec<GroupScore> = (0..300).map(|i| GroupScore::exact(&format!("group {i}"), f64::from(i))).collect();
    many.queries.truncate(1);
    many.queries[0].attribution = Attribution::new("q", "gaussian", scores);
    let html = many.render().unwrap();
    check(&html).unwrap();
    assert_eq!(html.matches("<rect class=\"bar\"").count(), 24);
    assert!(html.contains("276 more groups") && html.contains("group 0<"));
    assert!(!html.contains("<ul class=\"overview\">"), "one image needs no overview");
    check(&Report::default().render().unwrap()).unwrap();
    many.queries[0].image.pixels.pop();
    assert!(many.render().is_err(), "an image that is cut short");
}

#[test]
fn facts_name_every_value_by_its_path() {
    let facts = Facts::of("t", &serde_json::json!({"a": {"b": 1, "c": [1, 2], "d": [{"e": "x"}]}, "n": null}));
    let expected = [("a.b", "1"), ("a.c", "1, 2"), ("a.d.1.e", "x")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(facts.facts, expected);
}

#[test]
fn a_report_of_cosines_does_not_speak_of_nats() {
    let mut report = report();
    assert!(report.render().unwrap().contains("Score per group, nats"));
    for query in &mut report.queries {
        let scores = vec![GroupScore::exact("ink", 0.75), GroupScore::exact("oil", 0.5)];
        let method = "feature-similarity";
        query.attribution = Attribution { unit: Unit::Cosine, ..Attribution::new("seed-7", method, scores) };
    }
    let html = report.render().unwrap();
    check(&html).unwrap();
    for word in ["nats", "One nat", "ELBO(", "Bits per", "more likely"] {
        assert!(!html.contains(word), "{word}");
    }
    for words in
        ["Score per group, cosine similarity", "<data value=\"0.75\"", "ink has the most similar training images"]
    {
        assert!(html.contains(words), "{words}");
    }
}
