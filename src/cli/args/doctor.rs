//! What `rollcall doctor --help` says below its flags.

pub(super) const HELP: &str = "\
It changes nothing. Each finding is ok, a note, wrong, or unknown where it could not be found out; what
can be mended has the command that does it. Beside Docker, k3d and kind are asked for their versions.

Examples:
  rollcall doctor
  rollcall doctor -o json             for a program
  rollcall --db ~/other.db doctor     another database

Exit codes: 0 nothing is wrong, 3 a row cannot be right, or somebody else has its port or subnet,
5 the database is a copy or of another kind of world, 9 something could not be observed, 12 something
is missing: the database, Docker, a tool, room on the disk.";
