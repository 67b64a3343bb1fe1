-- V2 (Kindler f1a3fcd, PostgreSQL): an id that is not the rowid (SERIAL is no INTEGER PRIMARY KEY to SQLite), status,
-- no server_ip.
CREATE TABLE clusters (
  id SERIAL PRIMARY KEY,
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
INSERT INTO clusters (id, name, provider, subnet, node_port, pf_port, http_port, https_port) VALUES
  (11, 'devops', 'k3d', NULL, 30080, 19000, 18080, 18443),
  (12, 'dev', 'k3d', '10.101.0.0/24', 30080, 19001, 18081, 18444),
  (13, 'uat', 'kind', NULL, 30080, 19002, 18082, 18445);
