//! The filters that lists of role assignments take (documentation, "List Azure role assignments using the REST API").

/// Which assignments a list shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// At, above or below the scope.
    Everything,
    /// At or above the scope.
    AtScope,
    /// At, above or below the scope, of this principal.
    Principal(String),
    /// At or above the scope, of this principal.
    PrincipalAtScope(String),
}

impl Filter {
    /// Reads `$filter`; `None` for what is not modelled.
    ///
    /// Groups have no members here, so that `assignedTo('…')`, which looks through groups, shows what `principalId eq '…'` shows.
    pub fn of(text: Option<&str>) -> Option<Self> {
        let Some(text) = text.map(str::trim) else {
            return Some(Self::Everything);
        };
        if text.eq_ignore_ascii_case("atScope()") {
            return Some(Self::AtScope);
        }
        if let Some(principal) = stripped(text, "principalId eq ").and_then(quoted) {
            return Some(Self::Principal(principal.to_owned()));
        }
        if let Some(principal) = assigned_to(text) {
            return Some(Self::Principal(principal.to_owned()));
        }
        let principal = stripped(text, "atScope() and ").and_then(assigned_to)?;
        Some(Self::PrincipalAtScope(principal.to_owned()))
    }

    /// Whether assignments below the scope are shown.
    pub fn looks_below(&self) -> bool {
        matches!(self, Self::Everything | Self::Principal(_))
    }

    /// The one principal whose assignments are shown.
    pub fn principal(&self) -> Option<&str> {
        match self {
            Self::Everything | Self::AtScope => None,
            Self::Principal(principal) | Self::PrincipalAtScope(principal) => Some(principal),
        }
    }
}

fn assigned_to(text: &str) -> Option<&str> {
    let argument = stripped(text.trim(), "assignedTo(")?.strip_suffix(')')?;
    quoted(argument)
}

/// The rest of the text behind a prefix, whatever the case.
pub(in crate::services) fn stripped<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

/// The text between single quotes; text with quotes inside is none.
pub(in crate::services) fn quoted(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    (!inner.is_empty() && !inner.contains('\'')).then_some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_documented_filters() {
        let of = |text| Filter::of(Some(text));
        assert_eq!(Filter::of(None), Some(Filter::Everything));
        assert_eq!(of("atScope()"), Some(Filter::AtScope));
        assert_eq!(of("principalId eq 'p'"), Some(Filter::Principal("p".to_owned())));
        assert_eq!(of("assignedTo('p')"), Some(Filter::Principal("p".to_owned())));
        assert_eq!(of("atScope() and assignedTo('p')"), Some(Filter::PrincipalAtScope("p".to_owned())));
    }

    #[test]
    fn guesses_at_no_other() {
        for text in
            ["", "principalId eq p", "atScope() and principalId eq 'p'", "asTarget()", "assignedTo('a' or 'b')", "principalId eq ''"]
        {
            assert_eq!(Filter::of(Some(text)), None, "{text}");
        }
    }
}
