//! Queues, leases and units of work on them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hearth_store::{Lease, Message, QueueName, Store, StoreError, Unit, When};

use super::{Backend, LONG, delayed, ids, key, lease_all, message, queue, scope, scope_of};

const SECOND: Duration = Duration::from_secs(1);

async fn enqueue(store: &dyn Store, messages: impl IntoIterator<Item = Message>) {
    let unit = messages
        .into_iter()
        .fold(Unit::new(), |unit, message| unit.enqueue(queue(), message));
    store.commit(unit).await.unwrap();
}

fn lost(lease: &Lease) -> StoreError {
    StoreError::LeaseLost {
        queue: lease.queue.clone(),
        id: lease.id.clone(),
    }
}

pub(crate) async fn leases_due_messages_in_order(backend: &impl Backend) {
    let store = backend.open();
    let late = Message {
        due: UNIX_EPOCH + Duration::from_micros(1_500_000),
        ..message("first", SECOND)
    };
    let before = SystemTime::now() - Duration::from_micros(1);
    enqueue(
        &*store,
        [
            message("c", SECOND),
            delayed("later"),
            message("b", LONG),
            late.clone(),
        ],
    )
    .await;
    store
        .commit(Unit::new().enqueue(QueueName::new("other"), message("x", SECOND)))
        .await
        .unwrap();
    let leased = store.lease(&queue(), 2, LONG).await.unwrap();
    assert_eq!(ids(&leased), ["first", "b"]);
    assert_eq!((&leased[0].message, leased[0].receives), (&late, 1));
    assert!(
        (before..=SystemTime::now()).contains(&leased[0].enqueued_at),
        "{:?}",
        leased[0].enqueued_at
    );
    assert_eq!(ids(&lease_all(&*store, LONG).await), ["c"]);
    assert_eq!(store.depth(&queue()).await.unwrap(), 4);
    assert_eq!(store.depth(&QueueName::new("no such queue")).await.unwrap(), 0);
}

pub(crate) async fn hides_leased_messages_until_the_lease_ends(backend: &impl Backend) {
    let store = backend.open();
    enqueue(&*store, [message("a", LONG), message("b", SECOND)]).await;
    assert_eq!(
        ids(&store.lease(&queue(), 1, Duration::ZERO).await.unwrap()),
        ["a"]
    );
    let again = lease_all(&*store, LONG).await;
    assert_eq!(ids(&again), ["a", "b"]);
    assert_eq!((again[0].receives, again[1].receives), (2, 1));
    assert_eq!(lease_all(&*store, LONG).await, []);
}

pub(crate) async fn counts_receives_across_restarts(backend: &impl Backend) {
    for receives in 1..=3 {
        let store = backend.open();
        if receives == 1 {
            enqueue(&*store, [message("a", SECOND)]).await;
        }
        let leased = lease_all(&*store, LONG).await;
        assert_eq!((ids(&leased), leased[0].receives), (vec!["a"], receives));
    }
}

pub(crate) async fn removes_acknowledged_messages(backend: &impl Backend) {
    let store = backend.open();
    enqueue(&*store, [message("a", SECOND), message("b", SECOND)]).await;
    let leased = lease_all(&*store, LONG).await;
    let acknowledge = Unit::new().acknowledge(&leased[0].lease);
    store.commit(acknowledge.clone()).await.unwrap();
    assert_eq!(store.depth(&queue()).await.unwrap(), 1);
    assert_eq!(
        store.commit(acknowledge).await.unwrap_err(),
        lost(&leased[0].lease)
    );
    drop(store);
    assert_eq!(ids(&lease_all(&*backend.open(), LONG).await), ["b"]);
}

pub(crate) async fn gives_messages_back(backend: &impl Backend) {
    let store = backend.open();
    enqueue(&*store, [message("a", SECOND), message("b", SECOND)]).await;
    let leased = lease_all(&*store, LONG).await;
    let later = SystemTime::now() + LONG;
    let unit = Unit::new()
        .give_back(&leased[0].lease, UNIX_EPOCH)
        .give_back(&leased[1].lease, later);
    store.commit(unit).await.unwrap();
    let again = lease_all(&*store, LONG).await;
    assert_eq!(
        (ids(&again), again[0].receives, again[0].message.due),
        (vec!["a"], 2, UNIX_EPOCH)
    );
    assert_eq!(again[0].enqueued_at, leased[0].enqueued_at);
    let next = store.next_due(&queue()).await.unwrap().unwrap();
    assert!(next <= later && later.duration_since(next).unwrap() < SECOND);
}

pub(crate) async fn lets_an_ended_lease_settle_unless_received_again(backend: &impl Backend) {
    let store = backend.open();
    enqueue(&*store, [message("a", LONG), message("b", SECOND)]).await;
    let first = lease_all(&*store, Duration::ZERO).await;
    let second = store.lease(&queue(), 1, LONG).await.unwrap();
    assert_eq!(ids(&second), ["a"]);
    let stale = &first[0].lease;
    assert_eq!(
        store.commit(Unit::new().acknowledge(stale)).await.unwrap_err(),
        lost(stale)
    );
    let back = Unit::new().give_back(stale, UNIX_EPOCH);
    assert_eq!(store.commit(back).await.unwrap_err(), lost(stale));
    store
        .commit(Unit::new().acknowledge(&first[1].lease))
        .await
        .unwrap();
    store
        .commit(Unit::new().acknowledge(&second[0].lease))
        .await
        .unwrap();
    assert_eq!(store.depth(&queue()).await.unwrap(), 0);
}

pub(crate) async fn ends_leases_with_their_message(backend: &impl Backend) {
    let store = backend.open();
    let mut leases = Vec::new();
    for _ in 0..2 {
        enqueue(&*store, [message("same", SECOND)]).await;
        let lease = lease_all(&*store, LONG).await.remove(0).lease;
        if leases.is_empty() {
            store.commit(Unit::new().acknowledge(&lease)).await.unwrap();
        }
        leases.push(lease);
    }
    let refusal = store
        .commit(Unit::new().acknowledge(&leases[0]))
        .await
        .unwrap_err();
    assert_eq!(refusal, lost(&leases[0]));
    store.commit(Unit::new().acknowledge(&leases[1])).await.unwrap();
}

pub(crate) async fn undoes_a_unit_whose_lease_is_lost(backend: &impl Backend) {
    let store = backend.open();
    enqueue(&*store, [message("a", SECOND), message("b", SECOND)]).await;
    let leased = lease_all(&*store, LONG).await;
    store
        .commit(Unit::new().acknowledge(&leased[0].lease))
        .await
        .unwrap();
    let unit = Unit::new()
        .put(key("result"), "1", When::Always)
        .enqueue(queue(), message("c", SECOND))
        .acknowledge(&leased[1].lease)
        .acknowledge(&leased[0].lease);
    assert_eq!(store.commit(unit).await.unwrap_err(), lost(&leased[0].lease));
    assert_eq!(store.get(&key("result")).await.unwrap(), None);
    assert_eq!(store.depth(&queue()).await.unwrap(), 1);
    // The lease on the message that stayed ends as it would have.
    store.extend(&leased[1].lease, Duration::ZERO).await.unwrap();
    assert_eq!(ids(&lease_all(&*store, LONG).await), ["b"]);
}

pub(crate) async fn extends_and_shortens_leases(backend: &impl Backend) {
    let store = backend.open();
    enqueue(&*store, [message("a", SECOND)]).await;
    let first = lease_all(&*store, Duration::ZERO).await.remove(0).lease;
    store.extend(&first, LONG).await.unwrap();
    assert_eq!(lease_all(&*store, LONG).await, []);
    store.extend(&first, Duration::MAX).await.unwrap();
    store.extend(&first, Duration::ZERO).await.unwrap();
    let second = lease_all(&*store, LONG).await.remove(0).lease;
    assert_eq!(store.extend(&first, LONG).await.unwrap_err(), lost(&first));
    store.commit(Unit::new().acknowledge(&second)).await.unwrap();
    assert_eq!(store.extend(&second, LONG).await.unwrap_err(), lost(&second));
}

pub(crate) async fn knows_when_the_next_message_is_due(backend: &impl Backend) {
    let store = backend.open();
    let next = async || store.next_due(&queue()).await.unwrap();
    let near = |at: Option<SystemTime>, expected: SystemTime| {
        let at = at.expect("there is a message");
        let off = at
            .duration_since(expected)
            .unwrap_or_else(|early| early.duration());
        assert!(off < Duration::from_secs(60), "{off:?}");
    };
    assert_eq!(next().await, None);
    enqueue(&*store, [delayed("later")]).await;
    near(next().await, SystemTime::now() + LONG);
    enqueue(&*store, [message("now", 2 * LONG)]).await;
    near(next().await, SystemTime::now() - 2 * LONG);
    let leased = store.lease(&queue(), 1, LONG / 2).await.unwrap();
    near(next().await, SystemTime::now() + LONG / 2);
    store
        .commit(Unit::new().acknowledge(&leased[0].lease))
        .await
        .unwrap();
    near(next().await, SystemTime::now() + LONG);
}

pub(crate) async fn refuses_a_second_message_of_a_name(backend: &impl Backend) {
    let store = backend.open();
    enqueue(&*store, [message("a", SECOND)]).await;
    let elsewhere = scope_of("000000000001", "us-east-1");
    let second = Unit::new()
        .enqueue(
            queue(),
            Message {
                scope: elsewhere.clone(),
                ..message("a", SECOND)
            },
        )
        .enqueue(queue(), message("a", LONG));
    let refusal = StoreError::Duplicate {
        queue: queue(),
        id: "a".into(),
    };
    assert_eq!(store.commit(second).await.unwrap_err(), refusal);
    let apart = Unit::new()
        .enqueue(
            queue(),
            Message {
                scope: elsewhere.clone(),
                ..message("a", LONG)
            },
        )
        .enqueue(QueueName::new("other"), message("a", SECOND));
    store.commit(apart).await.unwrap();
    let leased = lease_all(&*store, LONG).await;
    let scopes: Vec<_> = leased.iter().map(|leased| &leased.message.scope).collect();
    assert_eq!(scopes, [&elsewhere, &scope()]);
    store
        .commit(Unit::new().acknowledge(&leased[0].lease))
        .await
        .unwrap();
    enqueue(
        &*store,
        [Message {
            scope: elsewhere,
            ..message("a", SECOND)
        }],
    )
    .await;
    assert_eq!(store.depth(&queue()).await.unwrap(), 2);
}

pub(crate) async fn tells_of_arrivals(backend: &impl Backend) {
    let store = backend.open();
    let mut arrivals = store.arrivals(&queue());
    let other = Unit::new().enqueue(QueueName::new("other"), message("a", SECOND));
    store.commit(other).await.unwrap();
    assert!(!arrivals.has_changed().unwrap());
    enqueue(&*store, [message("a", SECOND)]).await;
    arrivals.changed().await.unwrap();
    let leased = lease_all(&*store, LONG).await;
    assert!(!arrivals.has_changed().unwrap());
    let back = Unit::new().give_back(&leased[0].lease, SystemTime::now());
    store.commit(back).await.unwrap();
    arrivals.changed().await.unwrap();
}

pub(crate) async fn hands_each_message_to_one_of_many_receivers(backend: &impl Backend) {
    let store = backend.open();
    let expected: BTreeSet<String> = (0..300).map(|number| format!("m{number}")).collect();
    enqueue(&*store, expected.iter().map(|id| message(id, SECOND))).await;
    let mut receivers = Vec::new();
    for _ in 0..8 {
        let store = Arc::clone(&store);
        receivers.push(tokio::spawn(async move {
            let mut taken = Vec::new();
            loop {
                let leased = store.lease(&queue(), 7, LONG).await.unwrap();
                if leased.is_empty() {
                    break taken;
                }
                let unit = leased
                    .iter()
                    .fold(Unit::new(), |unit, leased| unit.acknowledge(&leased.lease));
                store.commit(unit).await.unwrap();
                taken.extend(leased.into_iter().map(|leased| leased.message.id));
            }
        }));
    }
    let mut taken = Vec::new();
    for receiver in receivers {
        taken.extend(receiver.await.unwrap());
    }
    assert_eq!(taken.len(), expected.len());
    assert_eq!(taken.into_iter().collect::<BTreeSet<_>>(), expected);
    assert_eq!(store.depth(&queue()).await.unwrap(), 0);
}

pub(crate) async fn moves_a_message_in_one_unit(backend: &impl Backend) {
    let store = backend.open();
    let dead = QueueName::new("dead");
    enqueue(&*store, [message("a", SECOND)]).await;
    let leased = lease_all(&*store, LONG).await.remove(0);
    let unit = Unit::new()
        .acknowledge(&leased.lease)
        .enqueue(dead.clone(), leased.message);
    store.commit(unit).await.unwrap();
    assert_eq!(store.depth(&queue()).await.unwrap(), 0);
    assert_eq!(store.depth(&dead).await.unwrap(), 1);
}
