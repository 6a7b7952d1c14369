// What each server that shares a database does and how busy it is, and which queue ids it makes.

export const cluster = `
ALTER TABLE node ADD COLUMN roles TEXT NOT NULL DEFAULT '';
ALTER TABLE node ADD COLUMN load TEXT NOT NULL DEFAULT '';

CREATE TABLE id_space (
  number  INTEGER PRIMARY KEY,
  node_id TEXT NOT NULL,
  seen_at INTEGER NOT NULL
) STRICT;
`
