//! As much XML as Storage speaks.

/// Storage's error document (REST documentation, "Status and error codes").
pub(super) fn error(code: &str, message: &str) -> String {
    format!("<Error><Code>{}</Code><Message>{}</Message></Error>", escaped(code), escaped(message))
}

/// Text as it stands between tags.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The text of the first element of this name, or `None` when there is none or its text is not well formed.
pub(super) fn text_of(document: &str, element: &str) -> Option<String> {
    if document.contains(&format!("<{element}/>")) {
        return Some(String::new());
    }
    let (_, rest) = document.split_once(&format!("<{element}>"))?;
    let (text, _) = rest.split_once(&format!("</{element}>"))?;
    unescaped(text)
}

fn unescaped(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let (entity, behind) = after.split_once(';')?;
        plain.push(character(entity)?);
        rest = behind;
    }
    if text.contains('<') {
        return None;
    }
    plain.push_str(rest);
    Some(plain)
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_escapes() {
        let text = r#"{"a":"<&>'\""}"#;
        let document = format!("<QueueMessage><MessageText>{}</MessageText></QueueMessage>", escaped(text));
        assert_eq!(text_of(&document, "MessageText").as_deref(), Some(text));
    }

    #[test]
    fn knows_character_references_and_refuses_others() {
        assert_eq!(text_of("<T>&#65;&#x42;&quot;</T>", "T").as_deref(), Some("AB\""));
        assert_eq!(text_of("<T>&nbsp;</T>", "T"), None);
        assert_eq!(text_of("<T>a<b/></T>", "T"), None);
        assert_eq!(text_of("<T>a", "T"), None);
    }
}
