//! Adoption: a foreign cluster becomes ours, and its row is written where there is none, or the next prune would
//! delete what was just taken in.

use jiff::Timestamp;

use super::error::StoreError;
use super::ledger::{self, EntryParts, NewEntry};
use super::open::Store;
use super::roll;
use crate::model::{ClusterId, ClusterSpec, EntryKey, Incarnation, Preparation};

/// What is taken over.
#[derive(Debug, Clone, Copy)]
pub struct Adoption<'a> {
    /// Which cluster.
    pub id: &'a ClusterId,
    /// The life that was seen.
    pub incarnation: &'a Incarnation,
    /// What it consists of.
    pub parts: &'a EntryParts,
    /// The row to write if there is none of that name, with the columns that the table has.
    pub capture: Option<&'a ClusterSpec>,
    /// Entries of earlier lives that this one takes the place of.
    pub superseded: &'a [EntryKey],
}

impl Store {
    /// Takes a cluster over, in one transaction.
    pub fn adopt(&self, adoption: &Adoption<'_>, now: Timestamp) -> Result<EntryKey, StoreError> {
        self.write(|tx| {
            ledger::close_superseded(tx, adoption.superseded, now)?;
            let entry = NewEntry {
                id: adoption.id,
                origin: "adopted",
                state: "live",
                nonce: None,
                incarnation: Some(adoption.incarnation),
                preparation: Preparation::None,
            };
            let key = ledger::insert(tx, &entry, now)?;
            ledger::insert_parts(tx, key, adoption.parts)?;
            if let Some(spec) = adoption.capture
                && !roll::is_there(tx, &spec.id.name)?
            {
                roll::insert(tx, spec)?;
            }
            Ok(key)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, bound, id, incarnation, parts, providers, spec};
    use super::*;
    use crate::model::{EntryState, Origin};

    #[test]
    fn what_is_adopted_is_ours_and_has_a_row() {
        let (_dir, store) = bound();
        let (id, life, parts, spec) = (
            id("k3d/dev"),
            incarnation("a"),
            parts("a", "n", "v"),
            spec("k3d", "dev", 18080),
        );
        let adoption = Adoption {
            id: &id,
            incarnation: &life,
            parts: &parts,
            capture: Some(&spec),
            superseded: &[],
        };
        let key = store.adopt(&adoption, NOW).unwrap();
        let entry = store.ledger().unwrap().entries.remove(0);
        assert_eq!(
            (entry.key, entry.origin, entry.state),
            (key, Origin::Adopted, EntryState::Live)
        );
        assert_eq!((entry.incarnation, entry.nonce), (Some(life.clone()), None));
        assert_eq!(entry.volumes, parts.volumes);
        let rows = store.desired(&providers(), NOW).unwrap().rows;
        assert_eq!(rows[0].intent.as_ref().unwrap().spec, spec);

        let again = Adoption {
            superseded: &[key],
            ..adoption
        };
        store.adopt(&again, NOW).unwrap();
        assert_eq!(
            store.desired(&providers(), NOW).unwrap().rows.len(),
            1,
            "the row was there"
        );
        assert_eq!(store.ledger().unwrap().entries.len(), 1);
    }

    #[test]
    fn an_adoption_whose_row_is_refused_leaves_no_entry() {
        let (_dir, store) = bound();
        let sql =
            "CREATE TRIGGER no BEFORE INSERT ON clusters BEGIN SELECT RAISE(ABORT, 'closed'); END";
        store.write(|tx| Ok(tx.execute_batch(sql)?)).unwrap();
        let (id, life, parts, spec) = (
            id("k3d/dev"),
            incarnation("a"),
            parts("a", "n", "v"),
            spec("k3d", "dev", 18080),
        );
        let adoption = Adoption {
            id: &id,
            incarnation: &life,
            parts: &parts,
            capture: Some(&spec),
            superseded: &[],
        };
        let refused = store.adopt(&adoption, NOW);
        assert!(
            matches!(refused, Err(StoreError::RowRefused { .. })),
            "{refused:?}"
        );
        assert_eq!(store.ledger().unwrap().entries, []);
    }
}
