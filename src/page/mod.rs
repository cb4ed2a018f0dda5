//! The coverage report as a page for people: one HTML file that asks for nothing else.
//!
//! What must be there without a script stands in the markup: the tenant, the age, the totals, the notes. The tables are data, which the
//! page's script shows a window at a time, so that 50,000 subscriptions open as quickly as 50.

mod data;
mod document;
mod text;

use time::OffsetDateTime;

pub use self::document::{ConnectionRow, GroupInfo, Orphan, Report, Row, Totals};
use self::text::{age, markup, minute, share, thousands};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// The hashes of these two texts, by which a browser takes them and no other (Content Security Policy Level 3, 2.3.1: base64 of SHA-256).
const STYLE_HASH: &str = "sha256-8zNtg34zEwWcEx06/VndLZDajd2V0/ohDsofI4YHRxg=";
const SCRIPT_HASH: &str = "sha256-EUUtRjB2Ipq1ti5k/6Cz9zs3IN+J8bJtEY3abPV795s=";

/// How old a report is, in seconds, before the page warns: two sweeps at their usual pace.
const STALE: i64 = 2 * 60 * 60;

/// The headers that go with the page over HTTP, beside its content type and its policy. `no-store`: it names what a company has.
pub const HEADERS: [(&str, &str); 6] = [
    ("cache-control", "no-store"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
];

/// The content type of the page.
pub const CONTENT_TYPE: &str = "text/html; charset=utf-8";

/// A page, and what a browser may do with it.
#[derive(Clone, Debug)]
pub struct Page {
    /// The whole document.
    pub html: String,
    /// The value of its `content-security-policy` header.
    pub csp: String,
}

/// Writes the page of a report as it is looked at `now`.
#[must_use]
pub fn render(report: &Report, now: OffsetDateTime) -> Page {
    let policy = policy();
    let seconds = (now - report.at).whole_seconds();
    let stale = if seconds > STALE { "" } else { " hidden" };
    let html = format!(
        include_str!("page.html"),
        // A policy in the markup cannot say who may frame the page, and a browser complains where it tries.
        policy = policy,
        tenant = markup(&report.tenant_id),
        style = STYLE,
        script = SCRIPT,
        read = minute(report.at),
        read_machine = format_args!("{}Z", minute(report.at).replace(' ', "T")),
        age = age(seconds),
        stale = stale,
        headline = headline(&report.totals),
        bar = bar(&report.totals),
        totals = totals(&report.totals),
        notes = notes(&report.notes),
        data = data::json(report),
    );
    Page { html, csp: format!("{policy}; frame-ancestors 'none'") }
}

/// The third rule: text comes into the document as text or not at all, even if the script were wrong.
fn policy() -> String {
    format!(
        "default-src 'none'; script-src '{SCRIPT_HASH}'; style-src '{STYLE_HASH}'; require-trusted-types-for 'script'; \
         trusted-types 'none'; base-uri 'none'; form-action 'none'"
    )
}

/// Each verdict with its number, worst last; the order of the bar and of the figures.
const fn verdicts(totals: &Totals) -> [(&'static str, &'static str, u64); 5] {
    [
        ("covered", "Covered", totals.covered),
        ("pending", "Pending", totals.pending),
        ("missing", "Missing", totals.missing),
        ("failed", "Failed", totals.failed),
        ("excluded", "Excluded", totals.excluded),
    ]
}

fn headline(totals: &Totals) -> String {
    let wanted = totals.covered + totals.pending + totals.missing + totals.failed;
    if wanted == 0 {
        return "<strong>No subscription</strong> should be covered".to_owned();
    }
    let (covered, all) = (thousands(totals.covered), thousands(wanted));
    let noun = if wanted == 1 { "subscription" } else { "subscriptions" };
    format!("<strong>{}</strong> covered: {covered} of the {all} {noun} that should be", share(totals.covered, wanted))
}

/// The shares as one bar. SVG, since its lengths are attributes: a policy with hashes allows no style attribute.
fn bar(totals: &Totals) -> String {
    let all: u64 = verdicts(totals).iter().map(|(_, _, count)| count).sum();
    let mut before = 0;
    let part = |(class, _, count): (&str, &str, u64)| {
        let (from, to) = (before * 1000 / all.max(1), (before + count) * 1000 / all.max(1));
        before += count;
        // What is there is seen, however small it is.
        (count > 0).then(|| format!("<rect class=\"{class}\" x=\"{from}\" width=\"{}\" height=\"10\"/>", (to - from).max(2)))
    };
    verdicts(totals).into_iter().filter_map(part).collect()
}

fn totals(totals: &Totals) -> String {
    let all: u64 = verdicts(totals).iter().map(|(_, _, count)| count).sum();
    let figure = |(class, name, count): (&str, &str, u64)| {
        format!(
            "<div><dt><span class=\"mark {class}\">{name}</span></dt><dd><b>{}</b> <span>{}</span></dd></div>\n",
            thousands(count),
            share(count, all)
        )
    };
    verdicts(totals).into_iter().map(figure).collect()
}

fn notes(notes: &[String]) -> String {
    if notes.is_empty() {
        return String::new();
    }
    let items: String = notes.iter().map(|note| format!("<li>{}</li>", markup(note))).collect();
    format!("<section class=\"notes\" aria-labelledby=\"notes\"><h2 id=\"notes\">Notes</h2><ul>{items}</ul></section>")
}

#[cfg(test)]
mod tests;
