//! Which TCP ports processes of this host listen on, as Linux says it in `/proc/net/tcp` and `tcp6`.

use std::collections::BTreeSet;
use std::fs;

use crate::model::Port;

/// The state `LISTEN` (`include/net/tcp_states.h`).
const LISTEN: &str = "0A";

/// The listening ports of this process's network namespace; `None` where nobody says.
pub(super) fn listeners() -> Option<BTreeSet<Port>> {
    // Each takes the kernel milliseconds, whatever it says.
    let six = std::thread::spawn(|| fs::read_to_string("/proc/net/tcp6").unwrap_or_default());
    let four = fs::read_to_string("/proc/net/tcp").ok();
    let six = six.join().unwrap_or_default();
    Some([four?, six].iter().flat_map(|table| ports(table)).collect())
}

/// The listening ports of one table.
fn ports(table: &str) -> impl Iterator<Item = Port> {
    table.lines().skip(1).filter_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let local = fields.next()?;
        let state = fields.nth(1)?;
        let number = i64::from_str_radix(local.rsplit(':').next()?, 16).ok()?;
        (state == LISTEN).then(|| Port::parse(number).ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listening_sockets_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n   \
             0: 0100007F:46A2 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n   \
             1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0\n   \
             2: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 0A 0\n\
             garbage\n";
        let found: Vec<u16> = ports(table).map(Port::get).collect();
        assert_eq!(found, [18082, 443]);
    }
}
