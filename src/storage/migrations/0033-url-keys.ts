// The key of a mailbox, by which the URLs of its messages are authorized (src/mailbox/url-keys.ts).

export const urlKeys = `
ALTER TABLE mailbox ADD COLUMN url_key BLOB;
`
