//! The rows of a stage, as people write and read them: with SQL, past rollcall.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use rusqlite::types::Value;

use crate::draft::{Edit, Flaw, RowDraft};
use crate::stage::Stage;

/// The columns that say what people want, and the two that say when they said so.
const INTENT: &str = "id, name, provider, subnet, node_port, pf_port, http_port, https_port, desired_state, created_at, updated_at, status IS 'stopped'";

impl Stage {
    /// Writes a row, as `sqlite3` would; a name that is there already keeps its row.
    pub(crate) fn insert(&self, row: &RowDraft) {
        let port = |port: Option<u16>| port.map_or(Value::Null, |p| Value::Integer(i64::from(p)));
        let text = |text: Option<&str>| text.map_or(Value::Null, |t| Value::Text(t.to_owned()));
        let status = if row.stopped { "stopped" } else { "unknown" };
        let values = [
            text(Some(row.name)),
            text(Some(row.provider)),
            text(row.subnet),
            port(row.forward.map(|_| 30080)),
            port(row.forward),
            port(row.http),
            text(row.state),
            text(Some(status)),
        ];
        let written = self.execute(
            "INSERT OR IGNORE INTO clusters
             (name, provider, subnet, node_port, pf_port, http_port, desired_state, status, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'then', 'then')",
            &values,
        );
        if let (1, Some(flaw)) = (written, row.flaw) {
            self.spoil(row.name, flaw);
        }
    }

    fn spoil(&self, name: &str, flaw: Flaw) {
        let set = match flaw {
            Flaw::HugePort => "http_port = 70000",
            Flaw::WordyPort => "http_port = 'many'",
            Flaw::NoSubnet => "subnet = '10.1.2.3/24'",
            Flaw::UnknownProvider => "provider = 'minikube'",
            Flaw::UnknownState => "desired_state = 'maybe'",
        };
        self.set(name, set);
    }

    /// Changes a row by hand.
    pub(crate) fn set(&self, name: &str, set: &str) -> usize {
        let sql = format!("UPDATE clusters SET {set} WHERE name = ?1");
        self.execute(&sql, &[Value::Text(name.to_owned())])
    }

    pub(crate) fn edit(&self, name: &str, edit: Edit) {
        match edit {
            Edit::Remove => {
                self.execute(
                    "DELETE FROM clusters WHERE name = ?1",
                    &[Value::Text(name.to_owned())],
                );
            }
            Edit::Rename(other) => {
                self.execute(
                    "UPDATE OR IGNORE clusters SET name = ?2 WHERE name = ?1",
                    &[Value::Text(name.to_owned()), Value::Text(other.to_owned())],
                );
            }
            Edit::Absent => {
                self.set(name, "desired_state = 'absent'");
            }
            Edit::Move => {
                self.set(name, "provider = CASE provider WHEN 'k3d' THEN 'kind' WHEN 'kind' THEN 'k3d' ELSE provider END");
            }
            Edit::Http(port) => {
                self.set(name, &format!("http_port = {port}"));
            }
            Edit::Subnet(subnet) => {
                self.set(name, &format!("subnet = '{subnet}'"));
            }
            Edit::Flawed(flaw) => self.spoil(name, flaw),
            Edit::Stopped => {
                self.set(name, "status = 'stopped'");
            }
        }
    }

    /// What people wrote, row by row.
    pub(crate) fn intent(&self) -> BTreeMap<String, Vec<Value>> {
        let rows = self
            .select(&format!("SELECT {INTENT} FROM clusters"))
            .into_iter();
        rows.map(|row| match &row[1] {
            Value::Text(name) => (name.clone(), row),
            other => panic!("a name: {other:?}"),
        })
        .collect()
    }

    /// What the status columns say, row by row: `actual_state`, `status`, `reconcile_error`.
    pub(crate) fn status(&self) -> BTreeMap<String, [Option<String>; 3]> {
        let sql = "SELECT name, actual_state, status, reconcile_error FROM clusters";
        let text = |value: &Value| match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        };
        let rows = self.select(sql).into_iter();
        rows.map(|row| {
            let cells = [text(&row[1]), text(&row[2]), text(&row[3])];
            (text(&row[0]).unwrap(), cells)
        })
        .collect()
    }

    /// The names of the rows that cannot be right.
    pub(crate) fn flawed(&self) -> BTreeSet<String> {
        let wrong = "SELECT name FROM clusters WHERE provider NOT IN ('k3d', 'kind')
            OR desired_state NOT IN ('present', 'absent') OR http_port = pf_port
            OR typeof(http_port) = 'text' OR http_port > 65535 OR subnet = '10.1.2.3/24'";
        let rows = self.select(wrong).into_iter().flatten();
        rows.map(|name| match name {
            Value::Text(name) => name,
            other => panic!("a name: {other:?}"),
        })
        .collect()
    }

    /// The names of rows that were deleted and kept.
    pub(crate) fn tombstones(&self) -> BTreeSet<String> {
        let all = self.store().tombstones().unwrap();
        all.into_iter().map(|tombstone| tombstone.name).collect()
    }

    /// Every row, whole.
    pub(crate) fn table(&self) -> Vec<Vec<Value>> {
        self.select("SELECT * FROM clusters ORDER BY id")
    }

    fn select(&self, sql: &str) -> Vec<Vec<Value>> {
        let conn = Connection::open(self.path()).unwrap();
        let mut statement = conn.prepare(sql).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect());
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    }
}
