// Certificates that an authority issues to the servers over this database (src/acme): the accounts there, the certificates
// with their keys, and what answers a challenge while one is under way.
// `next_at`: when the next is asked for; `claimed_until`: until then one server does that, and no other.

export const acme = `
CREATE TABLE acme_account (
  directory TEXT NOT NULL PRIMARY KEY,
  key_pem   TEXT NOT NULL,
  url       TEXT,
  contact   TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE acme_certificate (
  name            TEXT NOT NULL PRIMARY KEY,
  key_pem         TEXT NOT NULL,
  key_since       INTEGER NOT NULL,
  next_key_pem    TEXT,
  next_key_since  INTEGER,
  certificate_pem TEXT,
  directory       TEXT,
  issued_at       INTEGER,
  next_at         INTEGER NOT NULL,
  failures        INTEGER NOT NULL DEFAULT 0,
  problem         TEXT,
  claimed_by      TEXT,
  claimed_until   INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE acme_challenge (
  type       TEXT NOT NULL,
  asked_for  TEXT NOT NULL,
  answer     TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (type, asked_for)
) STRICT, WITHOUT ROWID;
`
