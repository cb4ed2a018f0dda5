"""The simulated S3, judged by AWS's own SDK for Python: it signs, sends and reads without knowing what it talks to."""

import os

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from report import Report, equal
from simulator import Simulator

# What onboarder and simulator agree on: the body's digest is signed, and no other is sent.
PLAIN = Config(s3={"payload_signing_enabled": True}, request_checksum_calculation="when_required", retries={"max_attempts": 0})
KEY = "reports/it's (a) + b=c & d~e/\u00fc.json"


def check(report: Report, simulator: Simulator) -> None:
    """The function's role may read and write reports, whoever replays may list and delete dead letters, and each no more than that."""
    bucket = simulator.variables["SIMULATOR_AWS_REPORT"].split("/")[2]
    s3 = _client()
    replayer = _client(simulator.variables["SIMULATOR_AWS_REPLAYER_KEY_ID"], simulator.variables["SIMULATOR_AWS_REPLAYER_KEY"])
    with report.check("boto3 puts, gets and deletes in the simulated bucket, whatever the key"):
        written = s3.put_object(Bucket=bucket, Key=KEY, Body=b"0123456789", ContentType="application/json")
        read = s3.get_object(Bucket=bucket, Key=KEY)
        equal((read["Body"].read(), read["ContentType"], read["ETag"]), (b"0123456789", "application/json", written["ETag"]))
        part = s3.get_object(Bucket=bucket, Key=KEY, Range="bytes=4-20", IfMatch=written["ETag"])
        equal((part["Body"].read(), part["ContentRange"]), (b"456789", "bytes 4-9/10"))
        equal([one["Key"] for one in s3.list_objects_v2(Bucket=bucket, Prefix="reports/it's")["Contents"]], [KEY])
        equal(_refused(lambda: s3.get_object(Bucket=bucket, Key="reports/none")), "NoSuchKey")
        replayer.delete_object(Bucket=bucket, Key="dead-letters/none")
    with report.check("boto3 reads all pages of a list in the simulated bucket"):
        keys = [f"reports/pages/{number}" for number in range(5)]
        for key in keys:
            s3.put_object(Bucket=bucket, Key=key, Body=b"")
        pages = replayer.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="reports/pages/", PaginationConfig={"PageSize": 2})
        equal([one["Key"] for page in pages for one in page["Contents"]], keys)
    with report.check("boto3 knows the simulated refusals"):
        equal(_refused(lambda: s3.get_object(Bucket="nowhere", Key="a")), "NoSuchBucket")
        equal(_refused(lambda: s3.get_object(Bucket=bucket, Key="reports/pages/0", IfMatch='"0"')), "PreconditionFailed")
        equal(_refused(lambda: s3.delete_object(Bucket=bucket, Key="reports/pages/0")), "AccessDenied")
        equal(_refused(lambda: s3.put_object(Bucket=bucket, Key="other", Body=b"")), "AccessDenied")
        equal(_refused(lambda: replayer.get_object(Bucket=bucket, Key="reports/pages/0")), "AccessDenied")
        stranger = _client("AKIAX", "x")
        equal(_refused(lambda: stranger.get_object(Bucket=bucket, Key="reports/pages/0")), "InvalidAccessKeyId")


def _client(key_id: str | None = None, key: str | None = None):
    """Without a key, the function's role."""
    verify = os.environ["SSL_CERT_FILE"]
    return boto3.client("s3", config=PLAIN, verify=verify, aws_access_key_id=key_id, aws_secret_access_key=key)


def _refused(call) -> str:
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError("it was not refused")
