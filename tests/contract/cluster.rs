//! The cluster that is registered, where no engine says how it is.

use rollcall::model::{
    ClusterView, ContainerId, Incarnation, NodeRole, NodeState, NodeView, Phase, Port, Ports,
    ProviderId,
};
use rollcall::provider::Access;
use rollcall::registrar::RegisterOrder;

use crate::place::dev;

/// The node that takes requests for its API.
pub(crate) const FRONT: &str = "k3d-dev-serverlb";

/// A certificate that nobody trusts, of its authority and of its administrator: PEM in base64.
pub(crate) const CERTIFICATE: &str = "\
    LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJrVENDQVRlZ0F3SUJBZ0lVZWlPVmtLOXVnYzFhbHhzSTlSMFpPMnNvRDE4\
    d0NnWUlLb1pJemowRUF3SXcKSFRFYk1Ca0dBMVVFQXd3U2JtOWliMlI1SUhSeWRYTjBjeUIwYUdsek1DQVhEVEkyTVRFeU1URTVN\
    ak14TVZvWQpEekl4TWpZeE1ESTRNVGt5TXpFeFdqQWRNUnN3R1FZRFZRUUREQkp1YjJKdlpIa2dkSEoxYzNSeklIUm9hWE13CldU\
    QVRCZ2NxaGtqT1BRSUJCZ2dxaGtqT1BRTUJCd05DQUFSNlljeExqYjF0TWdJci9nR0xxejdHalgwMks2SlQKOG92S3hWMlFuVFJK\
    bHVGZW81YWJBdHduVjVwdS9GYkRnL3g0SkNvNXVUSGswdVZkdHkrN1lXOUhvMU13VVRBZApCZ05WSFE0RUZnUVVpSVBOaDF0MFhh\
    c3I1SEhCR2tzNzlMU2tuMzB3SHdZRFZSMGpCQmd3Rm9BVWlJUE5oMXQwClhhc3I1SEhCR2tzNzlMU2tuMzB3RHdZRFZSMFRBUUgv\
    QkFVd0F3RUIvekFLQmdncWhrak9QUVFEQWdOSUFEQkYKQWlCd2RabVRyK2V2eGQyRzJSR1dVSkpLUG9IYWJ6U1dhQjhXaEVmNitq\
    MU5Bd0loQU9xQk02T09sNXNwRzVWeApuckxUT0lDN1BsSk9KdERWVHdTMVVwWlhtTHV6Ci0tLS0tRU5EIENFUlRJRklDQVRFLS0t\
    LS0K";

/// Its key, which opens nothing.
pub(crate) const KEY: &str = "\
    LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1JR0hBZ0VBTUJNR0J5cUdTTTQ5QWdFR0NDcUdTTTQ5QXdFSEJHMHdhd0lCQVFR\
    Z1lIZFdRcW5WVFB1ZENFUHYKa2ZnV2xtT2tzSDFYNEV3aVVqd3VKcUFpaGZhaFJBTkNBQVI2WWN4TGpiMXRNZ0lyL2dHTHF6N0dq\
    WDAySzZKVAo4b3ZLeFYyUW5UUkpsdUZlbzVhYkF0d25WNXB1L0ZiRGcveDRKQ281dVRIazB1VmR0eSs3WVc5SAotLS0tLUVORCBQ\
    UklWQVRFIEtFWS0tLS0tCg==";

/// The providers that registrars know.
pub(crate) fn providers() -> Vec<ProviderId> {
    ["k3d", "kind"].map(ProviderId::new).to_vec()
}

/// `k3d/dev` in this life, with its API at 6550 and HTTP at 18081.
pub(crate) fn order(life: &str) -> RegisterOrder {
    let (port, life) = (
        |number| Port::parse(number).unwrap(),
        Incarnation::new(life),
    );
    let balancer = NodeView {
        id: ContainerId::new("1"),
        name: FRONT.to_owned(),
        role: NodeRole::Balancer,
        state: NodeState::Running,
        image: "image".into(),
        nonce: None,
    };
    RegisterOrder {
        access: Access {
            id: dev(),
            incarnation: life.clone(),
            server: "https://127.0.0.1:6550".to_owned(),
            ca_data: CERTIFICATE.to_owned(),
            client_certificate_data: CERTIFICATE.into(),
            client_key_data: KEY.into(),
        },
        cluster: ClusterView {
            id: dev(),
            phase: Phase::Ready,
            detail: None,
            incarnation: Some(life),
            nodes: vec![balancer],
            networks: Vec::new(),
            volumes: Vec::new(),
            ports: [(Ports::HTTP, port(18_081))].into(),
            api_port: Some(port(6550)),
            subnet: None,
            server_ip: None,
            accepts_ports: false,
            probed: true,
        },
    }
}
