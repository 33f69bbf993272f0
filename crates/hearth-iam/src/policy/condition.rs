//! What must be so for a statement to count.

use serde::{Deserialize, Serialize};

use super::arn_like::arn_like;

/// The conditions that AddPermission can set. All that are set must hold. Serialises as in a policy document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Condition {
    #[serde(default, skip_serializing_if = "is_default")]
    string_equals: StringEquals,
    #[serde(default, skip_serializing_if = "is_default")]
    arn_like: ArnLike,
    #[serde(default, skip_serializing_if = "is_default")]
    bool: Bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StringEquals {
    #[serde(rename = "AWS:SourceAccount", skip_serializing_if = "Option::is_none")]
    source_account: Option<String>,
    #[serde(rename = "lambda:EventSourceToken", skip_serializing_if = "Option::is_none")]
    event_source_token: Option<String>,
    #[serde(
        rename = "lambda:FunctionUrlAuthType",
        skip_serializing_if = "Option::is_none"
    )]
    function_url_auth_type: Option<String>,
    #[serde(rename = "aws:PrincipalOrgID", skip_serializing_if = "Option::is_none")]
    principal_org_id: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ArnLike {
    #[serde(rename = "AWS:SourceArn", skip_serializing_if = "Option::is_none")]
    source_arn: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bool {
    /// `true` or `false`, as a text.
    #[serde(
        rename = "lambda:InvokedViaFunctionUrl",
        skip_serializing_if = "Option::is_none"
    )]
    invoked_via_function_url: Option<String>,
}

/// What is known of a request besides who, what and with what. What is not known fulfils no condition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts<'a> {
    /// The ARN of the resource on whose behalf a service asks.
    pub source_arn: Option<&'a str>,
    /// The account of that resource.
    pub source_account: Option<&'a str>,
    /// The token that an Alexa skill's event carries.
    pub event_source_token: Option<&'a str>,
    /// The organisation of the requester.
    pub principal_org_id: Option<&'a str>,
    /// `NONE` or `AWS_IAM`, for a request to a function URL.
    pub function_url_auth_type: Option<&'a str>,
    /// Whether the request came through a function URL.
    pub invoked_via_function_url: bool,
}

impl Condition {
    /// Conditions on the facts that are given, and on no others. `source_arn` may have wildcards; an
    /// `invoked_via_function_url` must be what it says, `None` leaves it open.
    pub fn on(facts: Facts<'_>, invoked_via_function_url: Option<bool>) -> Self {
        let owned = |fact: Option<&str>| fact.map(str::to_owned);
        Self {
            string_equals: StringEquals {
                source_account: owned(facts.source_account),
                event_source_token: owned(facts.event_source_token),
                function_url_auth_type: owned(facts.function_url_auth_type),
                principal_org_id: owned(facts.principal_org_id),
            },
            arn_like: ArnLike {
                source_arn: owned(facts.source_arn),
            },
            bool: Bool {
                invoked_via_function_url: invoked_via_function_url.map(|wanted| wanted.to_string()),
            },
        }
    }

    /// Whether it always holds.
    pub fn is_empty(&self) -> bool {
        is_default(self)
    }

    /// Whether all of it is so.
    pub(super) fn holds(&self, facts: &Facts<'_>) -> bool {
        let equals = |wanted: &Option<String>, fact: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| fact == Some(wanted))
        };
        let Self {
            string_equals,
            arn_like: ArnLike { source_arn },
            bool,
        } = self;
        let via_url = if facts.invoked_via_function_url {
            "true"
        } else {
            "false"
        };
        equals(&string_equals.source_account, facts.source_account)
            && equals(&string_equals.event_source_token, facts.event_source_token)
            && equals(
                &string_equals.function_url_auth_type,
                facts.function_url_auth_type,
            )
            && equals(&string_equals.principal_org_id, facts.principal_org_id)
            && equals(&bool.invoked_via_function_url, Some(via_url))
            && source_arn
                .as_deref()
                .is_none_or(|pattern| facts.source_arn.is_some_and(|arn| arn_like(pattern, arn)))
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
