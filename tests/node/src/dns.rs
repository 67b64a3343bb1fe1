//! The address of a host, and one question for it: the IPv4 address of a name.
//!
//! The C library's resolver loads shared libraries, which a static program does not have.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use tokio::net::UdpSocket;

use crate::error::Error;

const TRIES: u16 = 3;
const TIMEOUT: Duration = Duration::from_secs(1);
const TYPE_A: u16 = 1;
const CLASS_IN: u16 = 1;

/// Docker's own name server in every user-defined network. k3d puts the gateway's address in its
/// place into `resolv.conf`, and the rules that would make that answer are not in the test images.
const DOCKERS_NAME_SERVER: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 11)), 53);

/// The address of a host: as it stands, from `/etc/hosts`, else from a name server.
pub(crate) async fn address(host: &str) -> Result<IpAddr, String> {
    if let Ok(address) = host.trim_matches(['[', ']']).parse() {
        return Ok(address);
    }
    let hosts = tokio::fs::read_to_string("/etc/hosts").await;
    for line in hosts.unwrap_or_default().lines() {
        let mut words = line
            .split('#')
            .next()
            .unwrap_or_default()
            .split_whitespace();
        let address = words.next().and_then(|word| word.parse::<IpAddr>().ok());
        if let Some(address) = address.filter(IpAddr::is_ipv4)
            && words.any(|name| name == host)
        {
            return Ok(address);
        }
    }
    let configured = name_server(Path::new("/etc/resolv.conf")).ok();
    for server in [Some(DOCKERS_NAME_SERVER), configured]
        .into_iter()
        .flatten()
    {
        if let Some(found) = lookup(server, host).await {
            return Ok(IpAddr::V4(found));
        }
    }
    Err(format!("dial tcp: lookup {host}: no such host"))
}

/// The first name server of a `resolv.conf`; in a user-defined Docker network it is Docker itself.
pub(crate) fn name_server(resolv_conf: &Path) -> Result<SocketAddr, Error> {
    let text = std::fs::read_to_string(resolv_conf).map_err(Error::file(resolv_conf))?;
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver"))
        .find_map(|rest| rest.trim().parse::<IpAddr>().ok())
        .map(|address| SocketAddr::new(address, 53))
        .ok_or_else(|| Error::Other(format!("find a name server in {}", resolv_conf.display())))
}

/// The address of `name`, or nothing if the server knows none or does not answer.
pub(crate) async fn lookup(server: SocketAddr, name: &str) -> Option<Ipv4Addr> {
    if let Ok(address) = name.parse() {
        return Some(address);
    }
    for id in 1..=TRIES {
        if let Ok(Some(answer)) = tokio::time::timeout(TIMEOUT, ask(server, id, name)).await {
            return first_address(&answer, id);
        }
    }
    None
}

async fn ask(server: SocketAddr, id: u16, name: &str) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind(("0.0.0.0", 0)).await.ok()?;
    socket.connect(server).await.ok()?;
    socket.send(&question(id, name)?).await.ok()?;
    let mut buffer = vec![0; 512];
    let length = socket.recv(&mut buffer).await.ok()?;
    buffer.truncate(length);
    Some(buffer)
}

/// A query with recursion wanted; nothing for a name that DNS cannot carry.
fn question(id: u16, name: &str) -> Option<Vec<u8>> {
    let mut packet = Vec::with_capacity(name.len() + 18);
    packet.extend(id.to_be_bytes());
    packet.extend([0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len())
            .ok()
            .filter(|length| (1..64).contains(length))?;
        packet.push(length);
        packet.extend(label.as_bytes());
    }
    packet.push(0);
    packet.extend(TYPE_A.to_be_bytes());
    packet.extend(CLASS_IN.to_be_bytes());
    Some(packet)
}

fn first_address(packet: &[u8], id: u16) -> Option<Ipv4Addr> {
    if number(packet, 0)? != id || packet.get(3)? & 0x0f != 0 {
        return None;
    }
    let questions = number(packet, 4)?;
    let answers = number(packet, 6)?;
    let mut at = 12;
    for _ in 0..questions {
        at = after_name(packet, at)? + 4;
    }
    for _ in 0..answers {
        at = after_name(packet, at)?;
        let kind = number(packet, at)?;
        let length = usize::from(number(packet, at + 8)?);
        let data = packet.get(at + 10..at + 10 + length)?;
        if kind == TYPE_A {
            return <[u8; 4]>::try_from(data).ok().map(Ipv4Addr::from);
        }
        at += 10 + length;
    }
    None
}

/// Skips a name: labels up to an empty one, or up to a pointer to the rest of it.
fn after_name(packet: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = *packet.get(at)?;
        match length {
            0 => return Some(at + 1),
            0xc0.. => return Some(at + 2),
            _ => at += 1 + usize::from(length),
        }
    }
}

fn number(packet: &[u8], at: usize) -> Option<u16> {
    let bytes = packet.get(at..at + 2)?;
    Some(u16::from_be_bytes([bytes[0], bytes[1]]))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop")]

    use super::{first_address, question};
    use std::net::Ipv4Addr;

    fn answered(code: u8) -> Vec<u8> {
        let mut packet = question(7, "k3d-dev-server-0").unwrap();
        packet[2] = 0x81;
        packet[3] = 0x80 | code;
        packet[7] = u8::from(code == 0);
        if code == 0 {
            packet.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 2, 88, 0, 4, 10, 101, 0, 3]);
        }
        packet
    }

    #[test]
    fn an_answer_is_read_and_a_refusal_is_none() {
        let address = Ipv4Addr::new(10, 101, 0, 3);
        assert_eq!(first_address(&answered(0), 7), Some(address));
        assert_eq!(first_address(&answered(0), 8), None);
        assert_eq!(first_address(&answered(3), 7), None);
    }

    #[test]
    fn a_broken_answer_is_none_at_every_length() {
        let whole = answered(0);
        for length in 0..whole.len() {
            assert_eq!(first_address(&whole[..length], 7), None);
        }
    }

    #[test]
    fn a_name_that_dns_cannot_carry_is_not_asked_for() {
        assert_eq!(question(1, "a..b"), None);
        assert_eq!(question(1, &"x".repeat(64)), None);
    }
}
