-- V0 (Kindler 813621e, PostgreSQL), as SQLite reads the same words: no id, the ports NOT NULL, no states.
CREATE TABLE clusters (
  name VARCHAR(63) PRIMARY KEY,
  provider VARCHAR(10) NOT NULL CHECK (provider IN ('k3d', 'kind')),
  subnet CIDR,
  node_port INTEGER NOT NULL,
  pf_port INTEGER NOT NULL,
  http_port INTEGER NOT NULL,
  https_port INTEGER NOT NULL,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_clusters_provider ON clusters(provider);
CREATE INDEX idx_clusters_created_at ON clusters(created_at);
INSERT INTO clusters (name, provider, subnet, node_port, pf_port, http_port, https_port) VALUES
  ('devops', 'k3d', NULL, 30080, 19000, 18080, 18443),
  ('dev', 'k3d', '10.101.0.0/24', 30080, 19001, 18081, 18444),
  ('uat', 'kind', NULL, 30080, 19002, 18082, 18445);
