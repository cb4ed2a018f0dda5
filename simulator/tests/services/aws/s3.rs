use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use ispm_onboarder_simulator::{Fault, Response};

use super::client::credentials;
use crate::stage::{START, Stage};

/// Signs and sends a call of the demo's bucket.
pub async fn call(stage: &Stage, method: &str, path: &str, headers: &[(&str, &str)], body: &'static [u8]) -> Response {
    send(stage, signed(stage, method, path, headers, body), Bytes::from_static(body)).await
}

fn signed(stage: &Stage, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> http::request::Builder {
    let url = format!("https://{}.s3.{}.amazonaws.com/{path}", stage.cast.aws.bucket, stage.cast.aws.region);
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let identity = credentials(stage).into();
    let params = v4::SigningParams::builder().identity(&identity).region(&stage.cast.aws.region).name("s3");
    let params = params.time(START.into()).settings(settings).build().expect("all is given").into();
    let signable = SignableRequest::new(method, &url, headers.iter().copied(), SignableBody::Bytes(body)).expect("it can be signed");
    let (instructions, _) = sign(signable, &params).expect("it is signed").into_parts();
    let mut request = http::Request::builder().method(method).uri(url);
    for (name, value) in headers.iter().copied().chain(instructions.headers()) {
        request = request.header(name, value);
    }
    request
}

async fn send(stage: &Stage, request: http::request::Builder, body: Bytes) -> Response {
    stage.simulator.exchange(request.body(body).expect("a request")).await.expect("an answer")
}

pub fn text(response: &Response) -> String {
    String::from_utf8(response.body().to_vec()).expect("text")
}

fn refused(response: &Response) -> (u16, String) {
    let body = text(response);
    let code = body.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code.to_owned());
    (response.status().as_u16(), code.unwrap_or(body))
}

#[tokio::test(start_paused = true)]
async fn keeps_what_is_put_hands_out_parts_of_it_and_deletes_it() {
    let stage = Stage::new();
    let put = call(&stage, "PUT", "a/b%20c", &[("content-type", "text/plain")], b"0123456789").await;
    assert_eq!((put.status().as_u16(), put.headers()["etag"].as_bytes()), (200, &b"\"781e5e245d69b566979b86e28d23f2c7\""[..]));
    let whole = call(&stage, "GET", "a/b%20c", &[], b"").await;
    assert_eq!((whole.headers()["content-type"].as_bytes(), text(&whole).as_str()), (&b"text/plain"[..], "0123456789"));
    let part = call(&stage, "GET", "a/b%20c", &[("range", "bytes=8-20")], b"").await;
    assert_eq!((part.status().as_u16(), text(&part).as_str()), (206, "89"));
    assert_eq!(part.headers()["content-range"], "bytes 8-9/10");
    assert_eq!(refused(&call(&stage, "GET", "a/b%20c", &[("range", "bytes=10-20")], b"").await), (416, "InvalidRange".to_owned()));
    assert_eq!(refused(&call(&stage, "GET", "a/b%20c", &[("if-match", "\"0\"")], b"").await), (412, "PreconditionFailed".to_owned()));
    assert_eq!(call(&stage, "DELETE", "a/b%20c", &[], b"").await.status(), 204);
    assert_eq!(call(&stage, "DELETE", "a/b%20c", &[], b"").await.status(), 204);
    assert_eq!(refused(&call(&stage, "GET", "a/b%20c", &[], b"").await), (404, "NoSuchKey".to_owned()));
    assert_eq!(stage.recorded("s3.delete").iter().map(|call| call.changed).collect::<Vec<_>>(), [true, false]);
}

#[tokio::test(start_paused = true)]
async fn lists_in_pages_what_begins_so() {
    let stage = Stage::new();
    for path in ["a/1", "a/2", "a/3%26", "b"] {
        call(&stage, "PUT", path, &[], b"x").await;
    }
    let first = text(&call(&stage, "GET", "?list-type=2&max-keys=2&prefix=a%2F", &[], b"").await);
    assert!(first.contains("<Key>a/1</Key><LastModified>2026-") && first.contains("<IsTruncated>true</IsTruncated>"), "{first}");
    let token = first.split_once("<NextContinuationToken>").and_then(|(_, rest)| rest.split_once('<')).expect("there is more").0;
    let token = token.replace('=', "%3D");
    let last = text(&call(&stage, "GET", &format!("?continuation-token={token}&list-type=2&prefix=a%2F"), &[], b"").await);
    assert!(last.contains("<KeyCount>1</KeyCount>") && last.contains("<Key>a/3&amp;</Key>"), "{last}");
    let other = call(&stage, "GET", "?acl=", &[], b"").await;
    assert_eq!(other.status(), 501);
}

#[tokio::test(start_paused = true)]
async fn refuses_in_the_words_of_s3() {
    let stage = Stage::new();
    let unsigned = http::Request::get(format!("https://{}.s3.eu-central-1.amazonaws.com/a", stage.cast.aws.bucket));
    assert_eq!(refused(&send(&stage, unsigned, Bytes::new()).await), (403, "AccessDenied".to_owned()));
    let other_body = signed(&stage, "PUT", "a", &[], b"one");
    assert_eq!(refused(&send(&stage, other_body, Bytes::from_static(b"two")).await), (400, "XAmzContentSHA256Mismatch".to_owned()));
    let mut other_path = signed(&stage, "GET", "a", &[], b"");
    other_path = other_path.uri(format!("https://{}.s3.eu-central-1.amazonaws.com/b", stage.cast.aws.bucket));
    assert_eq!(refused(&send(&stage, other_path, Bytes::new()).await), (403, "SignatureDoesNotMatch".to_owned()));
    let elsewhere = http::Request::get("https://nowhere.s3.eu-central-1.amazonaws.com/a");
    assert_eq!(refused(&send(&stage, elsewhere, Bytes::new()).await).0, 403, "who is not known does not learn of buckets");
    for (status, code) in [(503, "SlowDown"), (404, "NoSuchKey"), (403, "AccessDenied")] {
        stage.simulator.state().faults.push(Fault::status("s3.get", status).times(1));
        assert_eq!(refused(&call(&stage, "GET", "a", &[], b"").await), (status, code.to_owned()));
    }
    let deny = |action: &str| stage.simulator.state().world.aws_mut(&stage.cast.aws.account, "").deny(&stage.cast.aws.role_arn, action);
    deny("s3:ListBucket");
    assert_eq!(refused(&call(&stage, "GET", "a", &[], b"").await), (403, "AccessDenied".to_owned()), "a missing key is not told of");
    assert_eq!(call(&stage, "PUT", "a", &[], b"x").await.status(), 200);
    assert_eq!(call(&stage, "GET", "a", &[], b"").await.status(), 200);
    deny("s3:*");
    for method in ["GET", "PUT", "DELETE"] {
        let denied = call(&stage, method, "a", &[], b"").await;
        assert!(text(&denied).contains("is not authorized to perform: s3:"), "{}", text(&denied));
    }
    stage.simulator.state().world.aws_mut(&stage.cast.aws.account, "").buckets.clear();
    assert_eq!(refused(&call(&stage, "PUT", "a", &[], b"x").await), (404, "NoSuchBucket".to_owned()));
}
