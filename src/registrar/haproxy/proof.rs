//! What a HAProxy in a container has loaded, asked where it says so: on a port of the container's own 127.0.0.1.
//!
//! The official image has no master socket and no client for one, and a signal has no answer. But whatever it loads,
//! it loads the generated file, and in that is a frontend that answers with the digest of both files. It is asked from
//! inside: nobody else can reach it, and this host need not reach the container's network.

use super::wire::REVISION;
use crate::model::Port;
use crate::provider::{ExecEnded, Fault, ProviderError};

/// Asks with whatever the image has: bash in Debian's, nc in Alpine's. The answer is what it says; a refused connection
/// is no answer.
const SCRIPT: &str = r#"
unset http_proxy HTTP_PROXY all_proxy ALL_PROXY
ask='GET / HTTP/1.0\r\n\r\n'
has() { command -v "$1" >/dev/null 2>&1; }
if has bash; then
  exec bash -c '
    exec 3<>"/dev/tcp/127.0.0.1/$0" && printf "$1" >&3 || exit
    while IFS= read -r -t 5 line <&3 || [ -n "$line" ]; do echo "$line"; done' "$1" "$ask" 2>/dev/null
elif has nc; then printf "$ask" | nc -w 5 127.0.0.1 "$1" 2>/dev/null
elif has curl; then curl -s -m 5 "http://127.0.0.1:$1/"
elif has wget; then wget -q -T 5 -O - "http://127.0.0.1:$1/" 2>/dev/null
else exit 97
fi
"#;
/// How the script says that the image has nothing to ask with.
const NO_CLIENT: i64 = 97;

/// The words that ask.
pub(super) fn question(port: Port) -> Vec<String> {
    let words = ["sh", "-c", SCRIPT, "rollcall"].map(str::to_owned);
    words.into_iter().chain([port.to_string()]).collect()
}

/// What was said; `None`: nothing of ours is loaded.
pub(super) fn answer(ended: &ExecEnded, name: &str) -> Result<Option<String>, ProviderError> {
    if matches!(ended.code, 126 | 127 | NO_CLIENT) {
        let message = format!(
            "what container {name} has loaded cannot be asked: its image has none of bash, nc, curl and wget"
        );
        return Err(ProviderError::new(Fault::Permanent, message).hint(
            "start HAProxy with -S SOCKET in a folder that is mounted from this host, and set haproxy.socket",
        ));
    }
    let mut words = ended.tail.iter().flat_map(|line| line.split_whitespace());
    Ok(words
        .find(|word| word.starts_with(REVISION))
        .map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: i64, lines: &[&str]) -> Result<Option<String>, ProviderError> {
        let tail = lines.iter().map(|line| (*line).to_owned()).collect();
        answer(&ExecEnded { code, tail }, "proxy")
    }

    #[test]
    fn an_answer_is_the_digest_and_a_refused_connection_is_none() {
        let lines = ["HTTP/1.1 200 OK", "content-length: 3", "", "rollcall:0123"];
        assert_eq!(said(0, &lines), Ok(Some("rollcall:0123".to_owned())));
        assert_eq!(said(1, &[]), Ok(None));
        assert_eq!(said(0, &["HTTP/1.0 400 Bad request"]), Ok(None));
    }

    #[test]
    fn an_image_without_a_client_is_told_apart_from_a_haproxy_that_has_loaded_nothing() {
        for code in [126, 127, 97] {
            let error = said(code, &[]).unwrap_err();
            assert!(error.hint.unwrap().contains("haproxy.socket"), "{code}");
        }
    }
}
