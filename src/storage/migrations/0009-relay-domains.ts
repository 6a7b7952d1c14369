// Domains of other servers, whose mail is kept until these have it, and which of the queue is for them.
// `keeps`: without attempts, until their server fetches it. `starts_until`: until then it is attempted all the same, because
// their server asked for that (ETRN).

export const relayDomains = `
CREATE TABLE relay_domain (
  id            INTEGER PRIMARY KEY,
  name          TEXT NOT NULL UNIQUE,
  keeps         INTEGER NOT NULL,
  anyone_starts INTEGER NOT NULL,
  owner_id      INTEGER,
  starts_until  INTEGER NOT NULL DEFAULT 0,
  created_at    INTEGER NOT NULL
) STRICT;

ALTER TABLE queue_recipient ADD COLUMN relay_domain TEXT;
CREATE INDEX queue_recipient_relay ON queue_recipient (relay_domain, attempts, id) WHERE relay_domain IS NOT NULL;
`
