//! Documents and units of work on them.

use bytes::Bytes;
use hearth_store::{Committed, Document, Key, Kind, Store, StoreError, Unit, When};
use tokio::sync::broadcast::error::TryRecvError;

use super::{Backend, THING, key, scope, scope_of};

async fn put(store: &dyn Store, key: Key, body: &'static str) -> u64 {
    let unit = Unit::new().put(key, body, When::Always);
    store.commit(unit).await.unwrap().revisions[0]
}

async fn get(store: &dyn Store, id: &str) -> Option<Document> {
    store.get(&key(id)).await.unwrap()
}

pub(crate) async fn reads_back_what_was_put(backend: &impl Backend) {
    let store = backend.open();
    assert_eq!(get(&*store, "a").await, None);
    let revision = put(&*store, key("a"), "1").await;
    let expected = Document {
        key: key("a"),
        revision,
        body: "1".into(),
    };
    assert_eq!(get(&*store, "a").await, Some(expected.clone()));
    drop(store);
    let store = backend.open();
    assert_eq!(get(&*store, "a").await, Some(expected));
    put(&*store, key("a"), "2").await;
    assert_eq!(get(&*store, "a").await.unwrap().body, "2");
    store
        .commit(Unit::new().delete(key("a"), When::Present))
        .await
        .unwrap();
    assert_eq!(get(&*store, "a").await, None);
}

pub(crate) async fn holds_bodies_and_identifiers_of_any_bytes(backend: &impl Backend) {
    let store = backend.open();
    let bodies = [
        Bytes::new(),
        Bytes::from(vec![0, 255, 13, 10]),
        Bytes::from(vec![7; 3 << 20]),
    ];
    for (id, body) in ["a/b:$LATEST", "ü 🔥 '\"\\%_", "nul\0inside"]
        .into_iter()
        .zip(bodies)
    {
        store
            .commit(Unit::new().put(key(id), body.clone(), When::Absent))
            .await
            .unwrap();
        assert_eq!(get(&*store, id).await.unwrap().body, body, "{id:?}");
    }
}

pub(crate) async fn checks_conditions(backend: &impl Backend) {
    let store = backend.open();
    let revision = put(&*store, key("there"), "1").await;
    let there = Some(revision);
    let cases = [
        ("there", When::Always, Ok(())),
        ("there", When::Present, Ok(())),
        ("there", When::Revision(revision), Ok(())),
        ("there", When::Absent, Err(there)),
        ("there", When::Revision(revision + 1), Err(there)),
        ("not", When::Always, Ok(())),
        ("not", When::Absent, Ok(())),
        ("not", When::Present, Err(None)),
        ("not", When::Revision(revision), Err(None)),
    ];
    for (id, when, expected) in cases {
        let expected = expected.map_err(|found| StoreError::Conflict { key: key(id), found });
        let required = store.commit(Unit::new().require(key(id), when)).await;
        assert_eq!(required.map(|_| ()), expected, "require {id} {when:?}");
        // The last operation undoes the first in any case, so that every case starts from the same state.
        let failing = |unit: Unit| unit.require(key("no such thing"), When::Present);
        let last = StoreError::Conflict {
            key: key("no such thing"),
            found: None,
        };
        let refusal = expected.err().unwrap_or(last);
        let put = store.commit(failing(Unit::new().put(key(id), "2", when))).await;
        assert_eq!(put.unwrap_err(), refusal, "put {id} {when:?}");
        let deleted = store.commit(failing(Unit::new().delete(key(id), when))).await;
        assert_eq!(deleted.unwrap_err(), refusal, "delete {id} {when:?}");
    }
    assert_eq!(get(&*store, "there").await.unwrap().revision, revision);
}

pub(crate) async fn never_reuses_a_revision(backend: &impl Backend) {
    let mut store = backend.open();
    let mut last = 0;
    for _ in 0..3 {
        let unit = Unit::new()
            .put(key("a"), "1", When::Absent)
            .put(key("a"), "2", When::Present);
        let revisions = store.commit(unit).await.unwrap().revisions;
        assert!(
            last < revisions[0] && revisions[0] < revisions[1],
            "{last} {revisions:?}"
        );
        assert_eq!(get(&*store, "a").await.unwrap().revision, revisions[1]);
        last = revisions[1];
        store
            .commit(Unit::new().delete(key("a"), When::Revision(last)))
            .await
            .unwrap();
        drop(store);
        store = backend.open();
    }
}

pub(crate) async fn commits_whole_units_or_nothing(backend: &impl Backend) {
    let store = backend.open();
    put(&*store, key("old"), "1").await;
    let unit = Unit::new()
        .put(key("new"), "2", When::Absent)
        .delete(key("old"), When::Present)
        .put(key("missing"), "2", When::Present);
    let refusal = store.commit(unit).await.unwrap_err();
    assert_eq!(
        refusal,
        StoreError::Conflict {
            key: key("missing"),
            found: None
        }
    );
    assert_eq!(get(&*store, "new").await, None);
    assert!(get(&*store, "old").await.is_some());
    assert_eq!(store.commit(Unit::new()).await.unwrap(), Committed::default());
}

pub(crate) async fn shows_operations_those_before_them(backend: &impl Backend) {
    let store = backend.open();
    let unit = Unit::new()
        .put(key("a"), "1", When::Absent)
        .require(key("a"), When::Present)
        .delete(key("a"), When::Present)
        .put(key("a"), "2", When::Absent);
    assert_eq!(store.commit(unit).await.unwrap().revisions.len(), 2);
    assert_eq!(get(&*store, "a").await.unwrap().body, "2");
}

pub(crate) async fn lists_in_pages_ordered_by_bytes(backend: &impl Backend) {
    let store = backend.open();
    for id in ["b", "B", "a-1", "a", "ä", "a1", "Z"] {
        put(&*store, key(id), "1").await;
    }
    let mut seen: Vec<String> = Vec::new();
    loop {
        let page = store
            .list(&scope(), THING, seen.last().map(String::as_str), 3)
            .await
            .unwrap();
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        seen.extend(page.into_iter().map(|document| document.key.id));
    }
    assert_eq!(seen, ["B", "Z", "a", "a-1", "a1", "b", "ä"]);
    assert_eq!(store.list(&scope(), THING, None, 0).await.unwrap(), []);
}

pub(crate) async fn keeps_scopes_and_kinds_apart(backend: &impl Backend) {
    let store = backend.open();
    let other = Kind::new("other");
    let scopes = [
        scope_of("000000000000", "eu-west-1"),
        scope(),
        scope_of("000000000001", "us-east-1"),
    ];
    for scope in &scopes {
        put(&*store, Key::new(scope.clone(), THING, "a"), "1").await;
        put(&*store, Key::new(scope.clone(), other, "a"), "2").await;
    }
    for scope in &scopes {
        let found = store.list(scope, other, None, 10).await.unwrap();
        assert_eq!(
            found.iter().map(|d| &d.key).collect::<Vec<_>>(),
            [&Key::new(scope.clone(), other, "a")]
        );
        assert_eq!(found[0].body, "2");
    }
    let all = store.list_all(THING).await.unwrap();
    assert_eq!(
        all.iter().map(|d| &d.key.scope).collect::<Vec<_>>(),
        scopes.iter().collect::<Vec<_>>()
    );
    let gone = Key::new(scopes[0].clone(), THING, "a");
    store
        .commit(Unit::new().delete(gone, When::Present))
        .await
        .unwrap();
    assert_eq!(store.list_all(THING).await.unwrap().len(), 2);
    assert_eq!(store.list_all(other).await.unwrap().len(), 3);
}

pub(crate) async fn tells_of_committed_changes_only(backend: &impl Backend) {
    let store = backend.open();
    let mut changes = store.changes();
    put(&*store, key("a"), "1").await;
    let refused = Unit::new()
        .put(key("b"), "1", When::Always)
        .require(key("c"), When::Present);
    store.commit(refused).await.unwrap_err();
    let unit = Unit::new()
        .delete(key("a"), When::Always)
        .put(key("d"), "1", When::Always);
    store.commit(unit).await.unwrap();
    for id in ["a", "a", "d"] {
        assert_eq!(changes.recv().await.unwrap().key, key(id));
    }
    assert_eq!(changes.try_recv(), Err(TryRecvError::Empty));
}
