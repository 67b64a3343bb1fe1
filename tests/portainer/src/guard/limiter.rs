//! Too many logins: 10 at once from one address, and from then on one a second; one more, and it is banned for an hour
//! (P `api/http/server.go:124`, `api/http/security/rate_limiter.go`; the same in P41; what counts is defender's bucket).

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// What one address has left.
#[derive(Debug)]
struct Client {
    /// Logins that are not too many.
    left: f64,
    /// When that was so.
    since: Duration,
    banned_until: Option<Duration>,
}

/// Counts logins by address; clients behind one proxy share one.
#[derive(Debug)]
pub(crate) struct Limiter {
    most: usize,
    clients: HashMap<IpAddr, Client>,
}

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
        let most = f64::from(u32::try_from(self.most).unwrap_or(u32::MAX));
        let client = self.clients.entry(peer).or_insert(Client {
            left: most,
            since: now,
            banned_until: None,
        });
        if client.banned_until.is_some_and(|until| now < until) {
            return true;
        }
        client.banned_until = None;
        let gained = now.saturating_sub(client.since).as_secs_f64();
        client.left = most.min(client.left + gained);
        client.since = now;
        if client.left < 1.0 {
            client.banned_until = Some(now + BAN);
        } else {
            client.left -= 1.0;
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
    fn one_login_a_second_is_never_too_many_and_two_are_in_the_end() {
        let (mut one, mut two) = (Limiter::new(10), Limiter::new(10));
        for second in 0..60 {
            assert!(!one.is_banned(ONE, Duration::from_secs(second)));
        }
        let half = Duration::from_millis(500);
        let refused = (0..60).position(|number| two.is_banned(ONE, half * number));
        assert_eq!(refused, Some(19));
    }
}
