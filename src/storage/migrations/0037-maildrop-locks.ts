// Who reads which account's INBOX by POP3, which is for one program at a time (src/mailbox/maildrop-locks.ts, docs/adr/0034).

export const maildropLocks = `
CREATE TABLE maildrop_lock (
  account_id INTEGER PRIMARY KEY,
  owner      TEXT NOT NULL,
  token      TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX maildrop_lock_owner ON maildrop_lock (owner);
`
