// Accounts that a directory elsewhere knows (LDAP), and the aliases that it gave them (src/directory/outside-accounts.ts).
// `outside`: 1 where it, and no password of this server, proves the account. `outside_of`: the account whose alias it is; NULL
// where somebody made it here. A program that does not know of them finds an account whose password nobody has.

export const outsideAccounts = `
ALTER TABLE account ADD COLUMN outside INTEGER NOT NULL DEFAULT 0;
ALTER TABLE redirection ADD COLUMN outside_of INTEGER;
CREATE INDEX redirection_outside ON redirection (outside_of) WHERE outside_of IS NOT NULL;
`
