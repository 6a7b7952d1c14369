// The words of messages (docs/adr/0035). A message stands in the index once for each account that has it, under an id that begins
// with the account, so that a search looks through what is the account's and no more. 'words_wanted': what is still to be read.
// 'message_words' is what each engine searches text with; PostgreSQL has a table of that name (src/storage/postgres/dialect.ts).
// Its segments are merged by us, some pages at each write (src/storage/sqlite-words.ts): by itself it merges when it likes, for as long as it takes.

/** For a database without an index. */
export const wantAllWords = `INSERT INTO words_wanted (mail_data_id, account_id)
  SELECT DISTINCT mail_data_id, account_id FROM mailbox_message JOIN mailbox ON mailbox.id = mailbox_id`

export const messageWords = `
CREATE TABLE indexed_message (
  id           INTEGER PRIMARY KEY,
  account_id   INTEGER NOT NULL,
  mail_data_id INTEGER NOT NULL,
  UNIQUE (mail_data_id, account_id)
) STRICT;

CREATE TABLE words_wanted (
  mail_data_id INTEGER NOT NULL,
  account_id   INTEGER NOT NULL,
  PRIMARY KEY (mail_data_id, account_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX words_wanted_account ON words_wanted (account_id, mail_data_id);
${wantAllWords};

CREATE VIRTUAL TABLE message_words USING fts5(
  words, content='', contentless_delete=1, detail=none, tokenize="ascii tokenchars '=~.@_-+'");
INSERT INTO message_words (message_words, rank) VALUES ('pgsz', 8000);
INSERT INTO message_words (message_words, rank) VALUES ('automerge', 0);
INSERT INTO message_words (message_words, rank) VALUES ('crisismerge', 500);
INSERT INTO message_words (message_words, rank) VALUES ('usermerge', 8);
`
