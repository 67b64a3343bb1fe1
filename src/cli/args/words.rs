//! Values as they are typed.

use std::time::Duration;

use crate::model::{DeleteLimit, Port, ProviderId};

/// `90`, `90s`, `5m`, `1h30m`; a bare number is seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is no duration: 90s, 5m and 1h30m are");
    let duration = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let span: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
            Duration::try_from(span).map_err(|_| wrong())?
        }
    };
    if duration > LONGEST {
        return Err(format!("'{text}' is more than a year"));
    }
    Ok(duration)
}

/// Nobody waits longer, and no clock overflows.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// A duration as it is typed.
pub(super) fn seconds(duration: Duration) -> String {
    if duration.subsec_nanos() == 0 {
        format!("{}s", duration.as_secs())
    } else {
        format!("{}ms", duration.as_millis())
    }
}

/// A duration that is not none.
pub(super) fn some_time(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err(format!("'{text}' is no time at all")),
        some => Ok(some),
    }
}

/// `kind=3`: at least so many of a provider.
pub(super) fn minimum(text: &str) -> Result<(ProviderId, usize), String> {
    let wrong = || format!("'{text}' is no minimum such as kind=3");
    let (provider, count) = text.split_once('=').ok_or_else(wrong)?;
    let count = count.parse().map_err(|_| wrong())?;
    if provider.is_empty() || count > MOST {
        return Err(wrong());
    }
    Ok((ProviderId::new(provider), count))
}

/// No machine has more.
const MOST: usize = 200;

/// A port of a row.
pub(super) fn port(text: &str) -> Result<Port, String> {
    let number: i64 = text.parse().map_err(|_| format!("'{text}' is no port"))?;
    Port::parse(number).map_err(|error| error.to_string())
}

/// A number, or a share.
pub(super) fn delete_limit(text: &str) -> Result<DeleteLimit, String> {
    let wrong = || format!("'{text}' is neither a number nor a share such as 50%");
    match text.strip_suffix('%') {
        Some(percent) => match percent.parse() {
            Ok(percent) if percent <= 100 => Ok(DeleteLimit::Percent(percent)),
            _ => Err(wrong()),
        },
        None => text.parse().map(DeleteLimit::Count).map_err(|_| wrong()),
    }
}
