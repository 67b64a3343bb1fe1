//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::version::Version;

/// What `--help` says.
pub(crate) const USAGE: &str = "\
usage: rollcall-portainer [OPTIONS]

  --version N                2.19.5, 2.21.5, 2.23.0, 2.33.2, 2.39.0 or 2.41.1 (default 2.33.2)
  --data DIR                 where state and certificate are kept (default /data)
  --listen ADDR              plain HTTP (default 0.0.0.0:9000)
  --listen-tls ADDR          HTTPS (default 0.0.0.0:9443)
  --tunnel-port PORT         the tunnel's port in edge keys (default 8000)
  --admin-password-file F    make the user admin with the password in F, if there is no admin
  --admin-timeout-seconds N  how long an admin may be waited for (default 300)
  --checkin-seconds N        how often edge agents check in by default (default 5)
  --auth-limit N             logins per second and address before the ban (default 10)
  --trusted-origins LIST     origins whose cookies are trusted: host names, or from 2.41 on
                             scheme://host[:port]

For tests, on both ports: /__faults, /__requests, /__clock, /__state, /__endpoints and
/__limiter; src/control/desk.rs says how.";

/// How to play.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Which Portainer to be.
    pub(crate) version: Version,
    /// The folder of everything that outlives the process.
    pub(crate) data: PathBuf,
    /// Where plain HTTP is served.
    pub(crate) listen: SocketAddr,
    /// Where HTTPS is served.
    pub(crate) listen_tls: SocketAddr,
    /// The port of the tunnel, which nothing serves.
    pub(crate) tunnel_port: u16,
    /// A file with the first administrator's password.
    pub(crate) admin_password_file: Option<PathBuf>,
    /// Seconds without an administrator until everything is refused.
    pub(crate) admin_timeout: i64,
    /// Seconds between two check-ins of an edge agent, unless its environment says otherwise.
    pub(crate) checkin: u32,
    /// Logins per second and address that are not too many.
    pub(crate) auth_limit: usize,
    /// Origins whose requests may carry the cookie.
    pub(crate) trusted_origins: Vec<String>,
}

/// Why a command line is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Misuse {
    /// There is no such option.
    #[error("no such option: {0}")]
    Unknown(String),
    /// An option lacks its value.
    #[error("{0} needs a value")]
    Missing(String),
    /// An option's value makes no sense.
    #[error("{option} cannot be {value}")]
    Value {
        /// The option.
        option: String,
        /// What was given for it.
        value: String,
    },
}

impl Default for Options {
    fn default() -> Self {
        Self {
            version: Version::V2_33,
            data: PathBuf::from("/data"),
            listen: SocketAddr::from(([0, 0, 0, 0], 9000)),
            listen_tls: SocketAddr::from(([0, 0, 0, 0], 9443)),
            tunnel_port: 8000,
            admin_password_file: None,
            admin_timeout: 300,
            checkin: 5,
            auth_limit: 10,
            trusted_origins: Vec::new(),
        }
    }
}

impl Options {
    /// Reads the arguments after the program's name; nothing if help is asked for.
    pub(crate) fn parse(
        arguments: impl IntoIterator<Item = String>,
    ) -> Result<Option<Self>, Misuse> {
        let mut options = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            if matches!(argument.as_str(), "-h" | "--help") {
                return Ok(None);
            }
            let (option, value) = match argument.split_once('=') {
                Some((option, value)) => (option.to_owned(), Some(value.to_owned())),
                None => (argument, None),
            };
            let mut value = || {
                value
                    .clone()
                    .or_else(|| arguments.next())
                    .ok_or_else(|| Misuse::Missing(option.clone()))
            };
            options.set(&option, &mut value)?;
        }
        options.check_origins()?;
        Ok(Some(options))
    }

    fn set(
        &mut self,
        option: &str,
        value: &mut dyn FnMut() -> Result<String, Misuse>,
    ) -> Result<(), Misuse> {
        match option {
            "--version" => {
                let number = value()?;
                self.version = Version::numbered(&number).ok_or_else(|| wrong(option, &number))?;
            }
            "--data" => self.data = value()?.into(),
            "--listen" => self.listen = parsed(option, &value()?)?,
            "--listen-tls" => self.listen_tls = parsed(option, &value()?)?,
            "--tunnel-port" => self.tunnel_port = parsed(option, &value()?)?,
            "--admin-password-file" => self.admin_password_file = Some(value()?.into()),
            "--admin-timeout-seconds" => self.admin_timeout = parsed(option, &value()?)?,
            "--checkin-seconds" => self.checkin = parsed(option, &value()?)?,
            "--auth-limit" => self.auth_limit = parsed(option, &value()?)?,
            "--trusted-origins" => {
                self.trusted_origins = value()?
                    .split(',')
                    .map(|origin| origin.trim().to_owned())
                    .filter(|origin| !origin.is_empty())
                    .collect();
            }
            _ => return Err(Misuse::Unknown(option.to_owned())),
        }
        Ok(())
    }

    /// 2.41 exits at start over a bare host name (P41 `main.go`), which is how the predecessor's
    /// compose file breaks on upgrade; before, it was the other way round.
    fn check_origins(&self) -> Result<(), Misuse> {
        let whole = self.version.trusts_whole_origins();
        match self
            .trusted_origins
            .iter()
            .find(|origin| origin.contains("://") != whole)
        {
            Some(origin) => Err(wrong("--trusted-origins", origin)),
            None => Ok(()),
        }
    }
}

fn parsed<T: std::str::FromStr>(option: &str, value: &str) -> Result<T, Misuse> {
    value.parse().map_err(|_| wrong(option, value))
}

fn wrong(option: &str, value: &str) -> Misuse {
    Misuse::Value {
        option: option.to_owned(),
        value: value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Misuse, Options};
    use crate::version::Version;

    fn parse(line: &str) -> Result<Option<Options>, Misuse> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn an_option_takes_its_value_from_either_side_of_the_equals_sign() {
        let options = parse("--version=2.41.1 --data /tmp/p --auth-limit 3").unwrap();
        let options = options.unwrap();
        assert_eq!(options.version, Version::V2_41);
        assert_eq!(options.data.as_os_str(), "/tmp/p");
        assert_eq!(options.auth_limit, 3);
        assert!(parse("--help").unwrap().is_none());
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let unknown = Misuse::Unknown("--colour".to_owned());
        assert_eq!(parse("--colour").unwrap_err(), unknown);
        let missing = Misuse::Missing("--data".to_owned());
        assert_eq!(parse("--data").unwrap_err(), missing);
        assert!(parse("--version 2.45.0").is_err());
    }

    #[test]
    fn a_bare_host_is_a_trusted_origin_until_2_41_makes_it_a_failure_to_start() {
        assert!(parse("--version 2.33.2 --trusted-origins portainer.local").is_ok());
        assert!(parse("--version 2.41.1 --trusted-origins portainer.local").is_err());
        assert!(parse("--version 2.41.1 --trusted-origins https://portainer.local:9443").is_ok());
    }
}
