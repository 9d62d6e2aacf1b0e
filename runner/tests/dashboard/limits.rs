//! What is not taken, and what is not waited for.

use std::fs;
use std::io::{Read as _, Write as _};

use runner::store::Store;

use crate::client::{connect, raw};
use crate::results::ordinary;
use crate::world::{TOKEN, World};

#[test]
fn no_address_leads_to_a_file() {
    let world = World::new(ordinary);
    fs::write(world.path("secret.transcript"), "SECRET").expect("room");
    fs::create_dir_all(world.folder.transcripts()).expect("room");
    fs::write(world.folder.transcripts().join("aa000001-1.transcript"), "SECRET").expect("room");
    let names = [
        "..",
        "../../secret",
        "..%2f..%2fsecret",
        "%2e%2e%2f%2e%2e%2fsecret",
        "....//secret",
        "..%5c..%5csecret",
        "aa000001%00",
        "%00",
        "aa000001-1",
        "aa000001/../../../secret",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "aa000001.transcript",
    ];
    for name in names {
        for place in [
            "/runs/",
            "/live/",
            "/machines/",
            "/benches/",
            "/assets/",
            "/transcripts/",
            "/api/runs/",
            "/",
            "/findings/",
        ] {
            let path = format!("{place}{name}");
            let answer = world.get(&path);
            assert!(matches!(answer.status, 400 | 404 | 405), "{path}: {}", answer.status);
            assert!(!answer.body.contains("SECRET") && !answer.body.contains("root:"), "{path}");
        }
        let answer = world.get(&format!("/live/{name}/events"));
        assert!(matches!(answer.status, 400 | 404), "{name}: {}", answer.status);
    }
}

#[test]
fn what_is_not_there_is_said_so() {
    let world = World::new(ordinary);
    for path in [
        "/nowhere",
        "/runs/ffffffff",
        "/machines/ffffffffffffffff",
        "/benches/env/nothing",
        "/live/ffffffff",
        "/runs/ffffffff/run.csv",
    ] {
        let answer = world.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.body.contains("Not found") && answer.body.contains("To the overview"), "{path}");
    }
    for path in
        ["/runs?page=0", "/runs?page=x", "/runs?machine=x", "/compare?a=x", "/findings?state=odd", "/runs/x"]
    {
        assert_eq!(world.get(path).status, 400, "{path}");
    }
    assert_eq!(world.get("/runs?page=999").status, 200);
    let refused = world.get("/api/runs/ffffffff");
    assert_eq!((refused.status, refused.header("content-type")), (404, Some("application/json")));
    assert!(refused.body.contains("\"error\""), "{}", refused.body);
}

#[test]
fn other_methods_are_refused() {
    let world = World::new(ordinary);
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        assert_eq!(world.ask(method, "/", &[], "").status, 405, "{method}");
    }
    let bearer = format!("Authorization: Bearer {TOKEN}");
    assert_eq!(world.ask("POST", "/", &[&bearer], "").status, 405);
    assert_eq!(world.ask("GET", "/logout", &[], "").status, 405);
}

#[test]
fn large_requests_are_refused() {
    let world = World::new(ordinary);
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let body = format!("reason={}", "x".repeat(70_000));
    let path = &format!("/findings/{}/acknowledge", world.finding("memory/"));
    assert_eq!(world.ask("POST", path, &[&bearer], &body).status, 413);
    let reason = format!("reason={}", "x".repeat(2_001));
    assert_eq!(world.ask("POST", path, &[&bearer], &reason).status, 400);
    let large = format!("X-Large: {}", "x".repeat(100_000));
    assert!(matches!(world.ask("GET", "/", &[&large], "").status, 431 | 0));
    assert_eq!(world.get("/").status, 200, "it still answers");
}

#[test]
fn requests_that_are_none_do_no_harm() {
    let world = World::new(ordinary);
    for bytes in [
        &b"\x00\xff\x16\x03\x01"[..],
        b"GET",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\r\n\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\x01b\r\n\r\n",
    ] {
        let mut stream = connect(world.address);
        stream.write_all(bytes).expect("it listens");
        stream.shutdown(std::net::Shutdown::Write).expect("open");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{bytes:?}");
    }
    let without_host = raw(world.address, &["GET / HTTP/1.1".to_owned()], b"");
    assert_eq!(without_host.status, 400);
    assert_eq!(world.get("/").status, 200, "it still answers");
}

#[test]
fn without_results_there_is_a_hint_and_no_database_is_made() {
    let world = World::empty();
    for path in ["/", "/runs", "/findings", "/search?q=a"] {
        let answer = world.get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.body.contains("multios-perf run"), "{path}");
    }
    assert!(!world.folder.database().exists());
    assert_eq!(world.get("/api/runs").body, "null\n");
}

#[test]
fn pages_are_shown_while_another_program_writes() {
    let world = World::new(ordinary);
    let writer = rusqlite::Connection::open(world.folder.database()).expect("it is there");
    writer.execute_batch("BEGIN IMMEDIATE; DELETE FROM points").expect("free");
    assert_eq!(world.get("/").status, 200);
    assert!(world.get("/benches/env/pause").body.contains("<svg"));
    writer.execute_batch("ROLLBACK").expect("begun");
}

#[test]
fn a_database_that_was_damaged_is_told_and_the_dashboard_lives_on() {
    let world = World::new(ordinary);
    let path = world.folder.database().to_owned();
    drop(Store::open(&path).expect("ours"));
    fs::write(&path, "no database any more, whatever its name says about it").expect("room");
    let answer = world.get("/runs");
    assert_eq!(answer.status, 500);
    assert!(answer.body.contains("no SQLite database"), "{}", answer.body);
    assert_eq!(world.get("/login").status, 200);
}

#[test]
fn answers_on_their_way_go_out_when_the_dashboard_ends() {
    let mut world = World::new(ordinary);
    let mut stream = connect(world.address);
    write!(stream, "GET /live/events HTTP/1.1\r\nHost: {}\r\n\r\n", world.address).expect("it listens");
    let mut first = [0; 12];
    stream.read_exact(&mut first).expect("it answers");
    assert_eq!(&first, b"HTTP/1.1 200");
    world.end();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("it ended in order");
    assert!(rest.ends_with(b"0\r\n\r\n"), "the stream was finished");
}

#[test]
fn a_change_that_another_program_locks_out_is_refused_and_can_be_repeated() {
    let world = World::new(ordinary);
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let path = format!("/findings/{}/acknowledge", world.finding("memory/"));
    let writer = rusqlite::Connection::open(world.folder.database()).expect("it is there");
    writer.execute_batch("BEGIN IMMEDIATE").expect("free");
    let answer = world.ask("POST", &path, &[&bearer], "reason=seen");
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("locked"), "{}", answer.body);
    assert_eq!(world.json("/api/findings?state=acknowledged"), serde_json::json!([]));
    writer.execute_batch("ROLLBACK").expect("begun");
    assert_eq!(world.ask("POST", &path, &[&bearer], "reason=seen").status, 303);
    assert_eq!(world.json("/api/findings?state=acknowledged")[0]["acknowledgement"]["reason"], "seen");
}

#[test]
fn two_people_may_say_something_at_the_same_time() {
    let world = World::new(ordinary);
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let path = format!("/findings/{}/acknowledge", world.finding("memory/"));
    std::thread::scope(|scope| {
        for number in 0..12 {
            let (world, bearer, path) = (&world, &bearer, &path);
            scope.spawn(move || {
                assert_eq!(world.ask("POST", path, &[bearer], &format!("reason=r{number}")).status, 303);
            });
        }
    });
    let kept = world.json("/api/findings?state=acknowledged");
    assert_eq!(kept.as_array().map(Vec::len), Some(1), "the last reason stands: {kept}");
}
