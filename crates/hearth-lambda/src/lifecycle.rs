//! Where a function is in its life: the states the API shows, and which operations they permit.

use hearth_wire::lambda::{LastUpdateStatus, State, StateReasonCode};
use serde::{Deserialize, Serialize};

/// What is said of a function that is not ready yet; AWS says the same of one that is being updated.
const IN_PREPARATION: &str = "The function is being created.";

/// Why a function, or an update of it, is not ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reason {
    /// The machine-readable code.
    pub(crate) code: StateReasonCode,
    /// A sentence for people.
    pub(crate) text: String,
}

/// A function's `State` and `LastUpdateStatus` in one value, so that no impossible pair can be stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Lifecycle {
    /// Created, and being made ready for its first invocation.
    Creating,
    /// It could not be made ready. An update of code or configuration may help.
    CreationFailed(Reason),
    /// Invocable, and up to date.
    Ready,
    /// Invocable as it was before the update that is being made ready.
    Updating,
    /// The last update could not be made ready.
    UpdateFailed(Reason),
}

/// An operation has to wait until the function is ready.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotReady {
    /// It is being updated.
    #[error("The operation cannot be performed at this time. An update is in progress for resource: {arn}")]
    Updating { arn: String },
    /// It is not active.
    #[error(
        "The operation cannot be performed at this time. The function is currently in the following state: \
         {state}"
    )]
    NotActive { state: State },
    /// It was ready once, but this server cannot run it, for instance because its interpreter is gone.
    #[error("{}", .0.text)]
    Unusable(Reason),
}

impl Lifecycle {
    /// `State`.
    pub(crate) fn state(&self) -> State {
        match self {
            Self::Creating => State::Pending,
            Self::CreationFailed(_) => State::Failed,
            Self::Ready | Self::Updating | Self::UpdateFailed(_) => State::Active,
        }
    }

    /// `StateReason` and `StateReasonCode`.
    pub(crate) fn state_reason(&self) -> Option<Reason> {
        match self {
            Self::Creating => Some(in_preparation()),
            Self::CreationFailed(reason) => Some(reason.clone()),
            Self::Ready | Self::Updating | Self::UpdateFailed(_) => None,
        }
    }

    /// `LastUpdateStatus`; a function that was never ready has none.
    pub(crate) fn last_update(&self) -> Option<LastUpdateStatus> {
        match self {
            Self::Creating | Self::CreationFailed(_) => None,
            Self::Ready => Some(LastUpdateStatus::Successful),
            Self::Updating => Some(LastUpdateStatus::InProgress),
            Self::UpdateFailed(_) => Some(LastUpdateStatus::Failed),
        }
    }

    /// `LastUpdateStatusReason` and `LastUpdateStatusReasonCode`.
    pub(crate) fn last_update_reason(&self) -> Option<Reason> {
        match self {
            Self::Updating => Some(in_preparation()),
            Self::UpdateFailed(reason) => Some(reason.clone()),
            Self::Creating | Self::CreationFailed(_) | Self::Ready => None,
        }
    }

    /// Whether work on the function was under way when this was stored.
    pub(crate) fn is_in_preparation(&self) -> bool {
        matches!(self, Self::Creating | Self::Updating)
    }

    /// The state an update of code or configuration leads to, unless one has to wait.
    pub(crate) fn begin_update(&self, arn: impl ToString) -> Result<Self, NotReady> {
        match self {
            Self::Creating => Err(NotReady::NotActive { state: self.state() }),
            Self::Updating => Err(NotReady::Updating { arn: arn.to_string() }),
            Self::CreationFailed(_) => Ok(Self::Creating),
            Self::Ready | Self::UpdateFailed(_) => Ok(Self::Updating),
        }
    }

    /// Whether a version may be published of it; of what is not known to run, none may.
    pub(crate) fn check_publish(&self, arn: impl ToString) -> Result<(), NotReady> {
        match self {
            Self::Ready => Ok(()),
            Self::Updating => Err(NotReady::Updating { arn: arn.to_string() }),
            Self::Creating => Err(NotReady::NotActive {
                state: State::Pending,
            }),
            Self::CreationFailed(_) | Self::UpdateFailed(_) => {
                Err(NotReady::NotActive { state: State::Failed })
            }
        }
    }

    /// The state after the preparation failed.
    pub(crate) fn fail(&self, reason: Reason) -> Self {
        match self {
            Self::Creating | Self::CreationFailed(_) => Self::CreationFailed(reason),
            Self::Ready | Self::Updating | Self::UpdateFailed(_) => Self::UpdateFailed(reason),
        }
    }
}

fn in_preparation() -> Reason {
    Reason {
        code: StateReasonCode::Creating,
        text: IN_PREPARATION.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason() -> Reason {
        Reason {
            code: StateReasonCode::InternalError,
            text: "disk".into(),
        }
    }

    #[test]
    fn a_new_function_is_pending_and_was_never_updated() {
        let new = Lifecycle::Creating;
        assert_eq!((new.state(), new.last_update()), (State::Pending, None));
        assert_eq!(new.state_reason().unwrap().code, StateReasonCode::Creating);
        assert_eq!(new.last_update_reason(), None);
    }

    #[test]
    fn during_an_update_the_function_stays_active() {
        let updating = Lifecycle::Ready.begin_update("arn").unwrap();
        assert_eq!(
            (updating.state(), updating.last_update()),
            (State::Active, Some(LastUpdateStatus::InProgress))
        );
        assert_eq!(
            updating.last_update_reason().unwrap().text,
            "The function is being created."
        );
        assert_eq!(updating.fail(reason()), Lifecycle::UpdateFailed(reason()));
    }

    #[test]
    fn only_what_runs_is_published() {
        assert!(Lifecycle::Ready.check_publish("arn").is_ok());
        let updating = Lifecycle::Updating.check_publish("arn").unwrap_err().to_string();
        assert!(
            updating.ends_with("An update is in progress for resource: arn"),
            "{updating}"
        );
        for failed in [
            Lifecycle::Creating.fail(reason()),
            Lifecycle::Ready.fail(reason()),
        ] {
            let error = failed.check_publish("arn").unwrap_err().to_string();
            assert!(error.ends_with("in the following state: Failed"), "{error}");
        }
    }

    #[test]
    fn one_update_at_a_time() {
        assert!(matches!(
            Lifecycle::Creating.begin_update("arn"),
            Err(NotReady::NotActive { .. })
        ));
        assert!(matches!(
            Lifecycle::Updating.begin_update("arn"),
            Err(NotReady::Updating { .. })
        ));
        let failed = Lifecycle::Creating.fail(reason());
        assert_eq!(failed.state(), State::Failed);
        assert_eq!(failed.begin_update("arn").unwrap(), Lifecycle::Creating);
    }
}
