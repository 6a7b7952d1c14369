// What came of DMARC for mail of strangers, day by day, and the reports about it that were sent (RFC 9990).
// `dmarc_day.outcomes`: rows of `dmarc_result` for it; `listed`: messages that those count, of all its `messages`.

export const dmarcCounts = `
CREATE TABLE dmarc_day (
  day      INTEGER NOT NULL,
  domain   TEXT NOT NULL,
  outcomes INTEGER NOT NULL,
  messages INTEGER NOT NULL,
  listed   INTEGER NOT NULL,
  failed   INTEGER NOT NULL,
  PRIMARY KEY (day, domain)
) STRICT;

CREATE TABLE dmarc_result (
  key      TEXT PRIMARY KEY,
  day      INTEGER NOT NULL,
  domain   TEXT NOT NULL,
  outcome  TEXT NOT NULL,
  messages INTEGER NOT NULL
) STRICT;

CREATE INDEX dmarc_result_day ON dmarc_result (day, domain);

CREATE TABLE dmarc_report_sent (
  day     INTEGER NOT NULL,
  domain  TEXT NOT NULL,
  sent_at INTEGER NOT NULL,
  targets TEXT NOT NULL,
  PRIMARY KEY (day, domain)
) STRICT;
`
