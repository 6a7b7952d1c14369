// What is kept of an account's password for SCRAM: texts of RFC 5803, parted by blanks. They are of the password whose hash is
// `scram_hash`: a program that does not know of them changes `password_hash` alone, and the old password is of no use any more.

export const scram = `
ALTER TABLE account ADD COLUMN scram_keys TEXT;
ALTER TABLE account ADD COLUMN scram_hash TEXT;
`
