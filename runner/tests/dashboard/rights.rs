//! Who may do what.

use runner::store::Store;

use crate::results::ordinary;
use crate::world::{TOKEN, World};

const READING: [&str; 15] = [
    "/",
    "/runs",
    "/runs/aa000001",
    "/runs/aa000001/run.json",
    "/machines",
    "/benches",
    "/benches/env/pause",
    "/compare",
    "/findings",
    "/search?q=env",
    "/api/runs",
    "/api/findings",
    "/api/live",
    "/live/aa000001/events",
    "/nowhere",
];

/// Addresses that change something.
fn changes(finding: &str) -> [String; 3] {
    [format!("/findings/{finding}/acknowledge"), format!("/findings/{finding}/reopen"), "/logout".to_owned()]
}

fn open_to_others() -> World {
    World::at("0.0.0.0:0", Some(ordinary as fn(&mut Store)))
}

/// The id of the finding that the tests are about.
fn finding(world: &World) -> String {
    let all = world.ask("GET", "/api/findings?state=open", &[&bearer(TOKEN)], "").body;
    let all: serde_json::Value = serde_json::from_str(&all).expect("JSON");
    all[0]["id"].as_str().expect("a step").to_owned()
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

#[test]
fn every_answer_carries_the_headers_of_protection() {
    let world = World::new(ordinary);
    for path in
        READING.into_iter().chain(["/login", "/assets/dashboard.css", "/assets/dashboard.js", "/runs/.."])
    {
        let answer = world.get(path);
        let policy = answer.header("content-security-policy").unwrap_or_default();
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"), "{path}");
        let is_asset = path.starts_with("/assets/");
        assert_eq!(answer.header("cache-control") == Some("no-store"), !is_asset, "{path}");
    }
    let refused = world.ask("GET", "/", &["Host: evil.example"], "");
    assert!(refused.header("content-security-policy").is_some());
}

#[test]
fn reading_is_free_at_a_loopback_address() {
    let world = World::new(ordinary);
    for path in READING {
        let expected = if path == "/nowhere" || path.starts_with("/live/") { 404 } else { 200 };
        assert_eq!(world.get(path).status, expected, "{path}");
        assert_eq!(world.ask("HEAD", path, &[], "").status, expected, "{path}");
    }
}

#[test]
fn a_change_needs_the_token_wherever_it_comes_from() {
    for world in [World::new(ordinary), open_to_others()] {
        for path in &changes(&finding(&world)) {
            assert_eq!(world.ask("POST", path, &[], "reason=x").status, 401, "{path}");
            let wrong = bearer("correct-horse-battery-stapl!");
            assert_eq!(world.ask("POST", path, &[&wrong], "reason=x").status, 401, "{path}");
            assert_eq!(
                world.ask("POST", path, &["Cookie: multios_perf_session=0"], "reason=x").status,
                401,
                "{path}"
            );
            assert_eq!(world.ask("POST", path, &[&bearer(TOKEN)], "reason=x").status, 303, "{path}");
        }
    }
}

#[test]
fn at_any_other_address_reading_needs_the_token_too() {
    let world = open_to_others();
    let session = world.sign_in();
    for path in READING {
        let answer = world.get(path);
        let is_page = !path.starts_with("/api/") && !path.ends_with("/events");
        assert_eq!(answer.status, if is_page { 303 } else { 401 }, "{path}");
        assert!(answer.header("location").is_none_or(|place| place.starts_with("/login?next=%2F")), "{path}");
        assert!(!answer.body.contains("aa000001\">"), "{path}");
        for right in [&session, &bearer(TOKEN)] {
            assert!(matches!(world.ask("GET", path, &[right], "").status, 200 | 404), "{path}");
        }
        assert_eq!(world.ask("GET", path, &[&bearer("wrong")], "").status, 401, "{path}");
    }
    for path in ["/login", "/assets/dashboard.css", "/assets/dashboard.js", "/assets/icon.svg"] {
        assert_eq!(world.get(path).status, 200, "{path}");
    }
}

#[test]
fn only_the_token_signs_in() {
    let world = World::new(ordinary);
    for body in ["", "token=", "token=correct-horse-battery-stapl", "next=/", "token=%00", "%ff=%fe"] {
        let answer = world.ask("POST", "/login", &[], body);
        assert!(matches!(answer.status, 200 | 400), "{body}: {}", answer.status);
        assert_eq!(answer.header("set-cookie"), None, "{body}");
    }
    let answer = world.ask("POST", "/login", &[], &format!("token={TOKEN}&next=//evil.example"));
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    let cookie = answer.header("set-cookie").expect("a session");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains(TOKEN));
}

#[test]
fn a_form_counts_only_with_the_token_of_its_own_session() {
    let world = World::new(ordinary);
    let (mine, other) = (world.sign_in(), world.sign_in());
    let form_token = |cookie: &str| world.ask("GET", "/findings", &[cookie], "").field("form_token");
    let (mine_token, other_token) = (form_token(&mine), form_token(&other));
    let [path, again, _] = &changes(&finding(&world));
    for token in ["", "0", &other_token] {
        let answer = world.ask("POST", path, &[&mine], &format!("reason=x&form_token={token}"));
        assert_eq!(answer.status, 403, "{token}");
    }
    assert!(world.get("/api/findings?state=acknowledged").body.starts_with("[]"));
    let body = format!("reason=known+and+wanted&next=/findings?state=all&form_token={mine_token}");
    let answer = world.ask("POST", path, &[&mine], &body);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/findings?state=all")));
    let kept = world.get("/api/findings?state=acknowledged").body;
    assert!(kept.contains("known and wanted"), "{kept}");
    let answer = world.ask("POST", again, &[&mine], &format!("form_token={mine_token}"));
    assert_eq!(answer.status, 303);
    assert!(world.get("/api/findings?state=acknowledged").body.starts_with("[]"));
}

#[test]
fn signing_out_ends_the_session() {
    let world = World::new(ordinary);
    let cookie = world.sign_in();
    let token = world.ask("GET", "/findings", &[&cookie], "").field("form_token");
    let answer = world.ask("POST", "/logout", &[&cookie], &format!("form_token={token}"));
    assert!(answer.header("set-cookie").expect("taken away").contains("Max-Age=0"));
    let answer =
        world.ask("POST", &changes(&finding(&world))[0], &[&cookie], &format!("reason=x&form_token={token}"));
    assert_eq!(answer.status, 401);
}

#[test]
fn a_page_of_another_site_reaches_nothing() {
    let world = World::new(ordinary);
    let port = world.address.port();
    for host in ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "10.0.0.1", "localhost:1"] {
        let answer = world.ask("GET", "/api/runs", &[&format!("Host: {host}")], "");
        assert_eq!(answer.status, 403, "{host}");
        assert!(!answer.body.contains("aa000001"), "{host}");
    }
    for host in [format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}")] {
        assert_eq!(world.ask("GET", "/", &[&format!("Host: {host}")], "").status, 200, "{host}");
    }
    let cookie = world.sign_in();
    let token = world.ask("GET", "/findings", &[&cookie], "").field("form_token");
    let body = format!("reason=x&form_token={token}");
    for foreign in [
        "Origin: http://evil.example",
        "Origin: null",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ] {
        assert_eq!(
            world.ask("POST", &changes(&finding(&world))[0], &[&cookie, foreign], &body).status,
            403,
            "{foreign}"
        );
    }
    let own = format!("Origin: http://127.0.0.1:{port}");
    assert_eq!(
        world
            .ask(
                "POST",
                &changes(&finding(&world))[0],
                &[&cookie, &own, "Sec-Fetch-Site: same-origin"],
                &body
            )
            .status,
        303
    );
}
