//! Writes the coverage page of a report, for the judge.
//!
//! `cargo run --example coverage-page < REPORT.json` prints `{"headers": {…}, "html": "…"}`: what `GET /api/coverage` answers with.

use std::collections::BTreeMap;
use std::error::Error;

use ispm_onboarder::clock::Clock;
use ispm_onboarder::page;

fn main() -> Result<(), Box<dyn Error>> {
    let report = serde_json::from_reader(std::io::stdin().lock())?;
    let page = page::render(&report, Clock::System.now());
    let mut headers = BTreeMap::from(page::HEADERS);
    headers.extend([("content-security-policy", page.csp.as_str()), ("content-type", page::CONTENT_TYPE)]);
    println!("{}", serde_json::json!({ "headers": headers, "html": page.html }));
    Ok(())
}
