-- What people add: columns of their own (one needs quoting, one holds bytes, one is computed), other spellings of ours,
-- a view, a trigger, a collation, and a column that hides the rowid.
CREATE TABLE Clusters (
  "order" REAL,
  Name TEXT COLLATE NOCASE UNIQUE NOT NULL,
  PROVIDER TEXT NOT NULL,
  Subnet TEXT,
  Node_Port INTEGER,
  PF_Port INTEGER,
  Http_Port INTEGER,
  Https_Port INTEGER,
  Server_IP TEXT,
  Status TEXT DEFAULT 'unknown',
  Desired_State TEXT DEFAULT 'present',
  Actual_State TEXT DEFAULT 'unknown',
  Last_Reconciled_At TIMESTAMP,
  Reconcile_Error TEXT,
  "owner's ""mail""" TEXT,
  icon BLOB,
  rowid TEXT DEFAULT 'mine',
  label TEXT AS (name || '!') VIRTUAL,
  Created_At TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  Updated_At TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE VIEW present_clusters AS SELECT name FROM clusters WHERE desired_state = 'present';
CREATE TABLE audit (what TEXT);
CREATE TRIGGER tell_deletes AFTER DELETE ON clusters BEGIN INSERT INTO audit VALUES (OLD.name); END;
INSERT INTO clusters
  ("order", name, provider, subnet, node_port, pf_port, http_port, https_port, "owner's ""mail""", icon, created_at)
VALUES
  (1, 'devops', 'k3d', NULL, 30080, 19000, 18080, 18443, NULL, NULL, NULL),
  (0.1, 'dev', 'k3d', '10.101.0.0/24', 30080, 19001, 18081, 18444, 'ann@example.org', x'89504e47', 1763004345),
  (9e999, 'uat', 'kind', NULL, 30080, 19002, 18082, 18445, CAST(x'fe41' AS TEXT), zeroblob(3), 1763004345.5);
