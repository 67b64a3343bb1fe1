-- V4 (Kindler 85c3af2): V3 with server_ip.
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
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_clusters_name ON clusters(name);
INSERT INTO clusters (name, provider, subnet, node_port, pf_port, http_port, https_port) VALUES
  ('devops', 'k3d', NULL, 30080, 19000, 18080, 18443),
  ('dev', 'k3d', '10.101.0.0/24', 30080, 19001, 18081, 18444),
  ('uat', 'kind', NULL, 30080, 19002, 18082, 18445);
