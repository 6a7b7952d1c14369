// The Sieve scripts of accounts (src/filtering). `owner_id`: an account, or 0 for those of the administrator. The active one of
// an account stands with the account, so that who looks for the account has it at once. AUTOINCREMENT: a script that is changed
// is a new row, and its id never comes back, so that what has been read under an id is that script for ever. `script_memory`:
// `key` is a digest; it counts until `until`.

export const scripts = `
ALTER TABLE account ADD COLUMN script_id INTEGER;
CREATE TABLE script (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  owner_id   INTEGER NOT NULL,
  name       TEXT NOT NULL,
  body       BLOB NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX script_name ON script (owner_id, name);
CREATE TABLE script_memory (
  account_id INTEGER NOT NULL,
  kind       TEXT NOT NULL,
  key        TEXT NOT NULL,
  until      INTEGER NOT NULL,
  PRIMARY KEY (account_id, kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX script_memory_until ON script_memory (until);
`
