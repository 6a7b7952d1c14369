// When an address from which mail leaves was first used: from then on it is warmed up.

export const sourceAddresses = `
CREATE TABLE source_address (
  address       TEXT PRIMARY KEY NOT NULL,
  first_used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`
