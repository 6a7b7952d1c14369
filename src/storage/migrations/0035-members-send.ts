// Groups whose members may write in the name of the group (src/directory/owns-address.ts).

export const membersSend = `
ALTER TABLE redirection ADD COLUMN members_send INTEGER NOT NULL DEFAULT 0;
`
