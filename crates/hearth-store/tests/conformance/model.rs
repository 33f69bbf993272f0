//! Random units against a model that fits on a page.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hearth_store::{Lease, Store, Unit, When};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::{Backend, LONG, key, lease_all, message, queue};

/// A step within a unit, on one of a few documents or messages.
#[derive(Clone, Debug)]
enum Step {
    Put(u8, Condition),
    Delete(u8, Condition),
    Enqueue(u8),
    Acknowledge(u8),
    GiveBack(u8, bool),
}

#[derive(Clone, Copy, Debug)]
enum Condition {
    Always,
    Absent,
    Present,
    Latest,
}

/// What a run does: a unit, or a lease of all that is due, which may end at once.
#[derive(Clone, Debug)]
enum Action {
    Commit(Vec<Step>),
    Lease { ends_at_once: bool },
    Restart,
}

/// The revision of what a unit put, until its answer tells; no step of the unit can name it.
const UNKNOWN: u64 = u64::MAX;

/// The state as it should be.
#[derive(Clone, Default)]
struct Model {
    documents: BTreeMap<u8, u64>,
    messages: BTreeMap<u8, Entry>,
}

#[derive(Clone, Default)]
struct Entry {
    receives: u32,
    /// The one lease that may settle it.
    latest: Option<Lease>,
    delayed: bool,
    leased: bool,
}

/// The latest lease of each message, also of messages that are gone.
type Leases = BTreeMap<u8, Lease>;

impl Model {
    /// The document's condition as the contract spells it.
    fn when(&self, id: u8, condition: Condition) -> When {
        match condition {
            Condition::Always => When::Always,
            Condition::Absent => When::Absent,
            Condition::Present => When::Present,
            Condition::Latest => {
                let known = self.documents.get(&id).filter(|revision| **revision != UNKNOWN);
                When::Revision(known.copied().unwrap_or(0))
            }
        }
    }

    fn holder(&mut self, lease: &Lease, id: u8) -> Option<&mut Entry> {
        self.messages
            .get_mut(&id)
            .filter(|entry| entry.latest.as_ref() == Some(lease))
    }

    /// Applies a step to model and unit; `None` where the unit is to be refused.
    fn apply(&mut self, step: &Step, leases: &Leases, unit: Unit) -> (Unit, Option<()>) {
        let name = |id: &u8| id.to_string();
        match step {
            Step::Put(id, condition) => {
                let when = self.when(*id, *condition);
                let holds = when.admits(self.documents.get(id).copied());
                self.documents.insert(*id, UNKNOWN);
                (unit.put(key(&name(id)), name(id), when), holds.then_some(()))
            }
            Step::Delete(id, condition) => {
                let when = self.when(*id, *condition);
                let holds = when.admits(self.documents.remove(id));
                (unit.delete(key(&name(id)), when), holds.then_some(()))
            }
            Step::Enqueue(id) => {
                let holds = self.messages.insert(*id, Entry::default()).is_none();
                (
                    unit.enqueue(queue(), message(&name(id), LONG)),
                    holds.then_some(()),
                )
            }
            Step::Acknowledge(id) => match leases.get(id) {
                None => (unit, Some(())),
                Some(lease) => {
                    let holds = self.holder(lease, *id).is_some();
                    self.messages.remove(id);
                    (unit.acknowledge(lease), holds.then_some(()))
                }
            },
            Step::GiveBack(id, delayed) => match leases.get(id) {
                None => (unit, Some(())),
                Some(lease) => {
                    let due = if *delayed {
                        SystemTime::now() + LONG
                    } else {
                        UNIX_EPOCH
                    };
                    let entry = self.holder(lease, *id);
                    let holds = entry.map(|entry| (entry.leased, entry.delayed) = (false, *delayed));
                    (unit.give_back(lease, due), holds)
                }
            },
        }
    }
}

async fn run(backend: &impl Backend, actions: Vec<Action>) {
    let mut store = backend.open();
    let (mut model, mut leases) = (Model::default(), Leases::new());
    for action in actions {
        match action {
            Action::Restart => {
                drop(store);
                store = backend.open();
                model.messages.values_mut().for_each(|entry| entry.leased = false);
            }
            Action::Lease { ends_at_once } => lease(&*store, &mut model, &mut leases, ends_at_once).await,
            Action::Commit(steps) => commit(&*store, &mut model, &leases, &steps).await,
        }
        audit(&*store, &model).await;
    }
}

async fn commit(store: &dyn Store, model: &mut Model, leases: &Leases, steps: &[Step]) {
    let (mut after, mut unit, mut holds) = (model.clone(), Unit::new(), true);
    for step in steps {
        let applied = after.apply(step, leases, unit);
        (unit, holds) = (applied.0, holds && applied.1.is_some());
    }
    match store.commit(unit).await {
        Ok(committed) => {
            assert!(holds, "should have been refused: {steps:?}");
            *model = after;
            let puts = steps.iter().filter_map(|step| match step {
                Step::Put(id, _) => Some(id),
                _ => None,
            });
            for (id, revision) in puts.zip(committed.revisions) {
                model.documents.entry(*id).and_modify(|known| *known = revision);
            }
        }
        Err(refusal) => assert!(!holds, "should have been committed: {steps:?}: {refusal}"),
    }
}

async fn lease(store: &dyn Store, model: &mut Model, leases: &mut Leases, ends_at_once: bool) {
    let taken = lease_all(store, if ends_at_once { Duration::ZERO } else { LONG }).await;
    let free = |entry: &&mut Entry| !entry.leased && !entry.delayed;
    assert_eq!(taken.len(), model.messages.values_mut().filter(free).count());
    for leased in taken {
        let id: u8 = leased.message.id.parse().unwrap();
        let entry = model.messages.get_mut(&id).filter(free).expect("it was free");
        entry.receives += 1;
        entry.leased = !ends_at_once;
        assert_eq!(leased.receives, entry.receives);
        entry.latest = Some(leased.lease.clone());
        leases.insert(id, leased.lease);
    }
}

async fn audit(store: &dyn Store, model: &Model) {
    let found = store.list_all(super::THING).await.unwrap();
    let found: BTreeMap<u8, u64> = found
        .iter()
        .map(|d| (d.key.id.parse().unwrap(), d.revision))
        .collect();
    assert_eq!(found, model.documents);
    assert_eq!(store.depth(&queue()).await.unwrap(), model.messages.len() as u64);
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let id = 0..4u8;
    let condition = prop_oneof![
        Just(Condition::Always),
        Just(Condition::Absent),
        Just(Condition::Present),
        Just(Condition::Latest)
    ];
    let step = prop_oneof![
        (id.clone(), condition.clone()).prop_map(|(id, condition)| Step::Put(id, condition)),
        (id.clone(), condition).prop_map(|(id, condition)| Step::Delete(id, condition)),
        id.clone().prop_map(Step::Enqueue),
        id.clone().prop_map(Step::Acknowledge),
        (id, any::<bool>()).prop_map(|(id, delayed)| Step::GiveBack(id, delayed)),
    ];
    let action = prop_oneof![
        6 => prop::collection::vec(step, 1..4).prop_map(Action::Commit),
        3 => any::<bool>().prop_map(|ends_at_once| Action::Lease { ends_at_once }),
        1 => Just(Action::Restart),
    ];
    prop::collection::vec(action, 1..40)
}

pub(crate) async fn behaves_like_the_model<B: Backend>(_: &B) {
    let mut runner = TestRunner::deterministic();
    for _ in 0..64 {
        let actions = actions()
            .new_tree(&mut runner)
            .expect("nothing is filtered")
            .current();
        run(&B::default(), actions).await;
    }
}
