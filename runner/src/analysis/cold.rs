//! Cold figures where figures go by a key: beside those of benches, as figures of their own.

/// What stands behind a bench's id in the key of its cold figures. No id has a colon.
const MARK: &str = ":cold";

/// The key of the cold figures of the bench `id`.
pub(crate) fn cold_key(id: &str) -> String {
    format!("{id}{MARK}")
}

/// Whether `key` is that of cold figures.
pub(crate) fn is_cold(key: &str) -> bool {
    key.ends_with(MARK)
}

/// The bench whose figures have this key, cold or not.
pub(crate) fn bench_of(key: &str) -> &str {
    key.strip_suffix(MARK).unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use perf_kernel::suites::SUITES;

    #[test]
    fn a_key_leads_back_to_its_bench_and_no_id_is_taken_for_one() {
        for id in SUITES.iter().flat_map(|suite| suite.benches).map(|bench| bench.id) {
            let key = cold_key(id);
            assert!(is_cold(&key) && !is_cold(id));
            assert_eq!((bench_of(&key), bench_of(id)), (id, id));
        }
    }
}
