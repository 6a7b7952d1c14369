// Until when a message is held at its sender's wish (RFC 4865).

export const futureRelease = 'ALTER TABLE queue_message ADD COLUMN release_at INTEGER;'
