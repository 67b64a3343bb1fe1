-- rollcall's own tables, beside a table that belongs to others too.
--
-- Rules of this folder, and why:
-- * every name begins with rollcall_, so that nobody's table is ever met;
-- * nothing newer than SQLite 3.22: a schema that an older sqlite3 cannot parse makes the WHOLE file unreadable to it,
--   and people look into this file by hand. So no strict tables, no generated columns: CHECK (typeof(..)) instead;
-- * no AUTOINCREMENT: it would make the table sqlite_sequence appear in a file that is not ours. Rows whose ids must not
--   come back are closed, not deleted;
-- * no foreign keys: every connection of ours runs with foreign_keys=OFF, because the file's other tables rely on it;
-- * times are RFC 3339 text, UTC.

-- Facts about the side tables themselves: which schema this is, whose the ledger is, to which file and to which world it
-- is bound. Never user_version or application_id: those belong to whoever made the file.
CREATE TABLE rollcall_meta (
  key TEXT PRIMARY KEY NOT NULL CHECK (typeof(key) = 'text'),
  value TEXT NOT NULL CHECK (typeof(value) = 'text')
);

-- The ledger: one row per incarnation that rollcall made or adopted. A row is written before the tool starts and is
-- closed, never deleted: what was ours once can still be told.
CREATE TABLE rollcall_entries (
  id INTEGER PRIMARY KEY,
  engine TEXT NOT NULL CHECK (typeof(engine) = 'text'),
  provider TEXT NOT NULL CHECK (typeof(provider) = 'text'),
  name TEXT NOT NULL CHECK (typeof(name) = 'text'),
  origin TEXT NOT NULL CHECK (origin IN ('made', 'adopted')),
  state TEXT NOT NULL CHECK (state IN ('creating', 'live', 'deleting', 'gone')),
  nonce TEXT CHECK (typeof(nonce) IN ('text', 'null')),
  incarnation TEXT CHECK (typeof(incarnation) IN ('text', 'null')),
  since TEXT NOT NULL CHECK (typeof(since) = 'text'),
  closed_at TEXT CHECK (typeof(closed_at) IN ('text', 'null')),
  closed_why TEXT CHECK (typeof(closed_why) IN ('text', 'null')),
  CHECK ((state = 'gone') = (closed_at IS NOT NULL))
);
CREATE INDEX rollcall_entries_open ON rollcall_entries (engine, provider, name) WHERE state <> 'gone';

-- What an entry owns, by identity: a name alone would own somebody else's thing as soon as it is made again.
CREATE TABLE rollcall_entry_parts (
  entry INTEGER NOT NULL CHECK (typeof(entry) = 'integer'),
  kind TEXT NOT NULL CHECK (kind IN ('container', 'network', 'volume')),
  identity TEXT NOT NULL CHECK (typeof(identity) = 'text'),
  PRIMARY KEY (entry, kind, identity)
);

-- What rollcall wrote into registrars, per engine: behind another engine, the registrations of this one are not stale.
CREATE TABLE rollcall_registrations (
  engine TEXT NOT NULL CHECK (typeof(engine) = 'text'),
  registrar TEXT NOT NULL CHECK (typeof(registrar) = 'text'),
  provider TEXT NOT NULL CHECK (typeof(provider) = 'text'),
  name TEXT NOT NULL CHECK (typeof(name) = 'text'),
  incarnation TEXT NOT NULL CHECK (typeof(incarnation) = 'text'),
  fingerprint TEXT NOT NULL CHECK (typeof(fingerprint) = 'text'),
  PRIMARY KEY (engine, registrar, provider, name)
);

-- Mutating runs. `source` and `actor` say through what and for whom it ran: the command line is not the only caller.
-- `lease` is the id of the lease it held, so that a reader can tell the running run from one that was killed.
CREATE TABLE rollcall_runs (
  id INTEGER PRIMARY KEY,
  mode TEXT NOT NULL CHECK (typeof(mode) = 'text'),
  args TEXT NOT NULL CHECK (typeof(args) = 'text'),
  source TEXT NOT NULL CHECK (typeof(source) = 'text'),
  actor TEXT CHECK (typeof(actor) IN ('text', 'null')),
  host TEXT NOT NULL CHECK (typeof(host) = 'text'),
  pid INTEGER NOT NULL CHECK (typeof(pid) = 'integer'),
  lease TEXT CHECK (typeof(lease) IN ('text', 'null')),
  started_at TEXT NOT NULL CHECK (typeof(started_at) = 'text'),
  finished_at TEXT CHECK (typeof(finished_at) IN ('text', 'null')),
  exit_code INTEGER CHECK (typeof(exit_code) IN ('integer', 'null')),
  verdict TEXT CHECK (typeof(verdict) IN ('text', 'null'))
);

-- The steps of a run. `cluster` is PROVIDER/NAME where the address has one.
CREATE TABLE rollcall_steps (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL CHECK (typeof(run) = 'integer'),
  address TEXT NOT NULL CHECK (typeof(address) = 'text'),
  cluster TEXT CHECK (typeof(cluster) IN ('text', 'null')),
  action TEXT NOT NULL CHECK (typeof(action) = 'text'),
  state TEXT NOT NULL CHECK (typeof(state) = 'text'),
  started_at TEXT NOT NULL CHECK (typeof(started_at) = 'text'),
  finished_at TEXT CHECK (typeof(finished_at) IN ('text', 'null')),
  attempts INTEGER NOT NULL CHECK (typeof(attempts) = 'integer'),
  error TEXT CHECK (typeof(error) IN ('text', 'null')),
  log TEXT CHECK (typeof(log) IN ('text', 'null'))
);
CREATE INDEX rollcall_steps_of_run ON rollcall_steps (run);

-- The events of a run, as they were sent: `history` replays them.
CREATE TABLE rollcall_events (
  run INTEGER NOT NULL CHECK (typeof(run) = 'integer'),
  seq INTEGER NOT NULL CHECK (typeof(seq) = 'integer'),
  at TEXT NOT NULL CHECK (typeof(at) = 'text'),
  json TEXT NOT NULL CHECK (typeof(json) = 'text'),
  PRIMARY KEY (run, seq)
);

-- The lease: at most one row, ever.
CREATE TABLE rollcall_lock (
  slot INTEGER PRIMARY KEY CHECK (slot = 1),
  id TEXT NOT NULL CHECK (typeof(id) = 'text'),
  host TEXT NOT NULL CHECK (typeof(host) = 'text'),
  pid INTEGER NOT NULL CHECK (typeof(pid) = 'integer'),
  boot_id TEXT NOT NULL CHECK (typeof(boot_id) = 'text'),
  pid_namespace TEXT NOT NULL CHECK (typeof(pid_namespace) = 'text'),
  command TEXT NOT NULL CHECK (typeof(command) = 'text'),
  since TEXT NOT NULL CHECK (typeof(since) = 'text'),
  heartbeat TEXT NOT NULL CHECK (typeof(heartbeat) = 'text')
);

-- Deleted rows of `clusters`, whole: column -> {type, value}, so that `cluster restore` brings back the same bytes.
CREATE TABLE rollcall_tombstones (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL CHECK (typeof(name) = 'text'),
  row_json TEXT NOT NULL CHECK (typeof(row_json) = 'text'),
  run INTEGER CHECK (typeof(run) IN ('integer', 'null')),
  reason TEXT NOT NULL CHECK (typeof(reason) = 'text'),
  at TEXT NOT NULL CHECK (typeof(at) = 'text'),
  restored_at TEXT CHECK (typeof(restored_at) IN ('text', 'null'))
);

-- `rollcall stop`: a person wants the cluster stopped, perhaps only until a time.
CREATE TABLE rollcall_stops (
  name TEXT PRIMARY KEY NOT NULL CHECK (typeof(name) = 'text'),
  who TEXT CHECK (typeof(who) IN ('text', 'null')),
  why TEXT CHECK (typeof(why) IN ('text', 'null')),
  until TEXT CHECK (typeof(until) IN ('text', 'null')),
  since TEXT NOT NULL CHECK (typeof(since) = 'text')
);

-- Saved plans that were applied: a plan is used once.
CREATE TABLE rollcall_used_plans (
  plan TEXT PRIMARY KEY NOT NULL CHECK (typeof(plan) = 'text'),
  at TEXT NOT NULL CHECK (typeof(at) = 'text')
);
