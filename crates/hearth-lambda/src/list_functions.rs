//! ListFunctions.

use hearth_types::{FunctionArn, FunctionName, Qualifier, Scope};
use hearth_wire::Context;
use hearth_wire::lambda::{FunctionVersion, ListFunctionsRequest, ListFunctionsResponse};

use crate::configuration;
use crate::error::Error;
use crate::function::Function;
use crate::marker::{self, InvalidMarker, page};
use crate::service::Service;

/// How many functions are looked at together when their versions are listed as well.
const BATCH: usize = 50;

pub(crate) async fn list_functions(
    service: &Service,
    ctx: &Context,
    request: ListFunctionsRequest,
) -> Result<ListFunctionsResponse, Error> {
    if request.master_region.is_some() {
        // Asks for the replicas of functions that a content network runs; there are none.
        return Ok(ListFunctionsResponse {
            functions: Some(Vec::new()),
            next_marker: None,
        });
    }
    let after = request.marker.as_deref().map(marker::read).transpose()?;
    let one_more = marker::wanted(request.max_items) + 1;
    let with_versions = request.function_version == Some(FunctionVersion::All);
    let mut states = if with_versions {
        let after = after.as_deref().map(place).transpose()?;
        with_their_versions(service, &ctx.scope, after, one_more).await?
    } else {
        service
            .functions
            .list(&ctx.scope, after.as_deref(), one_more)
            .await?
    };
    let next_marker = page(&mut states, request.max_items, |last| {
        if with_versions {
            format!("{}:{}", last.name, last.version)
        } else {
            last.name.to_string()
        }
    });
    let shown = states.iter().map(|state| {
        let version = with_versions.then(|| state.version.to_string());
        configuration::listed(state, &service.sealer, version.as_deref())
    });
    Ok(ListFunctionsResponse {
        functions: Some(shown.collect()),
        next_marker,
    })
}

/// Up to `limit` functions, each followed by its versions.
async fn with_their_versions(
    service: &Service,
    scope: &Scope,
    after: Option<(FunctionName, Qualifier)>,
    limit: usize,
) -> Result<Vec<Function>, Error> {
    let mut states = Vec::new();
    let mut last = None;
    if let Some((function, version)) = after {
        let arn = FunctionArn::new(scope.clone(), function);
        states = service.functions.versions(&arn, version.number(), limit).await?;
        last = Some(arn.name);
    }
    while states.len() < limit {
        let after = last.as_ref().map(FunctionName::as_str);
        let functions = service.functions.list(scope, after, BATCH).await?;
        let Some(end) = functions.last() else { break };
        last = Some(end.name.clone());
        for function in functions {
            let arn = function.arn();
            states.push(function);
            let room = limit.saturating_sub(states.len());
            states.extend(service.functions.versions(&arn, 0, room).await?);
            if states.len() >= limit {
                break;
            }
        }
    }
    states.truncate(limit);
    Ok(states)
}

/// The function and the version that a marker names.
fn place(marker: &str) -> Result<(FunctionName, Qualifier), InvalidMarker> {
    let (function, version) = marker.split_once(':').ok_or(InvalidMarker)?;
    let function = FunctionName::parse(function).ok_or(InvalidMarker)?;
    Ok((function, Qualifier::parse(version).ok_or(InvalidMarker)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_marker_names_a_function_and_a_version() {
        let (function, version) = place("f:7").unwrap();
        assert_eq!((function.as_str(), version), ("f", Qualifier::Version(7)));
        assert_eq!(place("f:$LATEST").unwrap().1, Qualifier::Latest);
        for bad in ["", "f", ":", "f:", ":1", "f:0", "a b:1"] {
            assert!(place(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_marker_is_too_strange(text: String) {
            if let Ok((function, version)) = place(&text) {
                prop_assert_eq!(format!("{function}:{version}"), text);
            }
        }
    }
}
