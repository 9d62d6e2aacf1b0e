//! Which names of this machine a browser may have used.
//!
//! A page of somebody else can have its own name lead to 127.0.0.1 (DNS rebinding) and would then share an origin with
//! the dashboard. Such a request still carries the foreign name.

use std::net::{IpAddr, SocketAddr};

/// Whether `host`, the value of a `Host` header, is a name for a dashboard at the loopback address `address`.
pub(super) fn is_loopback_name(host: &str, address: SocketAddr) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let is_port = port.map_or(address.port() == 80, |port| port.parse() == Ok(address.port()));
    let literal = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    let is_name = literal.eq_ignore_ascii_case("localhost")
        || literal.parse::<IpAddr>().is_ok_and(|literal| literal.is_loopback());
    is_port && is_name
}

/// Whether `origin`, the value of an `Origin` header (RFC 6454, section 7), is the site that `host` names.
pub(super) fn is_same_site(origin: &str, host: &str) -> bool {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_pass() {
        let address: SocketAddr = "127.0.0.1:7878".parse().expect("an address");
        for host in ["127.0.0.1:7878", "localhost:7878", "LocalHost:7878", "[::1]:7878", "127.3.2.1:7878"] {
            assert!(is_loopback_name(host, address), "{host}");
        }
        let foreign = [
            "",
            "evil.example",
            "evil.example:7878",
            "localhost",
            "localhost:80",
            "127.0.0.1.evil.example:7878",
            "localhost.evil.example:7878",
            "10.0.0.1:7878",
            "[::1]",
            "localhost:7878:1",
            "localhost:+7878x",
            "::1",
        ];
        for host in foreign {
            assert!(!is_loopback_name(host, address), "{host}");
        }
        let usual: SocketAddr = "127.0.0.1:80".parse().expect("an address");
        assert!(is_loopback_name("localhost", usual));
    }

    #[test]
    fn an_origin_is_the_site_itself_or_foreign() {
        assert!(is_same_site("http://localhost:7878", "localhost:7878"));
        for origin in ["null", "http://localhost:7879", "http://evil.example", "", "localhost:7878"] {
            assert!(!is_same_site(origin, "localhost:7878"), "{origin}");
        }
    }
}
