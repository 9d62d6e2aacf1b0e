//! Who has signed in.

use std::io;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::token::is_equal;
use crate::store::random_hex;

/// Name of the cookie that holds a session's secret.
pub(super) const COOKIE: &str = "multios_perf_session";

/// How long a session lasts.
pub(super) const LIFETIME: Duration = Duration::from_secs(12 * 3600);

/// Sessions that are kept; the oldest makes room for another.
const SESSIONS_MAX: usize = 64;

/// Bytes of randomness in a secret.
const SECRET_BYTES: usize = 32;

/// A browser that has shown the token.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// What its cookie holds.
    pub(super) secret: String,
    /// What its forms hold, so that no other page can send them.
    pub(super) form_token: String,
    since: Instant,
}

/// The sessions, kept in memory only.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<Vec<Session>>);

impl Sessions {
    /// A new session at `now`.
    ///
    /// # Errors
    /// The operating system gives no random numbers.
    pub(super) fn begin(&self, now: Instant) -> io::Result<Session> {
        let session = Session {
            secret: random_hex::<SECRET_BYTES>()?,
            form_token: random_hex::<SECRET_BYTES>()?,
            since: now,
        };
        self.with(now, |sessions| {
            if sessions.len() >= SESSIONS_MAX {
                sessions.remove(0);
            }
            sessions.push(session.clone());
        });
        Ok(session)
    }

    /// The session whose cookie holds `secret`, if it still lasts at `now`.
    pub(super) fn find(&self, secret: &str, now: Instant) -> Option<Session> {
        self.with(now, |sessions| {
            // Every one is looked at, so that time tells nothing.
            let found: Vec<&Session> =
                sessions.iter().filter(|session| is_equal(&session.secret, secret)).collect();
            found.first().copied().cloned()
        })
    }

    /// Ends the session whose cookie holds `secret`.
    pub(super) fn end(&self, secret: &str, now: Instant) {
        self.with(now, |sessions| sessions.retain(|session| !is_equal(&session.secret, secret)));
    }

    fn with<T>(&self, now: Instant, act: impl FnOnce(&mut Vec<Session>) -> T) -> T {
        // The list is whole even if somebody panicked while holding it.
        let mut sessions = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        sessions.retain(|session| now.saturating_duration_since(session.since) < LIFETIME);
        act(&mut sessions)
    }
}

/// The session's secret in the `Cookie` header `cookies` (RFC 6265, section 4.2).
pub(super) fn secret_in(cookies: &str) -> Option<&str> {
    let pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == COOKIE).map(|(_, value)| value).next()
}

/// The `Set-Cookie` header that gives a browser `secret`, or takes it away.
pub(super) fn cookie(secret: Option<&str>) -> String {
    let (value, age) = secret.map_or(("", 0), |secret| (secret, LIFETIME.as_secs()));
    format!("{COOKIE}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={age}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lasts_until_it_is_ended_or_old() {
        let sessions = Sessions::default();
        let now = Instant::now();
        let (a, b) = (sessions.begin(now).expect("random"), sessions.begin(now).expect("random"));
        assert_ne!(a.secret, b.secret);
        assert_ne!(a.secret, a.form_token);
        assert_eq!(sessions.find(&a.secret, now).expect("begun").form_token, a.form_token);
        assert!(sessions.find("", now).is_none() && sessions.find(&a.form_token, now).is_none());
        sessions.end(&a.secret, now);
        assert!(sessions.find(&a.secret, now).is_none() && sessions.find(&b.secret, now).is_some());
        assert!(sessions.find(&b.secret, now + LIFETIME).is_none());
    }

    #[test]
    fn the_number_of_sessions_is_bounded() {
        let sessions = Sessions::default();
        let now = Instant::now();
        let first = sessions.begin(now).expect("random");
        for _ in 0..SESSIONS_MAX {
            sessions.begin(now).expect("random");
        }
        assert!(sessions.find(&first.secret, now).is_none());
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        assert_eq!(secret_in("a=b; multios_perf_session=77; c=d"), Some("77"));
        assert_eq!(secret_in("multios_perf_session_=77; a"), None);
    }
}
