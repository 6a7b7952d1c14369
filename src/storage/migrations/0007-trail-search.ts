// What the trail is searched by (docs/adr/0017): of each event its keys, and of each thousand of events a filter that says
// which keys are not in it, and where the others are. And for the queue: why and where the last attempt failed, and where an administrator sends it.

export const trailSearch = `
ALTER TABLE trail_event ADD COLUMN keys TEXT;

CREATE TABLE trail_segment (
  first_id INTEGER PRIMARY KEY,
  last_id  INTEGER NOT NULL,
  first_at INTEGER NOT NULL,
  last_at  INTEGER NOT NULL,
  bytes    INTEGER NOT NULL,
  filter   BLOB NOT NULL,
  places   BLOB NOT NULL
) STRICT;

ALTER TABLE queue_recipient ADD COLUMN last_cause TEXT;
ALTER TABLE queue_recipient ADD COLUMN last_host TEXT;
ALTER TABLE queue_recipient ADD COLUMN route_to TEXT;
`
