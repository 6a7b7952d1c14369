// What somebody has to act on, since when, and what of it was told by mail (src/alert).
// `mended_at`: since then it is no longer so; `over_at`: it has stayed so. `told`: what the last mail about it, at `told_at`,
// said.

export const alerts = `
CREATE TABLE alert (
  kind      TEXT NOT NULL,
  subject   TEXT NOT NULL,
  since     INTEGER NOT NULL,
  seen_at   INTEGER NOT NULL,
  times     INTEGER NOT NULL,
  evidence  TEXT NOT NULL,
  mended_at INTEGER,
  over_at   INTEGER,
  told      TEXT,
  told_at   INTEGER,
  PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;
`
