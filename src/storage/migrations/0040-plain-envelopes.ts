// Envelopes as FETCH tells them, beside the structures (src/mailbox/structures.ts): NULL where they are told in more than one way, and
// where the structure was kept before there were these.

export const plainEnvelopes = `
ALTER TABLE message_structure ADD COLUMN plain_envelope TEXT;
`
