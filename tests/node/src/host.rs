//! What a container can learn about itself without a C library: from `/proc` and `/etc`.

use std::net::Ipv4Addr;

/// The container's host name, which k3d and kind set to the node's name.
pub(crate) fn name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

/// The container's own addresses, loopback included.
pub(crate) fn addresses() -> Vec<Ipv4Addr> {
    std::fs::read_to_string("/proc/net/fib_trie")
        .map(|text| local_addresses(&text))
        .unwrap_or_default()
}

/// Reads the routing table's dump: a `|-- ADDRESS` line whose next line says `/32 host LOCAL`.
fn local_addresses(trie: &str) -> Vec<Ipv4Addr> {
    let mut found = Vec::new();
    let mut last = None;
    for line in trie.lines() {
        let line = line.trim_start();
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.trim().parse().ok();
        } else if line.starts_with("/32 host LOCAL")
            && let Some(address) = last.take()
            && !found.contains(&address)
        {
            found.push(address);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::local_addresses;
    use std::net::Ipv4Addr;

    #[test]
    fn only_addresses_of_this_host_are_taken_from_the_routing_table() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.101.0.0\n        /24 link UNICAST\n     \
                    |-- 10.101.0.3\n        /32 host LOCAL\n     |-- 10.101.0.255\n        /32 link \
                    BROADCAST\nLocal:\n     |-- 10.101.0.3\n        /32 host LOCAL\n     |-- \
                    127.0.0.1\n        /32 host LOCAL\n";
        assert_eq!(
            local_addresses(trie),
            [Ipv4Addr::new(10, 101, 0, 3), Ipv4Addr::LOCALHOST]
        );
    }
}
