//! What policies say, and how they are written.

use hearth_types::AccountId;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

fn statement(sid: &str, principal: &str, facts: Facts<'_>) -> Statement {
    Statement {
        sid: sid.to_owned(),
        effect: Effect::Allow,
        principal: Principal::parse(principal).unwrap(),
        action: "lambda:InvokeFunction".to_owned(),
        resource: FUNCTION.to_owned(),
        condition: Condition::on(facts, None),
    }
}

fn policy(statements: impl IntoIterator<Item = Statement>) -> ResourcePolicy {
    let mut policy = ResourcePolicy::default();
    for statement in statements {
        policy.add(statement).unwrap();
    }
    policy
}

fn invoke(requester: Requester<'_>) -> Access<'_> {
    Access {
        requester,
        action: "lambda:InvokeFunction",
        resource: FUNCTION,
        facts: Facts::default(),
    }
}

fn user() -> Requester<'static> {
    Requester::Identity {
        account: AccountId::parse("111122223333").unwrap(),
        arn: "arn:aws:iam::111122223333:user/ada",
        role_arn: None,
    }
}

fn session() -> Requester<'static> {
    Requester::Identity {
        account: AccountId::parse("111122223333").unwrap(),
        arn: "arn:aws:sts::111122223333:assumed-role/r/f",
        role_arn: Some("arn:aws:iam::111122223333:role/r"),
    }
}

#[test]
fn without_a_statement_nobody_may_do_anything() {
    for requester in [
        Requester::Anonymous,
        Requester::Service("s3.amazonaws.com"),
        user(),
    ] {
        assert_eq!(
            ResourcePolicy::default().decide(&invoke(requester)),
            Decision::NotAllowed
        );
    }
}

#[test]
fn a_statement_is_about_those_it_names() {
    let may = |principal: &str, requester| {
        policy([statement("s", principal, Facts::default())])
            .decide(&invoke(requester))
            .is_allowed()
    };
    let s3 = Requester::Service("s3.amazonaws.com");
    assert!(may("s3.amazonaws.com", s3) && !may("sns.amazonaws.com", s3) && !may("s3.amazonaws.com", user()));
    assert!(may("*", s3) && may("*", user()) && may("*", Requester::Anonymous));
    for principal in [
        "111122223333",
        "arn:aws:iam::111122223333:root",
        "arn:aws:iam::111122223333:user/ada",
    ] {
        assert!(may(principal, user()), "{principal}");
        assert!(!may(principal, Requester::Anonymous), "{principal}");
    }
    assert!(!may("444455556666", user()) && !may("arn:aws:iam::111122223333:user/bob", user()));
    assert!(may("arn:aws:iam::111122223333:role/r", session()) && may("111122223333", session()));
    assert!(!may("arn:aws:iam::111122223333:role/other", session()));
}

#[test]
fn principals_are_read_as_clients_write_them() {
    for bad in [
        "",
        "invalid.nonaws.com",
        ".amazonaws.com",
        "1234",
        "arn:aws:s3:::bucket",
        "arn:aws:iam::12:root",
        "s3",
    ] {
        assert_eq!(Principal::parse(bad), Err(InvalidPrincipal), "{bad}");
    }
    let account = Principal::parse("123456789012").unwrap();
    assert_eq!(account, Principal::Aws("arn:aws:iam::123456789012:root".into()));
}

#[test]
fn an_explicit_no_wins_in_any_order() {
    let deny = Statement {
        effect: Effect::Deny,
        ..statement("no", "arn:aws:iam::111122223333:user/ada", Facts::default())
    };
    let allow = statement("yes", "*", Facts::default());
    for order in [[&deny, &allow], [&allow, &deny]] {
        let policy = policy(order.map(Statement::clone));
        assert_eq!(policy.decide(&invoke(user())), Decision::Denied);
        assert_eq!(policy.decide(&invoke(session())), Decision::Allowed);
    }
}

#[test]
fn actions_and_resources_are_compared() {
    let with_action = |action: &str| {
        policy([Statement {
            action: action.to_owned(),
            ..statement("s", "*", Facts::default())
        }])
    };
    let may = |action: &str, wanted: &str| {
        let access = Access {
            action: wanted,
            ..invoke(user())
        };
        with_action(action).decide(&access).is_allowed()
    };
    assert!(may("*", "lambda:GetFunction") && may("lambda:*", "lambda:GetFunction"));
    assert!(may("lambda:InvokeFunction", "lambda:invokefunction"));
    assert!(!may("lambda:InvokeFunction", "lambda:InvokeFunctionUrl") && !may("lambda:*", "s3:GetObject"));
    assert!(
        !may("lambda:Invoke*", "lambda:InvokeFunction"),
        "no such pattern can be added"
    );
    let version = Access {
        resource: "arn:aws:lambda:us-east-1:123456789012:function:f:1",
        ..invoke(user())
    };
    assert!(!with_action("*").decide(&version).is_allowed());
}

#[test]
fn every_condition_must_hold() {
    let wanted = Facts {
        source_arn: Some("arn:aws:s3:::pict*"),
        source_account: Some("123456789012"),
        event_source_token: Some("amzn1.ask.skill.x"),
        principal_org_id: Some("o-1234567890"),
        function_url_auth_type: Some("NONE"),
        invoked_via_function_url: false,
    };
    let policy = policy([Statement {
        condition: Condition::on(wanted, Some(true)),
        ..statement("s", "*", wanted)
    }]);
    let right = Facts {
        source_arn: Some("arn:aws:s3:::pictures"),
        invoked_via_function_url: true,
        ..wanted
    };
    let decide = |facts| {
        policy
            .decide(&Access {
                facts,
                ..invoke(Requester::Service("s3.amazonaws.com"))
            })
            .is_allowed()
    };
    assert!(decide(right));
    let wrong = [
        Facts {
            source_arn: None,
            ..right
        },
        Facts {
            source_arn: Some("arn:aws:s3:::music"),
            ..right
        },
        Facts {
            source_account: Some("123456789013"),
            ..right
        },
        Facts {
            event_source_token: None,
            ..right
        },
        Facts {
            principal_org_id: None,
            ..right
        },
        Facts {
            function_url_auth_type: Some("AWS_IAM"),
            ..right
        },
        Facts {
            invoked_via_function_url: false,
            ..right
        },
    ];
    for facts in wrong {
        assert!(!decide(facts), "{facts:?}");
    }
}

#[test]
fn documents_are_written_as_aws_writes_them() {
    let facts = Facts {
        source_arn: Some("arn:aws:s3:::b"),
        source_account: Some("123456789012"),
        function_url_auth_type: Some("NONE"),
        principal_org_id: Some("o-1234567890"),
        ..Facts::default()
    };
    let policy = policy([
        statement("a", "*", facts),
        statement("b", "s3.amazonaws.com", Facts::default()),
    ]);
    let expected = concat!(
        r#"{"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"a","Effect":"Allow","Principal":"*","#,
        r#""Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","#,
        r#""Condition":{"StringEquals":{"AWS:SourceAccount":"123456789012","lambda:FunctionUrlAuthType":"NONE","#,
        r#""aws:PrincipalOrgID":"o-1234567890"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"}}},"#,
        r#"{"Sid":"b","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"#,
        r#""Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f"}]}"#
    );
    assert_eq!(policy.to_json(), expected);
    let kept = serde_json::to_string(&policy).unwrap();
    assert_eq!(serde_json::from_str::<ResourcePolicy>(&kept).unwrap(), policy);
}

#[test]
fn a_condition_that_is_not_known_is_no_reason_to_allow() {
    let mut document: Value = serde_json::to_value(policy([statement("s", "*", Facts::default())])).unwrap();
    document[0]["Condition"] = json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}});
    assert!(serde_json::from_value::<ResourcePolicy>(document).is_err());
}

#[test]
fn ids_are_unique_and_the_length_is_limited() {
    let mut policy = policy([statement("s", "*", Facts::default())]);
    assert_eq!(
        policy.add(statement("s", "s3.amazonaws.com", Facts::default())),
        Err(PolicyError::StatementExists("s".into()))
    );
    let mut count = 1;
    let error = loop {
        match policy.add(statement(&format!("statement-{count:04}"), "*", Facts::default())) {
            Ok(()) => count += 1,
            Err(error) => break error,
        }
    };
    let PolicyError::TooLong { size } = &error else {
        panic!("{error}")
    };
    assert!(*size > POLICY_BYTES && policy.to_json().len() <= POLICY_BYTES);
    assert_eq!(
        error.to_string(),
        format!("The final policy size ({size}) is bigger than the limit (20480).")
    );
    assert!(policy.remove("s") && !policy.remove("s"));
    assert!(policy.decide(&invoke(user())).is_allowed());
}

fn any_statement() -> impl Strategy<Value = Statement> {
    let principal = prop::sample::select(vec!["*", "s3.amazonaws.com", "111122223333", "444455556666"]);
    let action = prop::sample::select(vec![
        "*",
        "lambda:*",
        "lambda:InvokeFunction",
        "lambda:GetFunction",
    ]);
    let account = prop::option::of(prop::sample::select(vec!["111122223333", "444455556666"]));
    (principal, action, account, any::<bool>()).prop_map(|(principal, action, source_account, deny)| {
        Statement {
            effect: if deny { Effect::Deny } else { Effect::Allow },
            action: action.to_owned(),
            ..statement(
                "s",
                principal,
                Facts {
                    source_account,
                    ..Facts::default()
                },
            )
        }
    })
}

proptest! {
    /// A yes takes a statement that allows, and no statement that denies: whatever their number and order.
    #[test]
    fn decisions_are_those_of_the_statements(
        statements in prop::collection::vec(any_statement(), 0..8),
        source_account in prop::option::of(prop::sample::select(vec!["111122223333", "444455556666"])),
        anonymous: bool,
    ) {
        let facts = Facts { source_account, ..Facts::default() };
        let requester = if anonymous { Requester::Anonymous } else { user() };
        let access = Access { facts, ..invoke(requester) };
        let numbered = statements.into_iter().enumerate();
        let statements: Vec<Statement> =
            numbered.map(|(index, statement)| Statement { sid: index.to_string(), ..statement }).collect();
        let alone: Vec<Decision> =
            statements.iter().map(|statement| policy([statement.clone()]).decide(&access)).collect();
        let expected = if alone.contains(&Decision::Denied) {
            Decision::Denied
        } else if alone.contains(&Decision::Allowed) {
            Decision::Allowed
        } else {
            Decision::NotAllowed
        };
        prop_assert_eq!(policy(statements).decide(&access), expected);
    }

    #[test]
    fn no_principal_is_too_strange(text: String) {
        let _ = Principal::parse(&text);
    }
}
