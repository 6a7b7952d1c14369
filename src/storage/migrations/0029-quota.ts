// How much an account has in its mailboxes and may have, and how long its Trash and Junk are kept (docs/adr/0037).
// NULL: as its domain, or the settings, have it; 0: without limit, or for ever.

export const quota = `
ALTER TABLE account ADD COLUMN used_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN used_messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN quota_bytes INTEGER;
ALTER TABLE account ADD COLUMN quota_messages INTEGER;
ALTER TABLE account ADD COLUMN keep_trash_days INTEGER;
ALTER TABLE account ADD COLUMN keep_junk_days INTEGER;
ALTER TABLE account ADD COLUMN fill_level INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN fill_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN fill_told INTEGER NOT NULL DEFAULT 0;
CREATE INDEX account_fill_untold ON account (id) WHERE fill_level > fill_told;
UPDATE account SET
  used_bytes = (SELECT COALESCE(sum(bytes), 0) FROM mailbox WHERE account_id = account.id),
  used_messages = (SELECT COALESCE(sum(messages), 0) FROM mailbox WHERE account_id = account.id);

ALTER TABLE domain ADD COLUMN quota_bytes INTEGER;
ALTER TABLE domain ADD COLUMN quota_messages INTEGER;

ALTER TABLE mailbox ADD COLUMN deleted_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE mailbox SET deleted_bytes = (SELECT COALESCE(sum(size), 0) FROM mailbox_message
    WHERE mailbox_id = mailbox.id AND (flags & 8) <> 0) WHERE deleted > 0;
CREATE INDEX mailbox_of_passing_use ON mailbox (id) WHERE special_use IN ('Trash', 'Junk');
`
