// Passwords that this server made, each for one program of an account (src/directory/app-passwords.ts).
// `digest`: SHA-256 of it. `scopes`: protocols, parted by blanks.

export const appPasswords = `
CREATE TABLE app_password (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id   INTEGER NOT NULL,
  name         TEXT NOT NULL,
  digest       TEXT NOT NULL,
  scram_keys   TEXT NOT NULL,
  scopes       TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER,
  last_used_at INTEGER,
  UNIQUE (account_id, name)
) STRICT;
`
