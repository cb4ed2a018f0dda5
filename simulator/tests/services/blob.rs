use http::Method;

use crate::stage::{Answered, Stage};

const BASE: &str = "https://contosoonboarder.blob.core.windows.net";
const AUDIENCE: &str = "https://storage.azure.com";

async fn call(stage: &Stage, method: Method, rest: &str, token: &str, more: &[(&str, &str)], body: &str) -> Answered {
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str()), ("x-ms-version", "2026-04-06")];
    stage.send(method, &format!("{BASE}/{rest}"), &[&headers[..], more].concat(), body.to_owned()).await
}

async fn put(stage: &Stage, rest: &str, token: &str, body: &str) -> Answered {
    let headers = [("x-ms-blob-type", "BlockBlob"), ("x-ms-blob-content-type", "application/json")];
    call(stage, Method::PUT, rest, token, &headers, body).await
}

#[tokio::test(start_paused = true)]
async fn a_blob_is_written_read_replaced_and_removed() {
    let stage = Stage::new();
    let token = stage.token(AUDIENCE).await;
    let get = async |more: &[(&str, &str)]| call(&stage, Method::GET, "report/a/b.json", &token, more, "").await;
    assert_eq!(get(&[]).await.header("x-ms-error-code"), "BlobNotFound");
    let written = put(&stage, "report/a%2Fb.json", &token, "{\"a\":1}").await;
    assert_eq!((written.status, written.header("last-modified")), (201, "Sun, 22 Nov 2026 10:00:00 GMT"));
    let read = get(&[]).await;
    assert_eq!((read.status, read.text.as_str(), read.header("content-type")), (200, "{\"a\":1}", "application/json"));
    assert_eq!(read.header("etag"), written.header("etag"));
    let part = get(&[("range", "bytes=1-3")]).await;
    assert_eq!((part.status, part.text.as_str(), part.header("content-range")), (206, "\"a\"", "bytes 1-3/7"));
    let rest = get(&[("x-ms-range", "bytes=5-99"), ("range", "bytes=0-0")]).await;
    assert_eq!((rest.text.as_str(), rest.header("content-range")), ("1}", "bytes 5-6/7"));
    assert_eq!(get(&[("range", "bytes=7-")]).await.status, 416);
    put(&stage, "report/a/b.json", &token, "{}").await;
    assert_eq!(get(&[("if-match", written.header("etag"))]).await.header("x-ms-error-code"), "ConditionNotMet");
    assert_eq!(get(&[]).await.text, "{}");
    let delete = async || call(&stage, Method::DELETE, "report/a/b.json", &token, &[], "").await;
    assert_eq!(delete().await.status, 202);
    assert_eq!(delete().await.header("x-ms-error-code"), "BlobNotFound");
}

#[tokio::test(start_paused = true)]
async fn blobs_are_listed_by_name_prefix_and_page() {
    let stage = Stage::new();
    let token = stage.token(AUDIENCE).await;
    for name in ["b/2", "a", "b/1", "b/<3>"] {
        put(&stage, &format!("report/{}", name.replace('<', "%3C").replace('>', "%3E")), &token, name).await;
    }
    let list =
        async |more: &str| call(&stage, Method::GET, &format!("report?restype=container&comp=list{more}"), &token, &[], "").await.text;
    let page = list("&prefix=b/&maxresults=2").await;
    let names: Vec<_> = page.split("<Name>").skip(1).filter_map(|rest| rest.split_once("</Name>")).map(|(name, _)| name).collect();
    assert_eq!(names, ["b/1", "b/2"]);
    assert!(page.contains("<NextMarker>b/&lt;3&gt;</NextMarker>"), "{page}");
    assert!(page.contains("<Last-Modified>Sun, 22 Nov 2026 10:00:00 GMT</Last-Modified>"), "{page}");
    let last = list("&prefix=b/&maxresults=2&marker=b/%3C3%3E").await;
    assert!(last.contains("<Name>b/&lt;3&gt;</Name>") && last.contains("<NextMarker></NextMarker>"), "{last}");
    stage.simulator.state().world.settings.page_size = 1;
    assert!(list("").await.contains("<NextMarker>b/1</NextMarker>"), "the world's own size of pages counts too");
}

#[tokio::test(start_paused = true)]
async fn containers_are_made_once() {
    let stage = Stage::new();
    let token = stage.token(AUDIENCE).await;
    let create = async |name: &str| call(&stage, Method::PUT, &format!("{name}?restype=container"), &token, &[], "").await;
    assert_eq!(create("another").await.status, 201);
    assert_eq!(create("another").await.header("x-ms-error-code"), "ContainerAlreadyExists");
    assert_eq!(create("Bad--Name").await.header("x-ms-error-code"), "InvalidResourceName");
    assert_eq!(put(&stage, "another/a", &token, "a").await.status, 201);
}

#[tokio::test(start_paused = true)]
async fn refuses_bad_tokens_and_requests() {
    let stage = Stage::new();
    for (kind, token) in stage.bad_tokens(AUDIENCE).await {
        let answered = put(&stage, "report/a", &token, "a").await;
        let code = if kind == "none" { "NoAuthenticationInformation" } else { "InvalidAuthenticationInfo" };
        assert_eq!((answered.status, answered.header("x-ms-error-code")), (401, code), "{kind}");
    }
    let token = stage.token(AUDIENCE).await;
    let nowhere = put(&stage, "nowhere/a", &token, "a").await;
    assert_eq!((nowhere.status, nowhere.header("x-ms-error-code")), (404, "ContainerNotFound"));
    let untyped = call(&stage, Method::PUT, "report/a", &token, &[], "a").await;
    assert_eq!((untyped.status, untyped.header("x-ms-error-code")), (400, "MissingRequiredHeader"));
    let page = call(&stage, Method::PUT, "report/a", &token, &[("x-ms-blob-type", "PageBlob")], "").await;
    assert_eq!(page.outcome(), (501, "NotModelled"));
    let block = put(&stage, "report/a?comp=block&blockid=AA", &token, "a").await;
    assert_eq!(block.outcome(), (501, "NotModelled"));
    let none = call(&stage, Method::GET, "report?restype=container&comp=list&maxresults=0", &token, &[], "").await;
    assert_eq!(none.header("x-ms-error-code"), "OutOfRangeQueryParameterValue");
    assert!(stage.simulator.state().world.blobs("report").is_empty());
}
