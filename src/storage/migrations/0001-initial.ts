// The first schema. Times are milliseconds since 1970; addresses are stored as their canonical text.
// `queue_message.id` is the queue id.

export const initial = `
CREATE TABLE mail_data (
  id        INTEGER PRIMARY KEY,
  size      INTEGER NOT NULL,
  checksum  BLOB NOT NULL,
  bytes     BLOB,
  file_name TEXT
) STRICT;
CREATE INDEX mail_data_file ON mail_data (file_name) WHERE file_name IS NOT NULL;

CREATE TABLE queue_message (
  id           INTEGER PRIMARY KEY,
  mail_data_id INTEGER NOT NULL,
  reverse_path TEXT,
  size         INTEGER NOT NULL,
  accepted_at  INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  account_id   INTEGER,
  is_report    INTEGER NOT NULL,
  parameters   TEXT NOT NULL
) STRICT;

-- AUTOINCREMENT: an id never comes back, so that who is late to settle an old recipient cannot hit a new one.
CREATE TABLE queue_recipient (
  id                INTEGER PRIMARY KEY AUTOINCREMENT,
  message_id        INTEGER NOT NULL,
  forward_path      TEXT NOT NULL,
  domain            TEXT NOT NULL,
  parameters        TEXT,
  state             TEXT NOT NULL,
  due_at            INTEGER NOT NULL,
  attempts          INTEGER NOT NULL,
  expansions        INTEGER NOT NULL,
  lease_owner       TEXT,
  last_diagnosis    TEXT,
  delay_reported_at INTEGER,
  deaths            INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX queue_recipient_due ON queue_recipient (state, due_at);
CREATE INDEX queue_recipient_suspect ON queue_recipient (due_at) WHERE deaths > 0;
CREATE INDEX queue_recipient_message ON queue_recipient (message_id);

CREATE TABLE mailbox (
  id           INTEGER PRIMARY KEY,
  account_id   INTEGER NOT NULL,
  name         TEXT NOT NULL,
  uid_validity INTEGER NOT NULL,
  uid_next     INTEGER NOT NULL,
  UNIQUE (account_id, name)
) STRICT;

CREATE TABLE mailbox_message (
  id           INTEGER PRIMARY KEY,
  mailbox_id   INTEGER NOT NULL,
  uid          INTEGER NOT NULL,
  mail_data_id INTEGER NOT NULL,
  queue_id     INTEGER NOT NULL,
  trace_fields TEXT NOT NULL,
  received_at  INTEGER NOT NULL,
  size         INTEGER NOT NULL,
  UNIQUE (mailbox_id, uid)
) STRICT;
CREATE INDEX mailbox_message_mail_data ON mailbox_message (mail_data_id);

CREATE TABLE trail_event (
  id       INTEGER PRIMARY KEY,
  queue_id INTEGER,
  at       INTEGER NOT NULL,
  event    TEXT NOT NULL
) STRICT;
CREATE INDEX trail_event_queue ON trail_event (queue_id) WHERE queue_id IS NOT NULL;

CREATE TABLE domain (
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  postmaster TEXT,
  created_at INTEGER NOT NULL
) STRICT;

-- address_key: the address without regard to case. AUTOINCREMENT: the id of a removed account never comes back, so
-- that nobody inherits its mail.
CREATE TABLE account (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  address       TEXT NOT NULL,
  address_key   TEXT NOT NULL UNIQUE,
  domain        TEXT NOT NULL,
  name          TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  language      TEXT NOT NULL,
  enabled       INTEGER NOT NULL,
  created_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX account_domain ON account (domain);

-- kind: 'alias' or 'group'. The alias with the key '@example.test' is the catch-all of that domain.
CREATE TABLE redirection (
  id          INTEGER PRIMARY KEY,
  kind        TEXT NOT NULL,
  address     TEXT NOT NULL,
  address_key TEXT NOT NULL UNIQUE,
  domain      TEXT NOT NULL,
  name        TEXT NOT NULL,
  created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX redirection_domain ON redirection (domain);

CREATE TABLE redirection_target (
  redirection_id INTEGER NOT NULL,
  target         TEXT NOT NULL,
  target_key     TEXT NOT NULL,
  PRIMARY KEY (redirection_id, target_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX redirection_target_key ON redirection_target (target_key);
`
