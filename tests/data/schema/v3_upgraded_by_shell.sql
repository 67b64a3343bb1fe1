-- V3, upgraded by the shell scripts alone (lib_sqlite.sh:97-110): the states are there, server_ip is not.
CREATE TABLE clusters (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE NOT NULL,
  provider TEXT NOT NULL,
  subnet TEXT,
  node_port INTEGER,
  pf_port INTEGER,
  http_port INTEGER,
  https_port INTEGER,
  status TEXT DEFAULT 'unknown',
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_clusters_name ON clusters(name);
INSERT INTO clusters (name, provider, subnet, node_port, pf_port, http_port, https_port) VALUES
  ('devops', 'k3d', NULL, 30080, 19000, 18080, 18443),
  ('dev', 'k3d', '10.101.0.0/24', 30080, 19001, 18081, 18444),
  ('uat', 'kind', NULL, 30080, 19002, 18082, 18445);
ALTER TABLE clusters ADD COLUMN desired_state TEXT DEFAULT 'present';
ALTER TABLE clusters ADD COLUMN actual_state TEXT DEFAULT 'unknown';
ALTER TABLE clusters ADD COLUMN last_reconciled_at TIMESTAMP;
ALTER TABLE clusters ADD COLUMN reconcile_error TEXT;
