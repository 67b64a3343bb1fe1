-- The table of the predecessor (Kindler), as its last version makes it: scripts/lib/lib_sqlite.sh and
-- webui/backend/app/db.py agree on it to the column. `rollcall init` makes it only where there is none; it is shared
-- with others from the first moment on, so rollcall never alters it afterwards. This is no migration: it has no number
-- that anything counts.
CREATE TABLE clusters (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE NOT NULL,
  provider TEXT NOT NULL,
  subnet TEXT,
  node_port INTEGER,
  pf_port INTEGER,
  http_port INTEGER,
  https_port INTEGER,
  server_ip TEXT,
  status TEXT DEFAULT 'unknown',
  desired_state TEXT DEFAULT 'present',
  actual_state TEXT DEFAULT 'unknown',
  last_reconciled_at TIMESTAMP,
  reconcile_error TEXT,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
-- As well as the index of the predecessor, although UNIQUE makes one already: its own checks look for it by name.
CREATE INDEX IF NOT EXISTS idx_clusters_name ON clusters(name);
