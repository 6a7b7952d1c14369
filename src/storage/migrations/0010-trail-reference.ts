// By what else than its queue id a message of the trail is found: its Message-ID, its ENVID, the reverse-path that it had for
// one recipient.

export const trailReference = `
CREATE TABLE trail_reference (
  id       INTEGER PRIMARY KEY,
  value    TEXT NOT NULL,
  queue_id INTEGER NOT NULL,
  at       INTEGER NOT NULL
) STRICT;
CREATE INDEX trail_reference_value ON trail_reference (value);
`
