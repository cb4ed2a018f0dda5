//! Whose Entra tokens are taken.

use std::collections::BTreeMap;

use url::Url;

use super::{Mistake, list, mix_up};
use crate::config::MayName;
use crate::scope::Guid;

/// Whom tokens are for: client ids or App ID URIs, as they stand in a token's `aud`.
pub(in crate::config) fn audiences(text: &str) -> Result<Vec<String>, Mistake> {
    list(text, |item| {
        let is_uri = Url::parse(item).is_ok_and(|url| matches!(url.scheme(), "api" | "https" | "urn"));
        match Guid::parse(item) {
            Ok(id) => Ok(id.to_string()),
            Err(_) if is_uri => Ok(item.to_owned()),
            Err(_) => Err("one of them is neither a GUID nor an App ID URI"),
        }
    })
}

/// Whose tokens are taken: tenant ids, each by itself or with `=all`.
pub(in crate::config) fn callers(text: &str) -> Result<BTreeMap<Guid, MayName>, Mistake> {
    list(text, |item| {
        let (tenant, may_name) = match item.split_once('=') {
            None => (item, MayName::Itself),
            Some((tenant, "all")) => (tenant, MayName::All),
            Some(_) => return Err("what stands after = is not all"),
        };
        Guid::parse(tenant).map(|tenant| (tenant, may_name)).map_err(|_| mix_up(tenant).unwrap_or("not each of them is a GUID"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audience_or_a_caller_is_told_from_what_is_near_it() {
        assert_eq!(audiences("api://onboarder, 0b1f6471-1bf0-4dda-aec3-cb9272f09590").map(|all| all.len()), Ok(2));
        assert_eq!(audiences("onboarder"), Err("one of them is neither a GUID nor an App ID URI"));
        assert_eq!(callers("0b1f6471-1bf0-4dda-aec3-cb9272f09590=all").map(|all| all.into_values().collect()), Ok(vec![MayName::All]));
        assert_eq!(callers("0b1f6471-1bf0-4dda-aec3-cb9272f09590=some"), Err("what stands after = is not all"));
        assert_eq!(callers("contoso"), Err("not each of them is a GUID"));
    }
}
