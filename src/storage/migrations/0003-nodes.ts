// Servers that share a database, and who of them holds leases: until when others believe that it lives.

export const nodes = `
CREATE TABLE node (
  id             TEXT PRIMARY KEY NOT NULL,
  hostname       TEXT NOT NULL,
  version        TEXT NOT NULL,
  schema_version INTEGER NOT NULL,
  pid            INTEGER NOT NULL,
  started_at     INTEGER NOT NULL,
  seen_at        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE lease_owner (
  name        TEXT PRIMARY KEY NOT NULL,
  alive_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`
