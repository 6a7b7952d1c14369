// A page less for each message that comes in, twice: an index that begins with the mailbox or the account is written to in another
// place for each. What is still to be read for searches is looked through in pages (src/mailbox/message-words.ts). What has changed in
// a mailbox is found by the index where it was there before, and else from its end (src/mailbox/read-mailbox.ts).
// `filed_mod_seq`: the mod-sequence with which a message came into this mailbox; 0, which no message has: before this migration, or by
// a server of an older version. Whoever changes flags need not know of it, so what such a server changes is in the index too.

export const fewerIndexes = `
DROP INDEX words_wanted_account;
ALTER TABLE mailbox_message ADD COLUMN filed_mod_seq INTEGER NOT NULL DEFAULT 0;
DROP INDEX mailbox_message_change;
CREATE INDEX mailbox_message_change ON mailbox_message (mailbox_id, mod_seq, uid) WHERE mod_seq <> filed_mod_seq;
`
