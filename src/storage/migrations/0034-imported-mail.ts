// What has been brought in from other message stores (src/message-stores/imported-mail.ts), so that it is brought once.
// `name`: 'maildir:/srv/mail/anna', 'imap://anna@mail.example.net:993'. `generation`: the UIDVALIDITY of a folder over IMAP,
// '' elsewhere. `message`: how the store tells this message from the others of the folder. `uid`: of the message in the mailbox
// when it was brought, or of the one that was there already and is the same.

export const importedMail = `
CREATE TABLE import_store (
  id         INTEGER PRIMARY KEY,
  account_id INTEGER NOT NULL,
  name       TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX import_store_name ON import_store (account_id, name);

CREATE TABLE import_folder (
  id         INTEGER PRIMARY KEY,
  store_id   INTEGER NOT NULL,
  name       TEXT NOT NULL,
  generation TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX import_folder_name ON import_folder (store_id, name, generation);

CREATE TABLE imported_message (
  folder_id  INTEGER NOT NULL,
  message    TEXT NOT NULL,
  mailbox_id INTEGER NOT NULL,
  uid        INTEGER NOT NULL,
  PRIMARY KEY (folder_id, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX imported_message_place ON imported_message (folder_id, mailbox_id, uid);

-- The last id that was given to a message that came so: one row.
CREATE TABLE imported_id (
  id   INTEGER PRIMARY KEY,
  last INTEGER NOT NULL
) STRICT;
`
