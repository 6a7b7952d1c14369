// What keeps a stolen password, and mail that nobody wants, from the name of this server.
// `suppression`: to whom mail is not sent. `sender_key`: whose mail, '' is everybody's; `mail`: 'bulk' or 'all' of it.
// `times`: how often it was found anew after `until`, which is NULL where it stays.
// `account_hold`: whose mail is held; once released it stays for a while, so that the same is no alarm again.
// `sending_count`: recipients elsewhere of what an account sent in an hour (`hour`: hours since 1970), how many of them it had
// not written to before, and of those that came to an end how many failed because there is no such address.
// `correspondent`: to whom an account has written; `written_at` is renewed once a month.

export const abuse = `
CREATE TABLE suppression (
  address_key TEXT NOT NULL,
  sender_key  TEXT NOT NULL,
  reason      TEXT NOT NULL,
  address     TEXT NOT NULL,
  sender      TEXT NOT NULL,
  mail        TEXT NOT NULL,
  since       INTEGER NOT NULL,
  last_at     INTEGER NOT NULL,
  until       INTEGER,
  times       INTEGER NOT NULL,
  queue_id    INTEGER,
  found_by    TEXT NOT NULL,
  detail      TEXT NOT NULL,
  PRIMARY KEY (address_key, sender_key, reason)
) STRICT, WITHOUT ROWID;
CREATE INDEX suppression_until ON suppression (until) WHERE until IS NOT NULL;

CREATE TABLE account_hold (
  account_id  INTEGER PRIMARY KEY,
  since       INTEGER NOT NULL,
  reason      TEXT NOT NULL,
  released_at INTEGER
) STRICT;

CREATE TABLE sending_count (
  account_id     INTEGER NOT NULL,
  hour           INTEGER NOT NULL,
  recipients     INTEGER NOT NULL,
  new_recipients INTEGER NOT NULL,
  ended          INTEGER NOT NULL,
  failed         INTEGER NOT NULL,
  PRIMARY KEY (account_id, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE correspondent (
  account_id  INTEGER NOT NULL,
  address_key TEXT NOT NULL,
  written_at  INTEGER NOT NULL,
  PRIMARY KEY (account_id, address_key)
) STRICT, WITHOUT ROWID;
`
