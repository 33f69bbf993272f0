use bytes::Bytes;
use proptest::prelude::*;

use super::*;

const FIRST: &str = "00000000-0000-4000-8000-000000000001";

fn id(number: u8) -> RequestId {
    RequestId::parse(&format!("00000000-0000-4000-8000-0000000000{number:02x}")).unwrap()
}

fn invocation(number: u8) -> ApiInvocation {
    ApiInvocation {
        id: id(number),
        payload: Bytes::from_static(b"{}"),
        deadline_ms: 1,
        invoked_arn: "arn".to_owned(),
        trace: None,
        client_context: None,
        cognito_identity: None,
    }
}

fn machine() -> Machine {
    Machine::new(Description {
        function: "f".to_owned(),
        version: "$LATEST".to_owned(),
        handler: "h".to_owned(),
        account: "000000000000".to_owned(),
    })
}

fn error(result: Result<impl std::fmt::Debug, ApiError>) -> (u16, &'static str) {
    let error = result.unwrap_err();
    (error.status, error.error_type)
}

#[test]
fn an_invocation_is_delivered_answered_and_settled() {
    let mut machine = machine();
    assert!(machine.init().is_none() && machine.take_invocation().is_none());
    machine.runtime_next().unwrap();
    assert_eq!(machine.init(), Some(Ok(())));
    machine.invoke(invocation(1));
    assert!(!machine.is_settled());
    assert_eq!(machine.take_invocation().unwrap().id, id(1));
    // Asking again while it runs gets the same one.
    machine.runtime_next().unwrap();
    assert_eq!(machine.take_invocation().unwrap().id, id(1));
    machine.begin_response(FIRST).unwrap();
    machine.end_answer().unwrap();
    assert!(!machine.is_settled());
    assert_eq!(error(machine.begin_response(FIRST)), (400, "InvalidRequestID"));
    machine.runtime_next().unwrap();
    assert!(machine.is_settled() && machine.take_invocation().is_none());
    assert_eq!(error(machine.begin_error(FIRST)), (400, "InvalidRequestID"));
}

#[test]
fn answers_that_are_not_asked_for_are_refused() {
    let mut machine = machine();
    let refused = machine.begin_response(FIRST).unwrap_err();
    assert_eq!(
        (refused.status, refused.error_type),
        (403, "InvalidStateTransition")
    );
    assert_eq!(
        refused.message,
        "State transition from Started to InvocationResponse failed for runtime. \
         Error: State transition is not allowed"
    );
    machine.runtime_next().unwrap();
    machine.invoke(invocation(1));
    machine.take_invocation().unwrap();
    assert_eq!(
        error(machine.begin_response(&id(2).to_string())),
        (400, "InvalidRequestID")
    );
    assert_eq!(error(machine.begin_response("no id")), (400, "InvalidRequestID"));
    let late = machine.runtime_init_error(ReportedError::new(None, Bytes::new()));
    assert_eq!(error(late), (403, "InvalidStateTransition"));
}

#[test]
fn an_init_waits_for_every_extension() {
    let mut machine = machine();
    machine.launched("outer", None);
    machine.runtime_next().unwrap();
    assert!(machine.init().is_none());
    let outer = machine
        .register("outer", &["INVOKE".to_owned(), "SHUTDOWN".to_owned()])
        .unwrap();
    assert!(machine.init().is_none());
    machine.extension_next(outer).unwrap();
    assert_eq!(machine.init(), Some(Ok(())));
    assert_eq!(
        error(machine.register("inner", &[])),
        (403, "Extension.RegistrationClosed")
    );
    machine.invoke(invocation(1));
    assert_eq!(machine.take_event(outer).unwrap()["eventType"], "INVOKE");
    assert!(machine.take_event(outer).is_none());
    machine.take_invocation().unwrap();
    machine.begin_response(FIRST).unwrap();
    machine.end_answer().unwrap();
    machine.runtime_next().unwrap();
    assert!(!machine.is_settled());
    machine.extension_next(outer).unwrap();
    assert!(machine.is_settled());
    machine.shut_down(ShutdownReason::Spindown, 7);
    let event = machine.take_event(outer).unwrap();
    assert_eq!(
        (&event["shutdownReason"], &event["deadlineMs"]),
        (&"SPINDOWN".into(), &7.into())
    );
}

#[test]
fn what_extensions_may_not_do_is_refused() {
    let mut machine = machine();
    assert_eq!(
        error(machine.register("", &[])),
        (403, "Extension.InvalidExtensionName")
    );
    assert_eq!(
        machine
            .register("inner", &["SHUTDOWN".to_owned()])
            .unwrap_err()
            .message,
        "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension"
    );
    assert_eq!(
        error(machine.register("inner", &["REBOOT".to_owned()])),
        (403, "Extension.InvalidEventType")
    );
    for number in 0..MOST {
        machine.register(&format!("e{number}"), &[]).unwrap();
    }
    assert_eq!(
        error(machine.register("one more", &[])),
        (403, "Extension.TooManyExtensions")
    );
    assert_eq!(
        error(machine.extension_next(Uuid::nil())),
        (403, "Extension.UnknownExtensionIdentifier")
    );
}

#[test]
fn an_extension_that_fails_is_named() {
    let mut machine = machine();
    machine.launched("outer", None);
    let outer = machine.register("outer", &[]).unwrap();
    machine.extension_init_error(outer, "Extension.NoDisk").unwrap();
    machine.extension_init_error(outer, "Extension.Other").unwrap();
    machine.exited("outer", "exit status 1");
    let failed = machine.failed_extension().unwrap();
    assert_eq!(failed.state, ExtensionState::InitError);
    assert_eq!(failed.error_type.as_deref(), Some("Extension.NoDisk"));
}

/// Anything that anybody may ask for.
#[derive(Clone, Debug)]
enum Step {
    Next,
    Take,
    Response(u8),
    Error(u8),
    End,
    InitError,
    Register(u8, Vec<bool>),
    ExtensionNext(u8),
    TakeEvent(u8),
    ExtensionError(u8, bool),
    Launched(u8),
    Exited(u8),
    Invoke(u8),
    ShutDown,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Next),
        4 => Just(Step::Take),
        4 => (0u8..3).prop_map(Step::Response),
        1 => (0u8..3).prop_map(Step::Error),
        4 => Just(Step::End),
        1 => Just(Step::InitError),
        2 => (0u8..4, prop::collection::vec(any::<bool>(), 0..3)).prop_map(|(n, e)| Step::Register(n, e)),
        4 => (0u8..4).prop_map(Step::ExtensionNext),
        4 => (0u8..4).prop_map(Step::TakeEvent),
        1 => (0u8..4, any::<bool>()).prop_map(|(n, init)| Step::ExtensionError(n, init)),
        1 => (0u8..4).prop_map(Step::Launched),
        1 => (0u8..4).prop_map(Step::Exited),
        3 => (0u8..3).prop_map(Step::Invoke),
        1 => Just(Step::ShutDown),
    ]
}

#[test]
fn whoever_tells_of_many_extensions_is_heard_of_one_too_many() {
    let mut machine = machine();
    (0..100).for_each(|number| machine.launched(&format!("e{number}"), None));
    assert_eq!(machine.extensions().len(), MOST + 1);
    let failed = machine.failed_extension().unwrap();
    assert_eq!(failed.error_type.as_deref(), Some("TooManyExtensions"));
    assert_eq!(failed.name, "e10");
}

proptest! {
    /// Whatever the order, nothing panics, no invocation gets two answers, and none is delivered to two requests
    /// but while it runs.
    #[test]
    fn any_order_keeps_the_rules(steps in prop::collection::vec(step(), 0..60)) {
        let mut machine = machine();
        let mut ids: Vec<Uuid> = Vec::new();
        let (mut current, mut answered): (Option<u8>, bool) = (None, false);
        let known = |ids: &Vec<Uuid>, number: u8| ids.get(usize::from(number)).copied().unwrap_or(Uuid::nil());
        for step in steps {
            match step {
                Step::Next => { let _ = machine.runtime_next(); }
                Step::Take => {
                    if let Some(taken) = machine.take_invocation() {
                        prop_assert!(!answered);
                        prop_assert_eq!(Some(taken.id), current.map(id));
                    }
                }
                Step::Response(number) | Step::Error(number) => {
                    if machine.begin_response(&id(number).to_string()).is_ok() {
                        prop_assert!(!answered);
                        prop_assert_eq!(Some(number), current);
                        answered = true;
                        prop_assert!(!machine.is_settled());
                    }
                }
                Step::End => { let _ = machine.end_answer(); }
                Step::InitError => { let _ = machine.runtime_init_error(ReportedError::new(None, Bytes::new())); }
                Step::Register(number, events) => {
                    let events: Vec<String> = events.iter()
                        .map(|invoke| if *invoke { "INVOKE" } else { "SHUTDOWN" }.to_owned()).collect();
                    ids.extend(machine.register(&format!("e{number}"), &events));
                }
                Step::ExtensionNext(number) => { let _ = machine.extension_next(known(&ids, number)); }
                Step::TakeEvent(number) => {
                    if let Some(event) = machine.take_event(known(&ids, number)) {
                        prop_assert!(event["eventType"].is_string());
                    }
                }
                Step::ExtensionError(number, true) => {
                    let _ = machine.extension_init_error(known(&ids, number), "Extension.X");
                }
                Step::ExtensionError(number, false) => {
                    let _ = machine.extension_exit_error(known(&ids, number), "Extension.X");
                }
                Step::Launched(number) => {
                    if !machine.extensions().iter().any(|known| known.name == format!("e{number}")) {
                        machine.launched(&format!("e{number}"), None);
                    }
                }
                Step::Exited(number) => machine.exited(&format!("e{number}"), "exit status 1"),
                Step::Invoke(number) => {
                    // The engine invokes an environment that waits.
                    if machine.init() == Some(Ok(())) && machine.is_settled() {
                        machine.invoke(invocation(number));
                        (current, answered) = (Some(number), false);
                    }
                }
                Step::ShutDown => machine.shut_down(ShutdownReason::Failure, 1),
            }
            prop_assert!(machine.extensions().len() <= MOST + 1);
        }
    }
}
