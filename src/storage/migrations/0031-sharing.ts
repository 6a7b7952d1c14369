// Who else may do what in a mailbox (docs/adr/0036), and what is noted of mailboxes and of the server (RFC 5464).
// `mailbox_acl.holder`: 'account' or 'group', of which `holder_id` is the id, or 'anyone' with 0. `mailbox_metadata`: mailbox 0
// is the server; `reader_id` is the account whose note it is, 0 where it is everybody's; without a value it has been taken away.

export const sharing = `
CREATE TABLE mailbox_acl (
  mailbox_id  INTEGER NOT NULL,
  holder      TEXT NOT NULL,
  holder_id   INTEGER NOT NULL,
  is_negative INTEGER NOT NULL,
  rights      TEXT NOT NULL,
  PRIMARY KEY (mailbox_id, holder, holder_id, is_negative)
) STRICT;
CREATE INDEX mailbox_acl_holder ON mailbox_acl (holder, holder_id);

CREATE TABLE mailbox_metadata (
  mailbox_id INTEGER NOT NULL,
  reader_id  INTEGER NOT NULL,
  name       TEXT NOT NULL,
  value      BLOB,
  mod_seq    INTEGER NOT NULL,
  PRIMARY KEY (mailbox_id, reader_id, name)
) STRICT;
CREATE INDEX mailbox_metadata_reader ON mailbox_metadata (reader_id);
`
