// What the screening of mail remembers (src/screening): what the statistical filter has learned. Account 0 stands for all together.
// A word is a number of 53 bits; counts are of messages. `seen_day`: days since 1970 when it was learned last.
// `learned_message`: as what a message of a mailbox was learned, so that it is learned once and can be taken back.
// `greylist`: who came, as a number of 53 bits, and how often it has come again as a mail server does.

export const screening = `
CREATE TABLE filter_word (
  account_id INTEGER NOT NULL,
  word       INTEGER NOT NULL,
  spam       INTEGER NOT NULL,
  ham        INTEGER NOT NULL,
  seen_day   INTEGER NOT NULL,
  PRIMARY KEY (account_id, word)
) STRICT, WITHOUT ROWID;

CREATE TABLE filter_total (
  account_id INTEGER NOT NULL PRIMARY KEY,
  spam       INTEGER NOT NULL,
  ham        INTEGER NOT NULL
) STRICT;

CREATE TABLE learned_message (
  account_id INTEGER NOT NULL,
  message_id INTEGER NOT NULL,
  kind       TEXT NOT NULL,
  learned_at INTEGER NOT NULL,
  PRIMARY KEY (account_id, message_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE greylist (
  visit    INTEGER PRIMARY KEY,
  first_at INTEGER NOT NULL,
  last_at  INTEGER NOT NULL,
  passes   INTEGER NOT NULL
) STRICT;
`
