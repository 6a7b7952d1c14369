// Subscriptions to names that no mailbox can have (src/mailbox/mailbox-names.ts) go: LIST takes apart each name into its levels.

export const longNames = `
DELETE FROM mailbox_subscription WHERE length(name) > 500 OR length(name) - length(replace(name, '/', '')) > 19;
`
