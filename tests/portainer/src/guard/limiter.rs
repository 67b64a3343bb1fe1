//! Too many logins: 10 in a second from one address, and it is banned for an hour
//! (P `api/http/server.go:124`, `api/http/security/rate_limiter.go`; the same in P41).

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// What one address did lately.
#[derive(Debug, Default)]
struct Client {
    lately: Vec<Duration>,
    banned_until: Option<Duration>,
}

/// Counts logins by address; clients behind one proxy share one.
#[derive(Debug)]
pub(crate) struct Limiter {
    most: usize,
    clients: HashMap<IpAddr, Client>,
}

const WINDOW: Duration = Duration::from_secs(1);
const BAN: Duration = Duration::from_secs(3600);

impl Limiter {
    /// Lets `most` logins a second through.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            clients: HashMap::new(),
        }
    }

    /// Counts one, and says whether it is refused.
    pub(crate) fn is_banned(&mut self, peer: IpAddr, now: Duration) -> bool {
        let client = self.clients.entry(peer).or_default();
        if client.banned_until.is_some_and(|until| now < until) {
            return true;
        }
        client.banned_until = None;
        client.lately.retain(|time| now < *time + WINDOW);
        client.lately.push(now);
        if client.lately.len() > self.most {
            client.lately.clear();
            client.banned_until = Some(now + BAN);
        }
        client.banned_until.is_some()
    }

    /// Ends every ban, as a restart does.
    pub(crate) fn forgive(&mut self) {
        self.clients.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::Limiter;
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    const ONE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::BROADCAST);

    #[test]
    fn the_eleventh_login_of_a_second_is_banned_for_an_hour_and_the_others_are_not() {
        let mut limiter = Limiter::new(10);
        let at = Duration::from_secs;
        let refused = (0..11).filter(|_| limiter.is_banned(ONE, at(100))).count();
        assert_eq!(refused, 1);
        assert!(!limiter.is_banned(OTHER, at(100)));
        assert!(limiter.is_banned(ONE, at(100 + 3599)));
        assert!(!limiter.is_banned(ONE, at(100 + 3600)));
    }

    #[test]
    fn ten_logins_every_second_are_never_too_many() {
        let mut limiter = Limiter::new(10);
        for second in 0..5 {
            for _ in 0..10 {
                assert!(!limiter.is_banned(ONE, Duration::from_secs(second)));
            }
        }
    }
}
