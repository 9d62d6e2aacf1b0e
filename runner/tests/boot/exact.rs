//! Boots that count instructions.

use crate::harness::{Bench, image};

#[test]
fn two_boots_agree_to_the_instruction() {
    let bench = Bench::new("");
    let filters = ["env/", "memory/alloc-small", "memory/cache-random", "security/seal", "security/hash"];
    let called = bench.boot(&image("bios"), "icount", &filters, &["--boots", "2"]);
    assert_eq!(called.code, 0, "{called:#?}");
    let results = bench.results();
    assert_eq!(results["mode"], "icount");
    assert_eq!(results["boots"][0]["benches"], results["boots"][1]["benches"]);
    let compared = bench.call(&["compare"]);
    assert_eq!(compared.code, 0, "{compared:#?}");
    assert!(compared.output.contains("no difference in "), "{compared:#?}");
}

#[test]
fn another_seed_is_no_silent_equality() {
    let bench = Bench::new("");
    for seed in ["1", "2"] {
        let called = bench.boot(&image("bios"), "icount", &["memory/cache-random"], &["--seed", seed]);
        assert_eq!(called.code, 0, "{called:#?}");
    }
    let compared = bench.call(&["compare", "last~1", "last"]);
    assert_eq!(compared.code, 11, "runs of unlike plans are not compared: {compared:#?}");
    assert!(compared.output.contains("seed") || compared.errors.contains("seed"), "{compared:#?}");
}
