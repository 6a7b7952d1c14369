// From which networks an account has logged in lately (src/directory/known-networks.ts). `network`: '192.0.2.0/24',
// '2001:db8::/64'.

export const knownNetworks = `
CREATE TABLE known_network (
  account_id INTEGER NOT NULL,
  network    TEXT NOT NULL,
  last_at    INTEGER NOT NULL,
  PRIMARY KEY (account_id, network)
) STRICT, WITHOUT ROWID;
`
