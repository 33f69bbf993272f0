//! What is taken from inside an environment.

use std::sync::Arc;

use super::{Client, DENIED, account, now, refusal, session, sessions};
use crate::sessions::SESSION_LIFETIME;
use crate::{AccessKey, Inside, KeyRing, SessionCredentials, SessionIssuer, Verified};

/// Inside an environment with this session.
fn inside(ring: KeyRing, sessions: &SessionIssuer, own: &SessionCredentials) -> Inside {
    let verified = Arc::new(Verified::new(ring, sessions.clone()));
    Inside::new(verified, own.access_key_id.clone())
}

#[test]
fn the_environments_own_session_is_good_for_what_functions_may_do() {
    let sessions = sessions();
    let own = session(&sessions, now());
    let inside = inside(KeyRing::default(), &sessions, &own);
    let caller = Client::new().in_session(&own).send(&inside).unwrap().caller;
    assert_eq!(caller.access_key, Some(own.access_key_id.clone()));
    let control = Client::new()
        .asking_for("lambda", "CreateFunction")
        .in_session(&own);
    assert_eq!(
        control.refused(&inside),
        refusal("AccessDeniedException", 403, DENIED)
    );
}

/// Each of these would be refused all the same once its body had taken memory.
#[test]
fn who_would_be_refused_anyhow_is_refused_before_he_sends_a_body() {
    let sessions = sessions();
    let own = session(&sessions, now());
    let inside = inside(KeyRing::default(), &sessions, &own);
    Client::new().in_session(&own).announce(&inside).unwrap();
    let announced = |client: Client| client.announce(&inside).unwrap_err().code;
    let other = session(&sessions, now());
    assert_eq!(
        announced(Client::new().in_session(&other)),
        "UnrecognizedClientException"
    );
    let control = Client::new().asking_for("lambda", "CreateFunction");
    assert_eq!(announced(control.in_session(&own)), "AccessDeniedException");
    assert_eq!(announced(Client::new()), "MissingAuthenticationTokenException");
    let over = session(&sessions, now() - SESSION_LIFETIME);
    assert_eq!(
        announced(Client::new().in_session(&over)),
        "ExpiredTokenException"
    );
}

#[test]
fn nobody_elses_credentials_are() {
    let sessions = sessions();
    let own = session(&sessions, now());
    let inside = inside(KeyRing::default(), &sessions, &own);
    let refused = |client: Client| client.refused(&inside).0;
    assert_eq!(refused(Client::new()), "MissingAuthenticationTokenException");
    let made_up = Client::new().signed(&AccessKey::lasting(), None);
    assert!(made_up.announce(&inside).is_err());
    assert_eq!(refused(made_up), "UnrecognizedClientException");
    let other = session(&sessions, now());
    assert_eq!(
        refused(Client::new().in_session(&other)),
        "UnrecognizedClientException"
    );
    // The account, which `hearth dev` believes from outside.
    let account = AccessKey {
        id: account().to_string(),
        ..AccessKey::lasting()
    };
    assert_eq!(
        refused(Client::new().signed(&account, None)),
        "UnrecognizedClientException"
    );
}

#[test]
fn who_has_a_key_of_the_installation_may_use_it_anywhere() {
    let (sessions, key) = (sessions(), AccessKey::lasting());
    let own = session(&sessions, now());
    let inside = inside(KeyRing::of(account(), &key), &sessions, &own);
    let control = Client::new()
        .asking_for("lambda", "CreateFunction")
        .signed(&key, None);
    control.announce(&inside).unwrap();
    control.send(&inside).unwrap();
}
