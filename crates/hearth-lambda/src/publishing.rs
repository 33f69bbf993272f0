//! From `$LATEST` to a version, and from a version to what the registry shows of it.

use std::time::SystemTime;

use hearth_types::Qualifier;

use crate::error::Error;
use crate::function::{Function, Stored};
use crate::lifecycle::Lifecycle;
use crate::on_demand::OnDemand;
use crate::registry::{Availability, Release};
use crate::service::Service;

/// A published version.
pub(crate) struct Version {
    pub(crate) number: u64,
    pub(crate) function: Function,
    /// Whether it was published just now.
    pub(crate) is_new: bool,
}

impl Service {
    /// Publishes `$LATEST`, or finds the version that was published of it as it is. What comes of it is not committed.
    pub(crate) async fn version_of(
        &self,
        function: &mut Function,
        description: Option<String>,
        lifecycle: Lifecycle,
        now: SystemTime,
    ) -> Result<Version, Error> {
        if let Some(number) = function.whole.published {
            match self.functions.version(&function.arn(), number).await {
                Ok(Stored { function, .. }) => {
                    return Ok(Version {
                        number,
                        function,
                        is_new: false,
                    });
                }
                // It was deleted, so it is published again.
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let version = function.publish(description, lifecycle, now);
        Ok(Version {
            number: function.whole.last_version,
            function: version,
            is_new: true,
        })
    }

    /// A version as the registry shows it.
    pub(crate) fn release(&self, version: &Function, number: u64) -> Release {
        let availability = match version.lifecycle {
            Lifecycle::Creating | Lifecycle::CreationFailed(_) => {
                Availability::Refused(version.lifecycle.state())
            }
            Lifecycle::Ready | Lifecycle::Updating | Lifecycle::UpdateFailed(_) => {
                Availability::OnDemand(OnDemand::new(self, version.arn(), Qualifier::Version(number)))
            }
        };
        Release::new(version, availability)
    }
}
