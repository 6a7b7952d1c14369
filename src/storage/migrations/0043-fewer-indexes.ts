// A page less for each message that comes in, twice: an index that begins with the mailbox or the account is written to in another
// place for each. What is still to be read for searches is looked through in pages (src/mailbox/message-words.ts). What has changed in
// a mailbox is found by the index where it was there before, and else from its end (src/mailbox/read-mailbox.ts). `has_changed`: flags or
// keywords since it came into this mailbox; of those from before this migration, and of those that a server of an older version files,
// nobody knows.

export const fewerIndexes = `
DROP INDEX words_wanted_account;
ALTER TABLE mailbox_message ADD COLUMN has_changed INTEGER NOT NULL DEFAULT 1;
DROP INDEX mailbox_message_change;
CREATE INDEX mailbox_message_change ON mailbox_message (mailbox_id, mod_seq, uid) WHERE has_changed = 1;
`
