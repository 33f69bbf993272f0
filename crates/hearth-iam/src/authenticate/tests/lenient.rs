//! What a developer's server makes of all kinds of requests.

use hearth_types::{AccountId, Region};
use hearth_wire::CallerKind;
use proptest::prelude::*;

use super::{ACCOUNT, Client, DENIED, account, now, refusal, session, sessions};
use crate::sessions::SESSION_LIFETIME;
use crate::{AccessKey, Lenient, Secret};

fn key(id: &str) -> AccessKey {
    AccessKey {
        id: id.into(),
        secret: Secret::new("anything".into()),
    }
}

/// Account and region that a request is taken for.
fn taken_for(client: &Client) -> (String, String) {
    let authenticated = client.send(&Lenient::new(sessions())).unwrap();
    assert_eq!(authenticated.caller.kind, CallerKind::Anonymous);
    assert_eq!(authenticated.caller.account, authenticated.scope.account);
    (
        authenticated.scope.account.to_string(),
        authenticated.scope.region.to_string(),
    )
}

fn expect(account: &str, region: &str) -> (String, String) {
    (account.into(), region.into())
}

#[test]
fn an_access_key_of_twelve_digits_is_the_account() {
    let nobody = AccountId::DEFAULT.as_str();
    assert_eq!(
        taken_for(&Client::new().signed(&key(ACCOUNT), None)),
        expect(ACCOUNT, "eu-west-1")
    );
    for id in ["test", "1234567890123", "12345678901a", "AKIAIOSFODNN7EXAMPLE"] {
        assert_eq!(
            taken_for(&Client::new().signed(&key(id), None)),
            expect(nobody, "eu-west-1"),
            "{id}"
        );
    }
    let foreign = Client::new().signed(&key("ASIAIOSFODNN7EXAMPLE"), Some("of another server"));
    assert_eq!(taken_for(&foreign), expect(nobody, "eu-west-1"));
}

#[test]
fn requests_without_a_usable_signature_are_taken_too() {
    let (nobody, default) = (AccountId::DEFAULT.as_str(), "us-east-1");
    assert_eq!(taken_for(&Client::new()), expect(nobody, default));
    for (value, account, region) in [
        ("Bearer abc", nobody, default),
        ("AWS4-HMAC-SHA256 Credential=", nobody, default),
        ("AWS4-HMAC-SHA256 Credential=123456789012", ACCOUNT, default),
        (
            "AWS4-HMAC-SHA256 Credential=123456789012/x/eu-west-1/lambda, Signature=x",
            ACCOUNT,
            "eu-west-1",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=123456789012/x/No Region/lambda",
            ACCOUNT,
            default,
        ),
    ] {
        let client = Client::new().header("authorization", value);
        assert_eq!(taken_for(&client), expect(account, region), "{value}");
    }
    let mut presigned = Client::new();
    presigned.parts.uri = "/?X-Amz-Credential=123456789012%2F20260101%2Feu-west-1%2Fs3%2Faws4_request"
        .parse()
        .unwrap();
    assert_eq!(taken_for(&presigned), expect(ACCOUNT, "eu-west-1"));
}

#[test]
fn functions_are_recognised_and_held_to_their_limits() {
    let sessions = sessions();
    let server = Lenient::new(sessions.clone());
    let valid = session(&sessions, now());
    let authenticated = Client::new().in_session(&valid).send(&server).unwrap();
    assert_eq!(authenticated.scope.account, account());
    assert!(matches!(&authenticated.caller.kind, CallerKind::Session { .. }));
    let denied = Client::new()
        .asking_for("lambda", "CreateFunction")
        .in_session(&valid);
    assert_eq!(
        denied.refused(&server),
        refusal("AccessDeniedException", 403, DENIED)
    );
    let expired = session(&sessions, now() - SESSION_LIFETIME);
    let expired = Client::new().in_session(&expired);
    assert_eq!(expired.refused(&server).0, "ExpiredTokenException");
    // Before a body that takes memory, too.
    for refused in [denied, expired] {
        assert_eq!(
            refused.announce(&server).unwrap_err().code,
            refused.refused(&server).0
        );
    }
    Client::new().in_session(&valid).announce(&server).unwrap();
}

#[test]
fn chunked_bodies_are_decoded_or_refused() {
    let server = Lenient::new(sessions());
    let mut client = Client::new().header("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    client.body = "5;chunk-signature=x\r\nhello\r\n0;chunk-signature=x\r\n\r\n".into();
    assert_eq!(client.send(&server).unwrap().body.unwrap(), "hello");
    client.body = "5\r\nhell".into();
    assert_eq!(client.refused(&server).1, 400);
    assert_eq!(Client::new().send(&server).unwrap().body, None);
}

proptest! {
    #[test]
    fn nothing_a_client_sends_is_an_error(
        authorization in "(AWS4-HMAC-SHA256 )?(Credential=)?[ -~]{0,30}",
        token in "[ -~]{0,30}",
    ) {
        let client = Client::new().header("authorization", &authorization).header("x-amz-security-token", &token);
        prop_assert!(client.send(&Lenient::new(sessions())).is_ok());
        prop_assert!(Region::parse(&taken_for(&client).1).is_ok());
    }
}
