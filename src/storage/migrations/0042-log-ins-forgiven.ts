// Wrong passwords with the name of an account count from then on only (src/directory/known-networks.ts); NULL: nobody has forgiven any.

export const logInsForgiven = `
ALTER TABLE account ADD COLUMN log_ins_forgiven_at INTEGER;
`
