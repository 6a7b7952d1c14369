// Until when a message is held at its sender's wish (RFC 4865), and what only the servers over this database know: keys
// with which they sign what comes back to them.

export const transfer = `
ALTER TABLE queue_message ADD COLUMN release_at INTEGER;

CREATE TABLE shared_key (
  name       TEXT PRIMARY KEY NOT NULL,
  value      BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`
