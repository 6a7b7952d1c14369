// Which part of the queue a recipient is in (src/queue/shards.ts), and which of the owners of leases take more.
// What was queued before, or is by a server of an older version, is anyone's.

export const shards = `
ALTER TABLE queue_recipient ADD COLUMN shard INTEGER NOT NULL DEFAULT -1;
ALTER TABLE lease_owner ADD COLUMN takes_more INTEGER NOT NULL DEFAULT 1;
`
