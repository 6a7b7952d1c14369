// The structures of messages in mailboxes as JSON (src/mailbox/structures.ts), and which are still to be read.

export const messageStructure = `
CREATE TABLE message_structure (
  mail_data_id INTEGER PRIMARY KEY,
  structure    TEXT NOT NULL
) STRICT;

CREATE TABLE structure_wanted (
  mail_data_id INTEGER PRIMARY KEY
) STRICT;
INSERT INTO structure_wanted (mail_data_id) SELECT DISTINCT mail_data_id FROM mailbox_message;
`
