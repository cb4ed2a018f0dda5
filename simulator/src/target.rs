//! What a request asks for, decoded once.

use url::Url;

use crate::Request;

/// A request's host, path and query, percent-decoded.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The host name in lower case, without the port.
    pub host: String,
    /// The path's segments as they were sent; a slash at the end adds none.
    pub path: Vec<String>,
    query: Vec<(String, String)>,
    url: Url,
}

impl Target {
    /// Decodes an absolute request URI; `None` when it is not one.
    pub fn of(request: &Request) -> Option<Self> {
        let url = Url::parse(&request.uri().to_string()).ok()?;
        let host = url.host_str()?.to_ascii_lowercase();
        let path = url.path().split('/').filter(|segment| !segment.is_empty()).map(decoded).collect();
        let query = url.query_pairs().into_owned().collect();
        Some(Self { host, path, query, url })
    }

    /// The path's segments in lower case, for services whose paths ignore it.
    pub fn lower_path(&self) -> Vec<String> {
        self.path.iter().map(|segment| segment.to_ascii_lowercase()).collect()
    }

    /// A query parameter's value; names ignore case, as they do in Azure.
    pub fn query(&self, name: &str) -> Option<&str> {
        let mut pairs = self.query.iter();
        pairs.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The first query parameter that is none of `known`.
    pub fn query_beyond(&self, known: &[&str]) -> Option<&str> {
        let is_known = |name: &str| known.iter().any(|known| known.eq_ignore_ascii_case(name));
        self.query.iter().map(|(name, _)| name.as_str()).find(|name| !is_known(name))
    }

    /// The same URL with one query parameter set.
    pub fn with_query(&self, name: &str, value: &str) -> String {
        let mut url = self.url.clone();
        url.query_pairs_mut()
            .clear()
            .extend_pairs(self.query.iter().filter(|(own, _)| !own.eq_ignore_ascii_case(name)))
            .append_pair(name, value);
        url.into()
    }

    /// Host, path and query, for the record.
    pub fn shown(&self) -> String {
        self.url.as_str().split_once("://").map_or_else(String::new, |(_, rest)| rest.to_owned())
    }
}

/// A path segment without percent signs. A plus sign stays what it is, unlike in a query.
fn decoded(segment: &str) -> String {
    let escaped = segment.replace('+', "%2B");
    url::form_urlencoded::parse(escaped.as_bytes()).next().map_or_else(String::new, |(name, value)| {
        match value.is_empty() && !segment.contains('=') {
            true => name.into_owned(),
            false => format!("{name}={value}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(uri: &str) -> Option<Target> {
        let request = http::Request::get(uri).body(bytes::Bytes::new()).ok()?;
        Target::of(&request)
    }

    #[test]
    fn decodes_path_and_query_apart() {
        let target = target("https://Graph.Microsoft.com/v1.0/servicePrincipals(appId=%27a+b%27)/?%24select=id%2CappId").expect("absolute");
        assert_eq!(target.host, "graph.microsoft.com");
        assert_eq!(target.path, ["v1.0", "servicePrincipals(appId='a+b')"]);
        assert_eq!(target.query("$SELECT"), Some("id,appId"));
    }

    #[test]
    fn replaces_a_query_parameter() {
        let target = target("https://h/p?$skiptoken=1&api-version=2").expect("absolute");
        assert_eq!(target.with_query("$skiptoken", "7"), "https://h/p?api-version=2&%24skiptoken=7");
    }
}
