//! What every implementation of the contract must do. An implementation runs the suite by implementing
//! [`Backend`] and naming it to `conformance!`.

pub(crate) mod documents;
pub(crate) mod model;
pub(crate) mod queues;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hearth_store::{Key, Kind, Leased, Message, QueueName, Store};
use hearth_types::{AccountId, Region, Scope};

/// A place that keeps state; each value is a new, empty one.
pub(crate) trait Backend: Default {
    /// Opens the store. Opening again after the store was dropped is a restart.
    fn open(&self) -> Arc<dyn Store>;
}

/// A kind for tests.
pub(crate) const THING: Kind = Kind::new("thing");
/// Long enough not to end during a test.
pub(crate) const LONG: Duration = Duration::from_secs(3600);

/// The scope most tests use.
pub(crate) fn scope() -> Scope {
    scope_of("000000000000", "us-east-1")
}

/// Any scope.
pub(crate) fn scope_of(account: &str, region: &str) -> Scope {
    Scope {
        account: AccountId::parse(account).unwrap(),
        region: Region::parse(region).unwrap(),
    }
}

/// A document's name in the usual scope.
pub(crate) fn key(id: &str) -> Key {
    Key::new(scope(), THING, id)
}

/// The queue most tests use.
pub(crate) fn queue() -> QueueName {
    QueueName::new("work")
}

/// A message that became due `age` ago.
pub(crate) fn message(id: &str, age: Duration) -> Message {
    Message {
        scope: scope(),
        id: id.into(),
        body: id.to_owned().into(),
        due: SystemTime::now() - age,
    }
}

/// A message that is not due for an hour.
pub(crate) fn delayed(id: &str) -> Message {
    Message {
        due: SystemTime::now() + LONG,
        ..message(id, Duration::ZERO)
    }
}

/// Leases everything that is due.
pub(crate) async fn lease_all(store: &dyn Store, period: Duration) -> Vec<Leased> {
    store.lease(&queue(), 1000, period).await.unwrap()
}

/// The identifiers of leased messages, in order.
pub(crate) fn ids(leased: &[Leased]) -> Vec<&str> {
    leased.iter().map(|l| l.message.id.as_str()).collect()
}

/// Runs the suite against a backend.
#[macro_export]
macro_rules! conformance {
    ($backend:ident) => {
        $crate::conformance!(@each $backend, documents:
            reads_back_what_was_put
            holds_bodies_and_identifiers_of_any_bytes
            checks_conditions
            never_reuses_a_revision
            commits_whole_units_or_nothing
            shows_operations_those_before_them
            lists_in_pages_ordered_by_bytes
            keeps_scopes_and_kinds_apart
            tells_of_committed_changes_only
        );
        $crate::conformance!(@each $backend, queues:
            leases_due_messages_in_order
            hides_leased_messages_until_the_lease_ends
            counts_receives_across_restarts
            removes_acknowledged_messages
            gives_messages_back
            lets_an_ended_lease_settle_unless_received_again
            ends_leases_with_their_message
            undoes_a_unit_whose_lease_is_lost
            extends_and_shortens_leases
            knows_when_the_next_message_is_due
            refuses_a_second_message_of_a_name
            tells_of_arrivals
            hands_each_message_to_one_of_many_receivers
            moves_a_message_in_one_unit
        );
        $crate::conformance!(@each $backend, model: behaves_like_the_model);
    };
    (@each $backend:ident, $module:ident: $($test:ident)*) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    $crate::conformance::$module::$test(&super::$backend::default()).await;
                }
            )*
        }
    };
}
