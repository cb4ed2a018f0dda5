//! Documents below a prefix in a bucket of Amazon S3.

use std::sync::Arc;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use azure_core::xml::from_xml;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Failure;
use super::signed::{Call, S3Client};
use crate::error::{Code, Error};
use crate::identity::Platform;
use crate::net::{Renewable, plain_word};
use crate::storage::Item;

/// How much of a document is read with one call, in bytes: half of the largest answer that is read at all.
const PIECE: usize = 4 * 1024 * 1024;
/// The largest document that is read, in bytes.
const MOST_BYTES: usize = 64 * 1024 * 1024;

const GET: &str = "s3.get";
const PUT: &str = "s3.put";
const LIST: &str = "s3.list";
const DELETE: &str = "s3.delete";

/// What lies below a prefix in a bucket.
#[derive(Debug)]
pub struct S3Container {
    bucket: String,
    prefix: String,
    getting: Renewable<S3Client>,
    putting: Renewable<S3Client>,
    listing: Renewable<S3Client>,
    deleting: Renewable<S3Client>,
}

/// A page of a list.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default)]
    contents: Vec<Listed>,
    next_continuation_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    key: String,
    last_modified: Option<String>,
}

/// Why a call is refused (<https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Refusal {
    code: String,
}

/// A piece of a document, and what it is a piece of.
struct Piece {
    bytes: Vec<u8>,
    whole: usize,
    etag: Option<String>,
}

impl S3Container {
    /// The part of a bucket below a prefix, with the function's role; nothing is called yet.
    #[must_use]
    pub fn open(bucket: &str, prefix: &str, platform: &Arc<dyn Platform>) -> Self {
        let client = |name: &'static str| {
            let platform = platform.clone();
            Renewable::new(move || Ok(platform.aws()?.s3(name)))
        };
        Self {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            getting: client(GET),
            putting: client(PUT),
            listing: client(LIST),
            deleting: client(DELETE),
        }
    }

    /// A document's bytes; `None` where there is none of this name.
    ///
    /// # Errors
    /// `ReportRefused` where the role may not read, or the bucket is not there; `Unavailable` where the call may succeed later.
    pub async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let (mut bytes, mut etag) = (Vec::new(), None);
        loop {
            let Some(piece) = self.piece(name, bytes.len(), etag).await? else { return Ok(None) };
            if piece.whole > MOST_BYTES {
                return Err(Error::new(Code::UnexpectedAnswer, format!("{GET}: the document has more than {MOST_BYTES} bytes")));
            }
            bytes.extend_from_slice(&piece.bytes);
            if piece.bytes.is_empty() || bytes.len() >= piece.whole {
                return Ok(Some(bytes));
            }
            etag = piece.etag;
        }
    }

    /// Reads what follows after `start`, from the same writing as the pieces before
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>). A range of an empty object cannot be satisfied.
    async fn piece(&self, name: &str, start: usize, etag: Option<String>) -> Result<Option<Piece>, Error> {
        let mut headers = vec![("range", format!("bytes={start}-{}", start + PIECE - 1))];
        headers.extend(etag.map(|etag| ("if-match", etag)));
        let key = format!("{}{name}", self.prefix);
        let answer = self.getting.get()?.send(Call { headers, ..self.call("GET", &key) }).await?;
        let code = code(&answer);
        match (answer.status().as_u16(), code.as_deref()) {
            (200 | 206, _) => {
                let bytes = answer.body().bytes().unwrap_or_default().to_vec();
                let whole = answer.headers().get("content-range").and_then(|range| range.rsplit_once('/')?.1.parse().ok());
                let etag = answer.headers().get("etag").map(str::to_owned);
                Ok(Some(Piece { whole: whole.unwrap_or(start + bytes.len()), bytes, etag }))
            }
            (404, Some("NoSuchKey")) => Ok(None),
            (416, _) => Ok(Some(Piece { bytes: Vec::new(), whole: start, etag: None })),
            (412, _) => Err(Error::new(Code::Unavailable, format!("{GET}: the document was written anew while it was read"))),
            _ => Err(self.refused(&answer, code, GET)),
        }
    }

    /// Writes a document, in place of the one of this name
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>).
    ///
    /// # Errors
    /// As [`S3Container::get`]. The document may have been written.
    pub async fn put(&self, name: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), Error> {
        let key = format!("{}{name}", self.prefix);
        let headers = vec![("content-type", content_type.to_owned())];
        let answer = self.putting.get()?.send(Call { headers, body: bytes, ..self.call("PUT", &key) }).await?;
        self.done(&answer, PUT)
    }

    /// All documents whose names begin with `prefix`, in the order of their names
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>).
    ///
    /// # Errors
    /// As [`S3Container::get`].
    pub async fn list(&self, prefix: &str) -> Result<Vec<Item>, Error> {
        let begins = format!("{}{prefix}", self.prefix);
        let (mut items, mut next): (Vec<Item>, Option<String>) = (Vec::new(), None);
        loop {
            let mut query = vec![("list-type", "2"), ("prefix", begins.as_str())];
            query.extend(next.as_deref().map(|token| ("continuation-token", token)));
            let answer = self.listing.get()?.send(Call { query: &query, ..self.call("GET", "") }).await?;
            self.done(&answer, LIST)?;
            let unreadable = |_| Error::new(Code::Unavailable, format!("{LIST} answered with a body that cannot be read"));
            let page: Page = from_xml(answer.body().bytes().unwrap_or_default()).map_err(unreadable)?;
            items.extend(page.contents.into_iter().filter_map(|listed| self.item(&listed)));
            match page.next_continuation_token {
                None => break,
                token if token == next => return Err(Error::new(Code::Unavailable, format!("{LIST} answered the same page again"))),
                token => next = token,
            }
        }
        items.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(items)
    }

    /// Removes a document; that it is not there is success
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html>).
    ///
    /// # Errors
    /// As [`S3Container::get`]. The document may be gone.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        let key = format!("{}{name}", self.prefix);
        let answer = self.deleting.get()?.send(self.call("DELETE", &key)).await?;
        self.done(&answer, DELETE)
    }

    fn call<'a>(&'a self, method: &'static str, key: &'a str) -> Call<'a> {
        Call { method, bucket: &self.bucket, key, query: &[], headers: Vec::new(), body: Vec::new() }
    }

    fn item(&self, listed: &Listed) -> Option<Item> {
        let modified = listed.last_modified.as_deref().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
        Some(Item { name: listed.key.strip_prefix(&self.prefix)?.to_owned(), modified })
    }

    fn done(&self, answer: &HttpResponse, name: &str) -> Result<(), Error> {
        if answer.status().is_success() { Ok(()) } else { Err(self.refused(answer, code(answer), name)) }
    }

    fn refused(&self, answer: &HttpResponse, code: Option<String>, name: &str) -> Error {
        let failure = Failure::answered(answer, code, name);
        let bucket = &self.bucket;
        let hint = match failure.code.as_deref() {
            _ if failure.is_denied() => format!(
                "Allow {} in the function's role, and kms:Decrypt and kms:GenerateDataKey where the bucket has a key of its own.",
                self.action(name)
            ),
            Some("NoSuchBucket") => format!("Create the bucket {bucket}, or correct ONBOARDER_REPORT or ONBOARDER_DEAD_LETTERS."),
            Some("PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException") => {
                format!("The bucket {bucket} is in another region: set AWS_REGION to it, or take a bucket of this region.")
            }
            _ if failure.is_unknown_caller() => "Check the function's role, and that AWS_REGION is the bucket's region.".to_owned(),
            _ => return failure.error,
        };
        Error { code: Code::ReportRefused, ..failure.error }.hint(hint)
    }

    /// What a call needs. Without the right to list, S3 answers 403 where a key is not there.
    fn action(&self, name: &str) -> String {
        let (bucket, prefix) = (&self.bucket, &self.prefix);
        match name {
            GET => format!("s3:GetObject on arn:aws:s3:::{bucket}/{prefix}* and s3:ListBucket on arn:aws:s3:::{bucket}"),
            PUT => format!("s3:PutObject on arn:aws:s3:::{bucket}/{prefix}*"),
            DELETE => format!("s3:DeleteObject on arn:aws:s3:::{bucket}/{prefix}*"),
            _ => format!("s3:ListBucket on arn:aws:s3:::{bucket}"),
        }
    }
}

/// The service's word for what is wrong, where an answer is a refusal.
fn code(answer: &HttpResponse) -> Option<String> {
    let refusal: Refusal = from_xml(answer.body().bytes().filter(|_| !answer.status().is_success())?).ok()?;
    plain_word(&refusal.code).map(str::to_owned)
}
