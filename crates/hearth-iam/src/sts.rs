//! The Security Token Service: so far, who one is.

use hearth_wire::sts::{GetCallerIdentityResponse, MODEL, operations};
use hearth_wire::{Context, Router};

/// Adds the service to the router.
pub fn register(router: &mut Router) {
    router
        .service(&MODEL)
        .operation::<operations::GetCallerIdentity, _, _>(|context, _| async move {
            Ok(caller_identity(&context))
        });
}

/// GetCallerIdentity: needs no permission.
fn caller_identity(context: &Context) -> GetCallerIdentityResponse {
    let caller = &context.caller;
    GetCallerIdentityResponse {
        user_id: Some(caller.user_id.clone()),
        account: Some(caller.account.to_string()),
        arn: Some(caller.arn.clone()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::Request;
    use http_body_util::{BodyExt as _, Full};

    use super::*;
    use crate::{Lenient, Sealer, SessionIssuer};

    #[tokio::test]
    async fn callers_learn_who_they_are() {
        let sessions = SessionIssuer::new(Arc::new(Sealer::ephemeral()));
        let mut router = Router::new(Arc::new(Lenient::new(sessions)));
        register(&mut router);
        let request = Request::post("/")
            .header("content-type", "application/x-www-form-urlencoded")
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-east-1/sts/aws4_request",
            )
            .body(Full::from("Action=GetCallerIdentity&Version=2011-06-15"))
            .unwrap();
        let answer = router.handle(request).await;
        assert_eq!(answer.status(), 200);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        for part in [
            "<Arn>arn:aws:iam::123456789012:root</Arn>",
            "<UserId>123456789012</UserId>",
            "<Account>123456789012</Account>",
        ] {
            assert!(body.contains(part), "{body}");
        }
    }
}
