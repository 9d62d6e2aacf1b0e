//! Addresses of pages.

use std::fmt::Write as _;

/// The page of a run.
pub(super) fn run(id: &str) -> String {
    format!("/runs/{}", segment(id))
}

/// The page of a run as it happens.
pub(super) fn live(id: &str) -> String {
    format!("/live/{}", segment(id))
}

/// The page of a machine.
pub(super) fn machine(name: &str) -> String {
    format!("/machines/{}", segment(name))
}

/// The page of a bench, on one machine or all.
pub(super) fn bench(id: &str, machine: Option<&str>) -> String {
    let path: Vec<String> = id.split('/').map(segment).collect();
    let query = machine.map(|machine| format!("?machine={}", segment(machine))).unwrap_or_default();
    format!("/benches/{}{query}", path.join("/"))
}

/// The page that holds two runs against each other.
pub(super) fn compare(a: &str, b: &str) -> String {
    format!("/compare?a={}&b={}", segment(a), segment(b))
}

/// The page to sign in on, which leads to `next` afterwards.
pub(super) fn login(next: &str) -> String {
    format!("/login?next={}", segment(next))
}

/// `next` if it is a place of this site, else the first page.
pub(super) fn local(next: Option<&str>) -> &str {
    // Browsers read a backslash as a slash, and two slashes as another site.
    let is_local = |next: &&str| {
        next.starts_with('/')
            && !next.starts_with("//")
            && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    next.filter(is_local).unwrap_or("/")
}

/// `text` as a part of a path or a value of a query (RFC 3986, section 2.1): all but unreserved characters encoded. A
/// part of only dots would be taken for a step up, so that its dots are encoded too.
pub(super) fn segment(text: &str) -> String {
    let is_step = !text.is_empty() && text.bytes().all(|byte| byte == b'.');
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~' | b'.');
        if is_plain && !is_step {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_place_in_an_address() {
        assert_eq!(bench("memory/alloc-small/64", None), "/benches/memory/alloc-small/64");
        assert_eq!(bench("a/../b?c#d\"<", Some("1&2")), "/benches/a/%2E%2E/b%3Fc%23d%22%3C?machine=1%262");
        assert_eq!(run("\u{e4}"), "/runs/%C3%A4");
    }

    #[test]
    fn only_places_of_this_site_are_led_to() {
        assert_eq!(local(Some("/runs?page=2")), "/runs?page=2");
        for next in
            ["", "runs", "//evil.example", "/\\evil.example", "https://evil.example", "/a b", "/\r\nX: y"]
        {
            assert_eq!(local(Some(next)), "/", "{next}");
        }
    }
}
