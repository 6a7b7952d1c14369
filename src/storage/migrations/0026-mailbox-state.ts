// What IMAP wants to know of a mailbox without reading its messages (docs/adr/0031): counters, flags, mod-sequences, what
// has left and when. `mailbox_block.states`: an octet for each of 1,024 UIDs (src/mailbox/message-state.ts). Blocks of
// messages that are there already are made at the next start (src/mailbox/rebuild-blocks.ts).

export const mailboxState = `
ALTER TABLE mailbox ADD COLUMN mod_seq INTEGER NOT NULL DEFAULT 1;
ALTER TABLE mailbox ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailbox ADD COLUMN unseen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailbox ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailbox ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailbox ADD COLUMN keywords TEXT NOT NULL DEFAULT '';
ALTER TABLE mailbox ADD COLUMN special_use TEXT;
ALTER TABLE mailbox ADD COLUMN recent_from INTEGER NOT NULL DEFAULT 1;
ALTER TABLE mailbox ADD COLUMN vanished_from INTEGER NOT NULL DEFAULT 1;
ALTER TABLE mailbox ADD COLUMN has_blocks INTEGER NOT NULL DEFAULT 1;
CREATE INDEX mailbox_without_blocks ON mailbox (id) WHERE has_blocks = 0;
CREATE UNIQUE INDEX mailbox_special_use ON mailbox (account_id, special_use) WHERE special_use IS NOT NULL;

ALTER TABLE mailbox_message ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mailbox_message ADD COLUMN keywords TEXT NOT NULL DEFAULT '';
ALTER TABLE mailbox_message ADD COLUMN mod_seq INTEGER NOT NULL DEFAULT 1;
ALTER TABLE mailbox_message ADD COLUMN saved_at INTEGER NOT NULL DEFAULT 0;
UPDATE mailbox_message SET saved_at = received_at;
CREATE INDEX mailbox_message_change ON mailbox_message (mailbox_id, mod_seq, uid);
CREATE INDEX mailbox_message_keywords ON mailbox_message (mailbox_id, uid) WHERE keywords <> '';

CREATE TABLE mailbox_block (
  mailbox_id INTEGER NOT NULL,
  block      INTEGER NOT NULL,
  states     BLOB NOT NULL,
  PRIMARY KEY (mailbox_id, block)
) STRICT;

CREATE TABLE mailbox_vanished (
  mailbox_id INTEGER NOT NULL,
  mod_seq    INTEGER NOT NULL,
  uids       TEXT NOT NULL,
  PRIMARY KEY (mailbox_id, mod_seq)
) STRICT;

CREATE TABLE expunged_message (
  id           INTEGER PRIMARY KEY,
  account_id   INTEGER NOT NULL,
  mailbox_id   INTEGER NOT NULL,
  mailbox      TEXT NOT NULL,
  uid          INTEGER NOT NULL,
  mail_data_id INTEGER NOT NULL,
  queue_id     INTEGER NOT NULL,
  trace_fields TEXT NOT NULL,
  received_at  INTEGER NOT NULL,
  saved_at     INTEGER NOT NULL,
  size         INTEGER NOT NULL,
  flags        INTEGER NOT NULL,
  keywords     TEXT NOT NULL,
  expunged_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX expunged_message_account ON expunged_message (account_id, expunged_at);
CREATE INDEX expunged_message_place ON expunged_message (mailbox_id, uid);
CREATE INDEX expunged_message_end ON expunged_message (expunged_at);
CREATE INDEX expunged_message_mail_data ON expunged_message (mail_data_id);

CREATE TABLE mailbox_subscription (
  account_id INTEGER NOT NULL,
  name       TEXT NOT NULL,
  PRIMARY KEY (account_id, name)
) STRICT;

-- The greatest that a mailbox of the account ever had.
CREATE TABLE uid_validity (
  account_id INTEGER PRIMARY KEY,
  last       INTEGER NOT NULL
) STRICT;

INSERT INTO uid_validity (account_id, last) SELECT account_id, max(uid_validity) FROM mailbox GROUP BY account_id;
INSERT INTO mailbox (account_id, name, uid_validity, uid_next, special_use)
  SELECT account.id, usual.name, account.created_at / 1000, 1, usual.special_use FROM account
    CROSS JOIN (SELECT 'INBOX' AS name, NULL AS special_use UNION ALL SELECT 'Drafts', 'Drafts'
      UNION ALL SELECT 'Sent', 'Sent' UNION ALL SELECT 'Junk', 'Junk' UNION ALL SELECT 'Trash', 'Trash'
      UNION ALL SELECT 'Archive', 'Archive') AS usual
   WHERE true
  ON CONFLICT (account_id, name) DO UPDATE SET special_use = excluded.special_use;
INSERT INTO uid_validity (account_id, last) SELECT id, created_at / 1000 FROM account WHERE true ON CONFLICT (account_id) DO NOTHING;
INSERT INTO mailbox_subscription (account_id, name)
  SELECT account_id, name FROM mailbox WHERE true ON CONFLICT (account_id, name) DO NOTHING;
UPDATE mailbox SET
  messages = (SELECT count(*) FROM mailbox_message WHERE mailbox_id = mailbox.id),
  unseen = (SELECT count(*) FROM mailbox_message WHERE mailbox_id = mailbox.id),
  bytes = (SELECT COALESCE(sum(size), 0) FROM mailbox_message WHERE mailbox_id = mailbox.id),
  has_blocks = 0;
`
