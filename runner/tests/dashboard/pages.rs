//! What pages show.

use crate::results::{HOSTILE, hostile, id, insert, ordinary};
use crate::samples;
use crate::world::World;
use perf_kernel::wire::Mode;

#[test]
fn the_first_page_shows_what_is_new() {
    let world = World::new(ordinary);
    let page = world.get("/").body;
    for part in [
        "Overview",
        "Open findings",
        "memory/<wbr>alloc-small/<wbr>64",
        "Machines",
        "Example 9000 Processor",
        "Newest runs",
        "bb000000",
        "aa000047",
        "No run is going on.",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    assert!(!page.contains("http://") && !page.contains("https://"), "nothing is loaded from elsewhere");
}

#[test]
fn lists_of_runs_come_in_pages() {
    let world = World::new(|store| {
        for place in 0..120 {
            insert(store, &id(place), place, Mode::Tcg, None, &[samples::bench("env/pause", 90, 1)], 1);
        }
    });
    let (first, last) = (world.get("/runs"), world.get("/runs?page=3"));
    assert!(
        first.body.contains("page 1 of 3")
            && first.body.contains("aa000119")
            && !first.body.contains("aa000060")
    );
    assert!(last.body.contains("aa000000") && !last.body.contains("rel=\"next\""));
    let json: serde_json::Value = serde_json::from_str(&world.get("/api/runs?page=3").body).expect("JSON");
    assert_eq!((&json["count"], json["runs"].as_array().map(Vec::len)), (&120.into(), Some(20)));
}

#[test]
fn a_run_is_shown_with_its_benches_and_is_there_to_download() {
    let world = World::new(ordinary);
    assert!(world.get("/runs").body.contains("3 \u{d7} done"));
    let page = world.get("/runs/aa000020").body;
    for part in [
        "memory/<wbr>alloc-small/<wbr>64",
        "not built yet",
        "v1.20",
        "aa000019",
        "<td class=\"number\">5</td>",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    let json = world.get("/runs/aa000020/run.json");
    assert!(json.header("content-disposition").is_some_and(|value| value.contains("run-aa000020.json")));
    let document = runner::report::Document::parse(json.body.as_bytes()).expect("as show writes it");
    assert_eq!((document.run.as_str(), document.boots.len()), ("aa000020", 3));
    let csv = world.get("/runs/aa000020/run.csv").body;
    assert_eq!(csv.lines().count(), 1 + 3 * 5);
}

#[test]
fn runs_of_unlike_machines_are_shown_field_by_field() {
    let world = World::new(ordinary);
    let page = world.get("/compare?a=aa000020&b=bb000000").body;
    assert!(page.contains("not comparable") && page.contains("<td>icount</td>"), "{page}");
    let json: serde_json::Value =
        serde_json::from_str(&world.get("/api/compare?a=aa000020&b=bb000000").body).expect("JSON");
    let comparison = &json["comparisons"][0];
    assert_eq!(comparison["method"], "none");
    let fields = comparison["differences"].as_array().expect("some");
    assert!(fields.iter().any(|field| field["field"] == "mode" && field["after"] == "icount"));
}

#[test]
fn a_comparison_has_the_run_before_as_its_first_side() {
    let world = World::new(ordinary);
    let page = world.get("/compare?b=aa000020").body;
    assert!(page.contains("value=\"aa000019\" selected"), "{page}");
}

#[test]
fn a_history_is_drawn_with_its_findings() {
    let world = World::new(ordinary);
    let page = world.get("/benches/env/pause").body;
    assert_eq!(page.matches("<svg").count(), 1, "the other machine has one run: {page}");
    assert!(page.contains("A history needs a second run"), "{page}");
    let page = world.get("/benches/memory/alloc-small/64").body;
    assert!(page.contains("class=\"flag\"") && page.contains("step"), "{page}");
    let machines: serde_json::Value = serde_json::from_str(&world.get("/api/machines").body).expect("JSON");
    let name = machines[1]["name"].as_str().expect("a name");
    let history = world.get(&format!("/api/history?bench=memory/alloc-small/64&machine={name}")).body;
    let history: serde_json::Value = serde_json::from_str(&history).expect("JSON");
    assert_eq!(history["points"].as_array().map(Vec::len), Some(48));
}

#[test]
fn everything_with_a_name_is_found() {
    let world = World::new(ordinary);
    for (text, found) in [
        ("verify", "security/<wbr>verify-ed25519"),
        ("V1.7", "aa000007"),
        ("aa00001", "aa000012"),
        ("example+9000", "/machines/"),
    ] {
        let page = world.get(&format!("/search?q={text}")).body;
        assert!(page.contains(found), "{text}: {page}");
    }
    assert!(world.get("/search?q=%25").body.contains("Nothing is called so."));
}

#[test]
fn hostile_names_are_only_ever_text() {
    let world = World::new(hostile);
    let machines: serde_json::Value = serde_json::from_str(&world.get("/api/machines").body).expect("JSON");
    let machine = machines[0]["name"].as_str().expect("a name").to_owned();
    let bench: String = HOSTILE.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let cookie = world.sign_in();
    let paths = [
        "/".to_owned(),
        "/runs".to_owned(),
        "/runs/cc000002".to_owned(),
        "/machines".to_owned(),
        format!("/machines/{machine}"),
        "/benches".to_owned(),
        format!("/benches/{bench}"),
        format!("/benches/{bench}?machine={machine}"),
        "/compare?b=cc000002".to_owned(),
        "/findings?state=all".to_owned(),
        format!("/findings?q={bench}"),
        format!("/search?q={bench}"),
        "/search?q=script".to_owned(),
        format!("/login?next={bench}"),
        format!("/runs?machine={bench}"),
        format!("/runs/{bench}"),
        format!("/{bench}"),
        format!("/live/{bench}"),
    ];
    for path in &paths {
        for headers in [&[][..], &[cookie.as_str()][..]] {
            let page = world.ask("GET", path, headers, "").body;
            // In an input stands what was typed there, to the letter.
            let is_typed = path.contains("?q=");
            for live in ["<script>alert", "<img src=x", "\"'>", "\u{202e}"] {
                assert!((is_typed && live == "\u{202e}") || !page.contains(live), "{path}: {live} in {page}");
            }
            assert!(page.contains("</html>"), "{path}");
        }
    }
    assert!(world.get("/").body.contains("&lt;script&gt;alert(1)"));
}

#[test]
fn links_to_hostile_benches_lead_to_them() {
    let world = World::new(hostile);
    let page = world.get("/benches").body;
    let link = page.split("href=\"").find(|rest| rest.starts_with("/benches/%3C")).expect("a link");
    let link = link.split('"').next().expect("an end");
    let page = world.get(link);
    assert_eq!(page.status, 200, "{link}");
    assert!(page.body.contains("<svg"), "two runs are a history");
}
