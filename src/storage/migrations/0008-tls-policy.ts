// MTA-STS policies that were fetched (RFC 8461 §3.3), what came of TLS with other servers, day by day, and the reports
// about it that were sent and received (RFC 8460).

export const tlsPolicy = `
CREATE TABLE sts_policy (
  domain     TEXT PRIMARY KEY,
  policy_id  TEXT NOT NULL,
  mode       TEXT NOT NULL,
  mx         TEXT NOT NULL,
  fetched_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE tls_result (
  key      TEXT PRIMARY KEY,
  day      INTEGER NOT NULL,
  domain   TEXT NOT NULL,
  outcome  TEXT NOT NULL,
  failed   INTEGER NOT NULL,
  sessions INTEGER NOT NULL
) STRICT;

CREATE INDEX tls_result_day ON tls_result (day, domain);

CREATE TABLE tls_report_sent (
  day     INTEGER NOT NULL,
  domain  TEXT NOT NULL,
  sent_at INTEGER NOT NULL,
  targets TEXT NOT NULL,
  PRIMARY KEY (day, domain)
) STRICT;

CREATE TABLE tls_report_received (
  key         TEXT PRIMARY KEY,
  received_at INTEGER NOT NULL,
  report      TEXT NOT NULL
) STRICT;

CREATE INDEX tls_report_received_at ON tls_report_received (received_at);
`
