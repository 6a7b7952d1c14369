// Recipients that somebody wants tried now, whatever is known of their receiver.

export const askedFor = `
ALTER TABLE queue_recipient ADD COLUMN asked_for INTEGER NOT NULL DEFAULT 0;
`
