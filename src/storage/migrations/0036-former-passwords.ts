// Passwords that accounts had before, as SCRAM knows them (src/directory/former-passwords.ts).

export const formerPasswords = `
CREATE TABLE former_password (
  account_id INTEGER NOT NULL,
  scram_keys TEXT NOT NULL,
  ended_at   INTEGER NOT NULL,
  PRIMARY KEY (account_id, scram_keys)
) STRICT, WITHOUT ROWID;
`
