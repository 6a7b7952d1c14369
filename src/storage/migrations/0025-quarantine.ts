// Mail that is kept aside until an administrator has looked (src/queue/quarantine.ts). `id` is the queue id, and that of the
// mail data; `content` has the message and its recipients as JSON, as they go into the queue when it is released.

export const quarantine = `
CREATE TABLE quarantined (
  id           INTEGER PRIMARY KEY,
  reverse_path TEXT NOT NULL,
  kept_at      INTEGER NOT NULL,
  ends_at      INTEGER NOT NULL,
  because      TEXT NOT NULL,
  content      TEXT NOT NULL
) STRICT;
CREATE INDEX quarantined_end ON quarantined (ends_at);
`
