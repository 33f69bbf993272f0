"""Writes botocore.json: requests signed by botocore, for the verifier to accept.

Run with any recent botocore: python3 sign_with_botocore.py > botocore.json
"""

import datetime
import json

import botocore.auth
import botocore.compat
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

AT = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
KEY = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
TOKEN = "token/with+odd=characters=="
HOST = "http://127.0.0.1:4566"
ARN = "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af"


class Frozen(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return AT.replace(tzinfo=None)

    @classmethod
    def now(cls, tz=None):
        return AT if tz else AT.replace(tzinfo=None)


botocore.auth.datetime = botocore.compat.datetime = Frozen
botocore.auth.get_current_datetime = lambda remove_tzinfo=True: Frozen.utcnow()


def case(name, auth, service, method, url, headers=(), body="", *, sent=None, token=None, trailer=False, **options):
    request = AWSRequest(method, HOST + url, headers=dict(headers), data=body.encode())
    if trailer:
        request.context["checksum"] = {"request_algorithm": {"in": "trailer"}}
    auth = auth(Credentials(*KEY, token), service, "eu-west-1", **options)
    auth.add_auth(request)
    prepared = request.prepare()
    headers = {name: value if isinstance(value, str) else value.decode() for name, value in prepared.headers.items()}
    headers["Host"] = HOST.removeprefix("http://")
    return {
        "name": name,
        "service": service,
        "method": method,
        "target": prepared.url.removeprefix(HOST),
        "headers": headers,
        "body": sent or body,
    }


V4, QUERY = botocore.auth.SigV4Auth, botocore.auth.SigV4QueryAuth
S3, S3_QUERY = botocore.auth.S3SigV4Auth, botocore.auth.S3SigV4QueryAuth
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
CHUNKED = {
    "Content-Encoding": "aws-chunked",
    "X-Amz-Decoded-Content-Length": "5",
    "X-Amz-Trailer": "x-amz-checksum-crc32",
}
cases = [
    case("list functions", V4, "lambda", "GET", "/2015-03-31/functions?Marker=a%20b%2Fc&MaxItems=5"),
    case(
        "invoke by ARN with a session token", V4, "lambda", "POST",
        f"/2015-03-31/functions/{ARN}/invocations?Qualifier=%24LATEST",
        {"X-Amz-Invocation-Type": "Event", "X-Amz-Client-Context": "e30="}, '{"grüße": "  zwei  "}', token=TOKEN,
    ),
    case("dots and slashes", V4, "lambda", "GET", "/a//b/./c/../d%2F..%2F/?z=1&a=2&a=1&empty"),
    case("caller identity", V4, "sts", "POST", "/", FORM, "Action=GetCallerIdentity&Version=2011-06-15"),
    case("JSON target", V4, "logs", "POST", "/", {"X-Amz-Target": "Logs_20140328.DescribeLogGroups"}, "{}"),
    case(
        "presigned caller identity", QUERY, "sts", "GET",
        "/?Action=GetCallerIdentity&Version=2011-06-15", token=TOKEN, expires=60,
    ),
    case("S3 object with odd name", S3, "s3", "PUT", "/bucket/a//b/../c%20d%2Be~%28%C3%A9%29", body="object"),
    case("presigned S3 object", S3_QUERY, "s3", "PUT", "/bucket/a%20b?versionId=1", sent="anything", expires=604800),
    case(
        "S3 with unsigned chunks and a trailer", S3, "s3", "PUT", "/bucket/key", CHUNKED,
        "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", trailer=True,
    ),
]
print(json.dumps(cases, indent=1, ensure_ascii=False))
