// Whose mail is wanted, and whose is not, whatever else is said of it (src/sender-list). `owner_id`: an account, or 0 for
// everybody. `sender_key`: the key of an address, or '@example.org' for a domain with all below it. `verdict`: 'allow', 'block'.

export const senderList = `
CREATE TABLE sender_entry (
  sender_key TEXT NOT NULL,
  owner_id   INTEGER NOT NULL,
  verdict    TEXT NOT NULL,
  sender     TEXT NOT NULL,
  note       TEXT NOT NULL,
  since      INTEGER NOT NULL,
  PRIMARY KEY (sender_key, owner_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sender_entry_owner ON sender_entry (owner_id, sender_key);
`
