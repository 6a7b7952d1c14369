// The keys with which mail of our domains is signed (src/signing), and what the DNS was last seen to say of each.
// `state`: next, active, retired, revoked; since `state_since`. `seen_since`: from when on its record has been right, each time that
// it was looked up. A revoked key has an empty `private_key`.

export const dkimKeys = `
CREATE TABLE dkim_key (
  domain      TEXT NOT NULL,
  selector    TEXT NOT NULL,
  algorithm   TEXT NOT NULL,
  private_key BLOB NOT NULL,
  public_key  TEXT NOT NULL,
  imported    INTEGER NOT NULL,
  state       TEXT NOT NULL,
  state_since INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  checked_at  INTEGER,
  finding     TEXT,
  detail      TEXT,
  seen_since  INTEGER,
  PRIMARY KEY (domain, selector)
) STRICT, WITHOUT ROWID;
`
