// What a recipient waits for apart from its time (src/queue/gates.ts), and its priority.

export const gates = `
-- gate: whose limit it waits for; gate_share: which of those who wait there takes turns with the others.
ALTER TABLE queue_recipient ADD COLUMN gate TEXT;
ALTER TABLE queue_recipient ADD COLUMN gate_share TEXT;
ALTER TABLE queue_recipient ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
CREATE INDEX queue_recipient_gate ON queue_recipient (gate, gate_share, id) WHERE gate IS NOT NULL AND state = 'ready';
CREATE INDEX queue_recipient_priority ON queue_recipient (due_at) WHERE priority > 0 AND state = 'ready';

-- How much of an allowance was used in the span that begins at \`at\`.
CREATE TABLE allowance_use (
  allowance TEXT NOT NULL,
  span      INTEGER NOT NULL,
  at        INTEGER NOT NULL,
  used      INTEGER NOT NULL,
  PRIMARY KEY (allowance, span, at)
) STRICT, WITHOUT ROWID;

-- What is known of the servers of a destination, as JSON, for the time after a restart.
CREATE TABLE destination_health (
  destination TEXT PRIMARY KEY NOT NULL,
  health      TEXT NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`
