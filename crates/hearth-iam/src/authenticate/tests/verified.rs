//! What a server that verifies takes and refuses.

use hearth_wire::CallerKind;

use super::{ACCOUNT, Client, DENIED, account, now, refusal, session, sessions};
use crate::sessions::SESSION_LIFETIME;
use crate::{AccessKey, KeyRing, SessionIssuer, Verified};

const UNKNOWN: (&str, u16, &str) = (
    "UnrecognizedClientException",
    403,
    "The security token included in the request is invalid.",
);

fn server() -> (Verified, AccessKey, SessionIssuer) {
    let (key, sessions) = (AccessKey::lasting(), sessions());
    let ring = KeyRing::of(account(), &key);
    (Verified::new(ring, sessions.clone()), key, sessions)
}

fn unknown() -> (String, u16, String) {
    refusal(UNKNOWN.0, UNKNOWN.1, UNKNOWN.2)
}

#[test]
fn the_root_key_speaks_for_its_account_in_the_signed_region() {
    let (server, key, _) = server();
    for _ in 0..2 {
        let authenticated = Client::new().signed(&key, None).send(&server).unwrap();
        assert_eq!(authenticated.scope.account, account());
        assert_eq!(authenticated.scope.region.as_str(), "eu-west-1");
        let caller = authenticated.caller;
        assert_eq!(caller.arn, format!("arn:aws:iam::{ACCOUNT}:root"));
        assert_eq!(
            (caller.user_id.as_str(), &caller.kind),
            (ACCOUNT, &CallerKind::Root)
        );
        assert_eq!(caller.access_key.as_deref(), Some(key.id.as_str()));
    }
}

#[test]
fn strangers_are_refused_before_they_send_a_body() {
    let (server, key, sessions) = server();
    assert!(Client::new().announce(&server).is_err());
    assert!(
        Client::new()
            .signed(&AccessKey::lasting(), None)
            .announce(&server)
            .is_err()
    );
    assert!(
        Client::new()
            .signed(&key, Some("token"))
            .announce(&server)
            .is_err()
    );
    Client::new().signed(&key, None).announce(&server).unwrap();
    let session = session(&sessions, now());
    Client::new().in_session(&session).announce(&server).unwrap();
}

#[test]
fn functions_that_may_not_ask_are_refused_before_they_send_a_body() {
    let (server, _, sessions) = server();
    let (fresh, over) = (
        session(&sessions, now()),
        session(&sessions, now() - SESSION_LIFETIME),
    );
    let control = || Client::new().asking_for("lambda", "CreateFunction");
    let announced = |client: Client| client.announce(&server).unwrap_err().code;
    assert_eq!(announced(control().in_session(&fresh)), "AccessDeniedException");
    assert_eq!(
        announced(Client::new().in_session(&over)),
        "ExpiredTokenException"
    );
}

#[test]
fn strangers_are_refused() {
    let (server, key, _) = server();
    let missing = refusal(
        "MissingAuthenticationTokenException",
        403,
        "Missing Authentication Token",
    );
    assert_eq!(Client::new().refused(&server), missing);
    assert_eq!(
        Client::new().signed(&AccessKey::lasting(), None).refused(&server),
        unknown()
    );
    assert_eq!(
        Client::new().signed(&key, Some("token")).refused(&server),
        unknown()
    );
    let basic = Client::new()
        .header("authorization", "Basic dTpw")
        .refused(&server);
    let text = "Unsupported AWS 'algorithm': 'Basic'.";
    assert_eq!(basic, refusal("IncompleteSignatureException", 400, text));
}

#[test]
fn a_wrong_secret_or_another_body_is_refused_also_when_the_key_is_cached() {
    let (server, key, _) = server();
    let wrong = AccessKey {
        id: key.id.clone(),
        secret: AccessKey::lasting().secret,
    };
    for _ in 0..2 {
        let mut other = Client::new().signed(&key, None);
        other.body = "other".into();
        for client in [Client::new().signed(&wrong, None), other] {
            let (code, status, message) = client.refused(&server);
            assert_eq!((code.as_str(), status), ("InvalidSignatureException", 403));
            assert!(
                message.starts_with("The request signature we calculated does not match"),
                "{message}"
            );
        }
        assert!(Client::new().signed(&key, None).send(&server).is_ok());
    }
}

#[test]
fn a_region_must_look_like_one() {
    let (server, key, _) = server();
    let signed = Client::new().signed(&key, None);
    let authorization = signed.parts.headers["authorization"]
        .to_str()
        .unwrap()
        .replace("eu-west-1", "Mars!");
    let (code, _, message) = signed.header("authorization", &authorization).refused(&server);
    assert_eq!(code, "InvalidSignatureException");
    assert_eq!(
        message,
        "Credential should be scoped to a valid region, not 'Mars!'."
    );
}

#[test]
fn functions_invoke_and_ask_who_they_are_and_no_more() {
    let (server, _, sessions) = server();
    let session = session(&sessions, now());
    let authenticated = Client::new().in_session(&session).send(&server).unwrap();
    assert_eq!(authenticated.scope.account, account());
    assert!(matches!(&authenticated.caller.kind, CallerKind::Session { .. }));
    for (service, operation) in [
        ("sts", "GetCallerIdentity"),
        ("lambda", "InvokeFunctionUrl"),
        ("lambda", "InvokeWithResponseStream"),
    ] {
        let open = Client::new().asking_for(service, operation).in_session(&session);
        assert!(open.send(&server).is_ok(), "{service} {operation}");
    }

    let denied = Client::new()
        .asking_for("lambda", "CreateFunction")
        .in_session(&session);
    assert_eq!(
        denied.refused(&server),
        refusal("AccessDeniedException", 403, DENIED)
    );
    for (service, operation) in [
        ("logs", "FilterLogEvents"),
        ("sts", "AssumeRole"),
        ("logs", "Invoke"),
        ("monitoring", "GetMetricData"),
    ] {
        let denied = Client::new()
            .asking_for(service, operation)
            .in_session(&session)
            .refused(&server);
        assert_eq!(denied.0, "AccessDeniedException", "{service} {operation}");
    }
    let measuring = Client::new()
        .asking_for("monitoring", "ListMetrics")
        .in_session(&session);
    assert!(
        measuring
            .refused(&server)
            .2
            .ends_with("allows the cloudwatch:ListMetrics action")
    );
    let invoking = Client::new()
        .asking_for("lambda", "InvokeAsync")
        .in_session(&session);
    assert!(
        invoking
            .refused(&server)
            .2
            .ends_with("allows the lambda:InvokeFunction action")
    );
}

#[test]
fn session_credentials_need_their_own_token_and_signature() {
    let (server, _, sessions) = server();
    let (session, other) = (session(&sessions, now()), session(&sessions, now()));
    let (id, secret) = (session.access_key_id.clone(), session.secret_access_key.clone());
    let key = AccessKey { id, secret };
    assert_eq!(Client::new().signed(&key, None).refused(&server), unknown());
    let swapped = Client::new().signed(&key, Some(other.session_token.reveal()));
    assert_eq!(swapped.refused(&server), unknown());
    let guessed = AccessKey {
        id: key.id,
        secret: other.secret_access_key,
    };
    let guessed = Client::new().signed(&guessed, Some(session.session_token.reveal()));
    assert_eq!(guessed.refused(&server).0, "InvalidSignatureException");
}

#[test]
fn sessions_end() {
    let (server, _, sessions) = server();
    let session = session(&sessions, now() - SESSION_LIFETIME);
    let text = "The security token included in the request is expired";
    let expired = Client::new().in_session(&session).refused(&server);
    assert_eq!(expired, refusal("ExpiredTokenException", 403, text));
}
