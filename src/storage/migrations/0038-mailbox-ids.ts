// AUTOINCREMENT for mailboxes: the id of one that is gone never comes back, so that a session that still has it open, and a program that
// remembers its MAILBOXID (RFC 8474 §4), meets no other mailbox, of another account perhaps. What is still remembered of mailboxes that
// have gone counts too. PostgreSQL never gives an id again (src/storage/postgres/dialect.ts).

export const mailboxIds = `
-- SQLite alone:
CREATE TABLE mailbox_anew (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id    INTEGER NOT NULL,
  name          TEXT NOT NULL,
  uid_validity  INTEGER NOT NULL,
  uid_next      INTEGER NOT NULL,
  mod_seq       INTEGER NOT NULL DEFAULT 1,
  messages      INTEGER NOT NULL DEFAULT 0,
  unseen        INTEGER NOT NULL DEFAULT 0,
  deleted       INTEGER NOT NULL DEFAULT 0,
  bytes         INTEGER NOT NULL DEFAULT 0,
  keywords      TEXT NOT NULL DEFAULT '',
  special_use   TEXT,
  recent_from   INTEGER NOT NULL DEFAULT 1,
  vanished_from INTEGER NOT NULL DEFAULT 1,
  has_blocks    INTEGER NOT NULL DEFAULT 1,
  deleted_bytes INTEGER NOT NULL DEFAULT 0,
  url_key       BLOB,
  UNIQUE (account_id, name)
) STRICT;
INSERT INTO mailbox_anew (id, account_id, name, uid_validity, uid_next, mod_seq, messages, unseen, deleted, bytes, keywords, special_use,
                          recent_from, vanished_from, has_blocks, deleted_bytes, url_key)
  SELECT id, account_id, name, uid_validity, uid_next, mod_seq, messages, unseen, deleted, bytes, keywords, special_use,
         recent_from, vanished_from, has_blocks, deleted_bytes, url_key FROM mailbox;
DROP TABLE mailbox;
ALTER TABLE mailbox_anew RENAME TO mailbox;
CREATE INDEX mailbox_without_blocks ON mailbox (id) WHERE has_blocks = 0;
CREATE UNIQUE INDEX mailbox_special_use ON mailbox (account_id, special_use) WHERE special_use IS NOT NULL;
CREATE INDEX mailbox_of_passing_use ON mailbox (id) WHERE special_use IN ('Trash', 'Junk');
DELETE FROM sqlite_sequence WHERE name = 'mailbox';
INSERT INTO sqlite_sequence (name, seq)
  SELECT 'mailbox', max(id) FROM (SELECT 0 AS id UNION ALL SELECT max(id) FROM mailbox
    UNION ALL SELECT max(mailbox_id) FROM expunged_message UNION ALL SELECT max(mailbox_id) FROM imported_message);
-- end
`
