//! Text of others, made fit to be looked at; numbers and times as people read them.

use time::{OffsetDateTime, UtcOffset};

/// Text with a visible mark in the place of what cannot be seen: control characters, and those that turn the direction of what follows or
/// hide themselves in it (Unicode Standard Annex 9, 2: the explicit marks; tags and zero-width blanks). Joiners stay, scripts need them.
pub(super) fn visible(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
            || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    text.chars().map(|c| if hidden(c) { '\u{fffd}' } else { c }).collect()
}

/// Text as markup, in elements and in attributes between double quotes.
pub(super) fn markup(text: &str) -> String {
    let visible = visible(text);
    let mut safe = String::with_capacity(visible.len());
    for c in visible.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}

/// JSON that may stand in a script element: no tag and no comment can begin or end in it. These characters only occur within its strings.
pub(super) fn in_script(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// A time to the minute, in UTC: `2026-11-24 10:00`.
pub(super) fn minute(time: OffsetDateTime) -> String {
    let time = time.to_offset(UtcOffset::UTC);
    format!("{} {:02}:{:02}", time.date(), time.hour(), time.minute())
}

/// How long ago, in the largest unit that is whole. The script says it in the same words, for a page that stays open.
pub(super) fn age(seconds: i64) -> String {
    let (count, unit) = match seconds {
        ..60 => return "just now".to_owned(),
        60..3600 => (seconds / 60, "minute"),
        3600..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural} ago")
}

/// A share in per cent with one decimal, rounded down, so that all is said only of all; nothing only of nothing.
pub(super) fn share(part: u64, whole: u64) -> String {
    let mille = part * 1000 / whole.max(1);
    match (mille, mille % 10) {
        (0, _) if part > 0 => "&lt;\u{a0}0.1\u{a0}%".to_owned(),
        (_, 0) => format!("{}\u{a0}%", mille / 10),
        (_, tenth) => format!("{}.{tenth}\u{a0}%", mille / 10),
    }
}

/// A number with its thousands set apart.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}
