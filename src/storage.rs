//! Where reports and dead letters are kept: documents under names.

use std::num::NonZero;
use std::sync::Arc;

use azure_core::Bytes;
use azure_core::http::headers::HeaderName;
use azure_core::http::pager::PagerOptions;
use azure_core::http::{ClientMethodOptions, Context, Etag, HttpClient, StatusCode};
use azure_storage_blob::models::{
    BlobClientDeleteOptions, BlobClientDownloadOptions, BlobClientUploadOptions, BlobContainerClientListBlobsOptions, BlobItem, HttpRange,
};
use azure_storage_blob::{BlobContainerClient, BlobContainerClientOptions};
use futures_util::TryStreamExt as _;
use time::OffsetDateTime;
use url::Url;

#[cfg(feature = "aws")]
use crate::aws::S3Container;
use crate::config::ContainerUrl;
use crate::error::{Code, Error};
use crate::identity::Platform;
use crate::net::{self, CallName, Posts, Renewable, RenewableFailure};

/// The version of the Storage services' API that is asked for: the newest that both Azure and the Azurite emulator speak.
pub const API_VERSION: &str = "2025-11-05";
/// What tokens for Storage are asked for: the same in every cloud
/// (<https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/services-id-authentication-support>).
pub(crate) const SCOPE: &str = "https://storage.azure.com/.default";
const CONTENT_RANGE: HeaderName = HeaderName::from_static("content-range");
/// How much of a document is read with one call, in bytes: half of the largest answer that is read at all.
const PIECE: NonZero<usize> = NonZero::new(4 * 1024 * 1024).unwrap();
/// The largest document that is read, in bytes. A report of 100 000 subscriptions stays below.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// A document is written with one call up to this size, in bytes; Azure allows 5000 MiB
/// (<https://learn.microsoft.com/rest/api/storageservices/put-blob>).
const ONE_CALL: NonZero<u64> = NonZero::new(256 * 1024 * 1024).unwrap();

/// A place for documents.
#[derive(Debug)]
pub enum Container {
    /// A container of Blob storage.
    Blob(BlobContainer),
    /// What lies below a prefix in an S3 bucket.
    #[cfg(feature = "aws")]
    S3(S3Container),
}

/// A document that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name; slashes may be in it.
    pub name: String,
    /// When it was last written, where the service says so.
    pub modified: Option<OffsetDateTime>,
}

impl Container {
    /// The container at a URL, with the platform's identity; nothing is called yet.
    #[must_use]
    pub fn open(url: &ContainerUrl, platform: &Arc<dyn Platform>, transport: &Arc<dyn HttpClient>) -> Self {
        match url {
            ContainerUrl::Blob(url) => Self::Blob(BlobContainer::open(url, platform, transport)),
            #[cfg(feature = "aws")]
            ContainerUrl::S3 { bucket, prefix } => Self::S3(S3Container::open(bucket, prefix, platform)),
        }
    }

    /// A document's bytes; `None` where there is none of this name.
    ///
    /// # Errors
    /// `ReportRefused` where the identity may not read, or the container is not there; `Unavailable` where the call may succeed later.
    pub async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        match self {
            Self::Blob(container) => container.get(name).await,
            #[cfg(feature = "aws")]
            Self::S3(container) => container.get(name).await,
        }
    }

    /// Writes a document, in place of the one of this name.
    ///
    /// # Errors
    /// As [`Container::get`]. The document may have been written.
    pub async fn put(&self, name: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Blob(container) => container.put(name, content_type, bytes).await,
            #[cfg(feature = "aws")]
            Self::S3(container) => container.put(name, content_type, bytes).await,
        }
    }

    /// All documents whose names begin with `prefix`, in the order of their names. Of Blob storage, the SDK cuts a name before its first
    /// `&`, `<` or `>`; Event Grid's names and our own have none.
    ///
    /// # Errors
    /// As [`Container::get`].
    pub async fn list(&self, prefix: &str) -> Result<Vec<Item>, Error> {
        match self {
            Self::Blob(container) => container.list(prefix).await,
            #[cfg(feature = "aws")]
            Self::S3(container) => container.list(prefix).await,
        }
    }

    /// Removes a document; that it is not there is success.
    ///
    /// # Errors
    /// As [`Container::get`]. The document may be gone.
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        match self {
            Self::Blob(container) => container.delete(name).await,
            #[cfg(feature = "aws")]
            Self::S3(container) => container.delete(name).await,
        }
    }
}

/// A container of Blob storage.
#[derive(Debug)]
pub struct BlobContainer {
    client: Renewable<BlobContainerClient>,
}

impl BlobContainer {
    fn open(url: &Url, platform: &Arc<dyn Platform>, transport: &Arc<dyn HttpClient>) -> Self {
        let (url, platform, transport) = (url.clone(), platform.clone(), transport.clone());
        let make = move || {
            let client_options = net::signed_in_options(&transport, Posts::Create, (platform.credential()?, SCOPE));
            let options = BlobContainerClientOptions { client_options, version: API_VERSION.to_owned() };
            BlobContainerClient::new(url.clone(), None, Some(options)).map_err(|error| net::from_sdk(&error, "blob"))
        };
        Self { client: Renewable::new(make) }
    }

    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let (mut bytes, mut etag) = (Vec::new(), None);
        loop {
            let read = self.client.call(|client| piece(client, name, bytes.len(), etag.clone()), RenewableFailure::is_refusal).await;
            let Some(read) = none_if_absent(read, "blob.get")? else { return Ok(None) };
            if read.whole > MOST_BYTES {
                return Err(Error::new(Code::UnexpectedAnswer, format!("blob.get: the document has more than {MOST_BYTES} bytes")));
            }
            let is_last = read.bytes.is_empty() || bytes.len() + read.bytes.len() >= read.whole;
            bytes.extend_from_slice(&read.bytes);
            if is_last {
                return Ok(Some(bytes));
            }
            etag = read.etag;
        }
    }

    async fn put(&self, name: &str, content_type: &str, bytes: Vec<u8>) -> Result<(), Error> {
        let bytes = Bytes::from(bytes);
        let put = |client: Arc<BlobContainerClient>| {
            let options = BlobClientUploadOptions {
                blob_content_type: Some(content_type.to_owned()),
                method_options: called("blob.put"),
                partition_size: Some(ONE_CALL),
                ..BlobClientUploadOptions::default()
            };
            let content = bytes.clone().into();
            async move { Ok(client.blob_client(name).upload(content, Some(options)).await.map(drop)?) }
        };
        self.client.call(put, RenewableFailure::is_refusal).await.map_err(|failure| explained(failure, "blob.put"))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Item>, Error> {
        let list = |client: Arc<BlobContainerClient>| async move {
            let options = BlobContainerClientListBlobsOptions {
                prefix: (!prefix.is_empty()).then(|| prefix.to_owned()),
                method_options: PagerOptions { context: context("blob.list"), ..PagerOptions::default() },
                ..BlobContainerClientListBlobsOptions::default()
            };
            let mut pages = client.list_blobs(Some(options))?.into_pages();
            let mut items = Vec::new();
            while let Some(page) = pages.try_next().await? {
                items.extend(page.into_model()?.blob_items.into_iter().filter_map(item));
            }
            Ok(items)
        };
        let listed = self.client.call(list, RenewableFailure::is_refusal).await;
        let mut items = listed.map_err(|failure| explained(failure, "blob.list"))?;
        items.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(items)
    }

    async fn delete(&self, name: &str) -> Result<(), Error> {
        let delete = |client: Arc<BlobContainerClient>| async move {
            let options = BlobClientDeleteOptions { method_options: called("blob.delete"), ..BlobClientDeleteOptions::default() };
            Ok(client.blob_client(name).delete(Some(options)).await.map(drop)?)
        };
        none_if_absent(self.client.call(delete, RenewableFailure::is_refusal).await, "blob.delete").map(drop)
    }
}

/// A piece of a document.
struct Piece {
    bytes: Bytes,
    /// How many bytes the whole document has.
    whole: usize,
    /// Which writing of the document this is of.
    etag: Option<Etag>,
}

/// Reads what follows after `start`, from the same writing as the pieces before
/// (<https://learn.microsoft.com/rest/api/storageservices/get-blob>). The SDK is asked for one piece at a time: a whole document it would
/// read in tasks of their own, which outlive the invocation.
async fn piece(client: Arc<BlobContainerClient>, name: &str, start: usize, etag: Option<Etag>) -> Result<Piece, RenewableFailure> {
    let options = BlobClientDownloadOptions {
        if_match: etag,
        method_options: called("blob.get"),
        partition_size: Some(PIECE),
        range: Some(HttpRange::new(start as u64, PIECE.get() as u64)),
        ..BlobClientDownloadOptions::default()
    };
    let answer = client.blob_client(name).download(Some(options)).await?;
    let range = answer.headers.get_optional_str(&CONTENT_RANGE).and_then(|range| range.rsplit_once('/'));
    let whole = range.and_then(|(_, whole)| whole.parse().ok());
    let etag = answer.properties.etag;
    let bytes = answer.body.collect().await?;
    Ok(Piece { whole: whole.unwrap_or(start + bytes.len()), bytes, etag })
}

fn item(blob: BlobItem) -> Option<Item> {
    Some(Item { name: blob.name?, modified: blob.properties.and_then(|properties| properties.last_modified) })
}

fn context(name: &'static str) -> Context<'static> {
    Context::new().with_value(CallName(name))
}

fn called(name: &'static str) -> ClientMethodOptions<'static> {
    ClientMethodOptions { context: context(name) }
}

/// That a document is not there is no failure, unless its container is not there either
/// (<https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes>).
fn none_if_absent<T>(done: Result<T, RenewableFailure>, name: &str) -> Result<Option<T>, Error> {
    match done {
        Ok(value) => Ok(Some(value)),
        Err(failure) if failure.is(StatusCode::NotFound) && failure.service_code() == Some("BlobNotFound") => Ok(None),
        Err(failure) => Err(explained(failure, name)),
    }
}

fn explained(failure: RenewableFailure, name: &str) -> Error {
    let (status, error) = (failure.status(), failure.named(name));
    let hint = match status {
        Some(StatusCode::Unauthorized | StatusCode::Forbidden) => {
            "Give the identity the role Storage Blob Data Contributor on the container, and let the account's firewall pass it."
        }
        // It was replaced between two pieces.
        Some(StatusCode::PreconditionFailed) => return Error { code: Code::Unavailable, ..error },
        Some(StatusCode::NotFound) => "Create the container that ONBOARDER_REPORT or ONBOARDER_DEAD_LETTERS names.",
        _ => return error,
    };
    Error { code: Code::ReportRefused, ..error }.hint(hint)
}
