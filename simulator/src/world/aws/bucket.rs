//! S3 buckets.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest, Md5};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::OffsetDateTime;

/// A bucket, stored under its name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Bucket {
    /// Its objects by key.
    pub objects: BTreeMap<String, Object>,
}

/// An object in a bucket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Object {
    /// `Content-Type` as it was put.
    pub content_type: String,
    /// The bytes, in base64 where a world is written down.
    #[serde(serialize_with = "encoded", deserialize_with = "decoded")]
    pub body: Vec<u8>,
    /// When it was put.
    #[serde(with = "time::serde::rfc3339")]
    pub modified_on: OffsetDateTime,
}

impl Object {
    /// Its entity tag, in quotes: of what is put in one piece, the MD5 digest (S3 API reference, "Object").
    #[must_use]
    pub fn etag(&self) -> String {
        let digits: String = Md5::digest(&self.body).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("\"{digits}\"")
    }
}

fn encoded<S: Serializer>(body: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64.encode(body))
}

fn decoded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    BASE64.decode(String::deserialize(deserializer)?).map_err(de::Error::custom)
}
