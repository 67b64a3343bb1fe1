-- V1 (Kindler ff47869, PostgreSQL): V0 with server_ip, and the web page's tasks beside it.
CREATE TABLE clusters (
  name VARCHAR(63) PRIMARY KEY,
  provider VARCHAR(10) NOT NULL CHECK (provider IN ('k3d', 'kind')),
  subnet CIDR,
  node_port INTEGER NOT NULL,
  pf_port INTEGER NOT NULL,
  http_port INTEGER NOT NULL,
  https_port INTEGER NOT NULL,
  server_ip VARCHAR(45),
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_clusters_provider ON clusters(provider);
CREATE TABLE tasks (task_id TEXT PRIMARY KEY, status TEXT, progress INTEGER, message TEXT);
INSERT INTO tasks VALUES ('t1', 'done', 100, 'created dev');
INSERT INTO clusters (name, provider, subnet, node_port, pf_port, http_port, https_port, server_ip) VALUES
  ('devops', 'k3d', NULL, 30080, 19000, 18080, 18443, '172.18.0.2'),
  ('dev', 'k3d', '10.101.0.0/24', 30080, 19001, 18081, 18444, NULL),
  ('uat', 'kind', NULL, 30080, 19002, 18082, 18445, NULL);
