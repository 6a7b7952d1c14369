// What others report on mail in the name of our domains (RFC 9990). `problem`: why a report could not be read; '' it could.
// `proven`: the domain of the author of the mail that brought it, where DMARC proved that; '' where it did not.
// `dmarc_source`: messages of one report that are the same in all the rest; `own`: the address is one of this server's.

export const dmarcReports = `
CREATE TABLE dmarc_report_received (
  key          TEXT PRIMARY KEY,
  received_at  INTEGER NOT NULL,
  queue_id     INTEGER NOT NULL,
  problem      TEXT NOT NULL,
  proven       TEXT NOT NULL,
  organization TEXT NOT NULL,
  contact      TEXT NOT NULL,
  report_id    TEXT NOT NULL,
  domain       TEXT NOT NULL,
  policy       TEXT NOT NULL,
  begin_at     INTEGER NOT NULL,
  end_at       INTEGER NOT NULL
) STRICT;

CREATE INDEX dmarc_report_received_at ON dmarc_report_received (received_at);

CREATE TABLE dmarc_source (
  report_key  TEXT NOT NULL,
  number      INTEGER NOT NULL,
  source      TEXT NOT NULL,
  own         INTEGER NOT NULL,
  header_from TEXT NOT NULL,
  sender      TEXT NOT NULL,
  disposition TEXT NOT NULL,
  dkim        INTEGER NOT NULL,
  spf         INTEGER NOT NULL,
  messages    INTEGER NOT NULL,
  PRIMARY KEY (report_key, number)
) STRICT, WITHOUT ROWID;
`
