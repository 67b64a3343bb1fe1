-- V5 (Kindler 43618c4), as the web page makes it: with `operations`, whose foreign key is inert everywhere but in a
-- program that turns foreign keys on.
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
CREATE TABLE operations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  cluster_name TEXT,
  operation TEXT NOT NULL,
  status TEXT NOT NULL,
  log_output TEXT,
  started_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  completed_at TIMESTAMP,
  error_message TEXT,
  FOREIGN KEY (cluster_name) REFERENCES clusters(name) ON DELETE CASCADE
);
CREATE INDEX idx_clusters_name ON clusters(name);
CREATE INDEX idx_operations_cluster ON operations(cluster_name);
CREATE INDEX idx_operations_status ON operations(status);
INSERT INTO clusters (name, provider, subnet, node_port, pf_port, http_port, https_port, updated_at) VALUES
  ('devops', 'k3d', NULL, 30080, 19000, 18080, 18443, '2025-11-13 03:25:45'),
  ('dev', 'k3d', '10.101.0.0/24', 30080, 19001, 18081, 18444, '2025-11-13T04:25:45.123456'),
  ('uat', 'kind', NULL, 30080, 19002, 18082, 18445, NULL);
INSERT INTO operations (cluster_name, operation, status, log_output) VALUES
  ('uat', 'create', 'done', 'line one'), ('uat', 'stop', 'done', NULL), ('dev', 'create', 'failed', 'x');
PRAGMA user_version = 42;
