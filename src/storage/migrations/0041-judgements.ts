// What people judge by moving mail into Junk or out of it (src/mailbox/judgements.ts), until the filter has learned it. By the queue id,
// as in 'learned_message': what is moved again before that is judged anew.

export const judgements = `
CREATE TABLE judgement (
  account_id   INTEGER NOT NULL,
  queue_id     INTEGER NOT NULL,
  mail_data_id INTEGER NOT NULL,
  kind         TEXT NOT NULL,
  PRIMARY KEY (account_id, queue_id)
) STRICT, WITHOUT ROWID;
`
