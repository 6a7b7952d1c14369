// NOTIFY (RFC 5465): what a client hears without asking, of the selected mailbox, of others, and of their names.
import { test } from 'node:test'
import { maxWatched } from '../../src/mail-access/watch.ts'
import { makeMailbox } from '../../src/mailbox/mailbox-names.ts'
import { defineWrite } from '../../src/storage/operation.ts'
import { openScene } from './open-scene.ts'

test('the selected mailbox: new messages with what is wanted of them, flags, and what goes', async t => {
  const { play, append } = await openScene(t, 'anna')
  await append('anna', 'INBOX')
  await play(`
    anna> SELECT INBOX
    ...
    anna> NOTIFY SET (selected (MessageNew (UID BODY.PEEK[TEXT]) MessageExpunge FlagChange))
    OK NOTIFY completed
  `)
  await append('anna2', 'INBOX')
  await play(`
    anna<
    * 2 EXISTS
    * 2 FETCH (UID 2 BODY[TEXT] {6}
    text
    )
    anna2> SELECT INBOX
    ...
    anna2> STORE 1 +FLAGS (\\Deleted)
    ...
    anna<
    * 1 FETCH (UID 1 FLAGS (\\Deleted))
    anna2> EXPUNGE
    ...
    anna<
    * 1 EXPUNGE
    anna> STORE 1 +FLAGS (\\Seen)
    * 1 FETCH (UID 2 FLAGS (\\Seen))
    OK STORE completed
    anna> COPY 1 INBOX
    * 2 EXISTS
    OK [COPYUID ... 2 3] COPY completed
  `)
  // What it has put in itself is fetched by nobody.
  await append('anna', 'INBOX')
  await append('anna2', 'INBOX')
  await play(`
    anna<
    * 4 EXISTS
    * 4 FETCH (UID 5 BODY[TEXT] {6}
    text
    )
    anna> NOTIFY NONE
    OK NOTIFY completed
  `)
  await append('anna2', 'INBOX')
  await play(`
    anna> NOOP
    * 5 EXISTS
    OK NOOP completed
  `)
})

test('delayed: numbers stay until a command; without FlagChange no flags', async t => {
  const { play, append } = await openScene(t, 'anna')
  for (let count = 0; count < 3; count++) await append('anna', 'INBOX')
  await play(`
    anna> SELECT INBOX
    ...
    anna> NOTIFY SET (selected-delayed (MessageNew MessageExpunge))
    OK NOTIFY completed
    anna2> SELECT INBOX
    ...
    anna2> STORE 1 +FLAGS (\\Deleted)
    ...
    anna2> EXPUNGE
    ...
  `)
  await append('anna2', 'INBOX')
  await play(`
    anna<
    * 4 EXISTS
    anna> FETCH 3 UID
    * 3 FETCH (UID 3)
    OK FETCH completed
    anna> NOOP
    * 1 EXPUNGE
    OK NOOP completed
  `)
})

test('other mailboxes by STATUS: counted, with mod-sequences for who knows them or wants to hear of flags', async t => {
  const { play, append } = await openScene(t, 'anna')
  await play(`
    anna> CREATE Work/Plans
    OK ...
    anna> SELECT INBOX
    ...
    anna> NOTIFY SET STATUS (mailboxes (Drafts INBOX) (MessageNew MessageExpunge)) (subtree Work (MessageNew MessageExpunge FlagChange))
    * STATUS Drafts (MESSAGES 0 UIDNEXT 1 UIDVALIDITY ...)
    * STATUS Work (MESSAGES 0 UIDNEXT 1 UIDVALIDITY ... UNSEEN 0 HIGHESTMODSEQ ...)
    * STATUS Work/Plans (MESSAGES 0 UIDNEXT 1 UIDVALIDITY ... UNSEEN 0 HIGHESTMODSEQ ...)
    OK NOTIFY completed
  `)
  await append('anna2', 'Work/Plans')
  await play(`
    anna<
    * STATUS Work/Plans (MESSAGES 1 UIDNEXT 2 UIDVALIDITY ... UNSEEN 1 HIGHESTMODSEQ ...)
    anna2> SELECT Work/Plans
    ...
    anna2> STORE 1 +FLAGS (\\Flagged)
    ...
    anna2> STORE 1 +FLAGS (\\Seen)
    ...
    anna<
    * STATUS Work/Plans (UIDVALIDITY ... UNSEEN 1 HIGHESTMODSEQ ...)
    * STATUS Work/Plans (UIDVALIDITY ... UNSEEN 0 HIGHESTMODSEQ ...)
    anna> ENABLE CONDSTORE
    BAD ...
    anna> CLOSE
    OK CLOSE completed
    anna> ENABLE CONDSTORE
    * ENABLED CONDSTORE
    OK ENABLE completed
    anna2> STORE 1 -FLAGS (\\Flagged)
    ...
    anna<
    * STATUS Work/Plans (UIDVALIDITY ... UNSEEN 0 HIGHESTMODSEQ ...)
  `)
  // What it puts there itself it knows.
  await append('anna', 'Drafts')
  await play(`
    anna> SELECT Work/Plans
    ...
    anna> COPY 1 Drafts
    ...
    OK [COPYUID ...] COPY completed
    anna> CLOSE
    ...
    anna> NOOP
    OK NOOP completed
  `)
  // Nothing was said of Trash; Drafts is asked for new messages alone.
  await append('anna2', 'Trash')
  await append('anna2', 'Drafts')
  await play(`
    anna<
    * STATUS Drafts (MESSAGES 3 UIDNEXT 4 UIDVALIDITY ... HIGHESTMODSEQ ...)
    anna2> SELECT Drafts
    ...
    anna2> STORE 1 +FLAGS (\\Seen)
    ...
    anna> NOOP
    OK NOOP completed
  `)
})

test('names: made, renamed, removed, subscribed to, by another session; not what this one does', async t => {
  const { play } = await openScene(t, 'anna')
  await play(`
    anna> NOTIFY SET (personal (MailboxName SubscriptionChange))
    OK NOTIFY completed
    anna> CREATE Mine/Own
    OK ...
    anna2> CREATE Work/Plans
    OK ...
    anna<
    * LIST (\\HasChildren) "/" Work
    * LIST (\\HasNoChildren) "/" Work/Plans
    anna2> SUBSCRIBE Work/Plans
    OK SUBSCRIBE completed
    anna<
    * LIST (\\HasNoChildren \\Subscribed) "/" Work/Plans
    anna2> RENAME Work Job
    OK RENAME completed
    anna<
    * LIST (\\HasChildren) "/" Job ("OLDNAME" (Work))
    anna2> UNSUBSCRIBE Job/Plans
    OK UNSUBSCRIBE completed
    anna<
    * LIST (\\HasNoChildren) "/" Job/Plans
    anna2> DELETE Job/Plans
    OK DELETE completed
    anna<
    * LIST (\\HasNoChildren) "/" Job
    * LIST (\\NonExistent) "/" Job/Plans
    anna> NOOP
    OK NOOP completed
  `)
})

test('mailboxes of others: they come with l and go without it; without r they are named, and nothing more is told', async t => {
  const { play, append } = await openScene(t, 'anna', 'boris')
  const work = '"Other Users/anna@example.test/Work"'
  await play(`
    anna> CREATE Work
    OK ...
    boris> NOTIFY SET (subtree "Other Users" (MailboxName MessageNew MessageExpunge))
    OK NOTIFY completed
    anna> SETACL Work boris l
    OK SETACL completed
    boris<
    * LIST (\\NonExistent \\Noselect \\HasChildren) "/" "Other Users"
    * LIST (\\NonExistent \\Noselect \\HasChildren) "/" "Other Users/anna@example.test"
    * LIST (\\HasNoChildren \\NoAccess) "/" ${work}
  `)
  await append('anna', 'Work')
  await play(`
    anna> SETACL Work boris lr
    OK SETACL completed
    boris<
    * LIST (\\HasNoChildren) "/" ${work}
  `)
  await append('anna', 'Work')
  await play(`
    boris<
    * STATUS ${work} (MESSAGES 2 UIDNEXT 3 UIDVALIDITY ...)
    anna> SETACL Work boris l
    OK SETACL completed
    boris<
    * LIST (\\HasNoChildren \\NoAccess) "/" ${work}
    boris> NOTIFY SET (mailboxes ${work} (MessageNew MessageExpunge))
    * LIST (\\HasNoChildren \\NoAccess) "/" ${work}
    OK NOTIFY completed
    anna> DELETEACL Work boris
    OK DELETEACL completed
    boris> NOOP
    OK NOOP completed
  `)
})

test('what others note, for who asks by NOTIFY or by ENABLE', async t => {
  const { play } = await openScene(t, 'anna', 'boris')
  const inbox = '"Other Users/anna@example.test/INBOX"'
  await play(`
    anna> SETACL INBOX boris lrw
    OK SETACL completed
    anna> NOTIFY SET (personal (MailboxMetadataChange ServerMetadataChange))
    OK NOTIFY completed
    boris> ENABLE METADATA
    * ENABLED METADATA
    OK ENABLE completed
    boris> SETMETADATA ${inbox} (/shared/comment "ours" /private/comment "his")
    OK SETMETADATA completed
    anna<
    * METADATA INBOX /shared/comment
    anna2> SETMETADATA INBOX (/shared/comment NIL /private/comment "hers")
    OK SETMETADATA completed
    anna<
    * METADATA INBOX /private/comment /shared/comment
    anna2> SETMETADATA "" (/private/vendor/x/y "1")
    OK SETMETADATA completed
    anna<
    * METADATA "" /private/vendor/x/y
    boris> NOOP
    * METADATA ${inbox} /shared/comment
    OK NOOP completed
  `)
})

test('while it idles a client hears what NOTIFY says, and nothing else', async t => {
  const { play, append } = await openScene(t, 'anna')
  await append('anna', 'INBOX')
  await play(`
    anna> SELECT INBOX
    ...
    anna> NOTIFY SET (selected-delayed (MessageNew MessageExpunge)) (mailboxes Work (MessageNew MessageExpunge))
    OK NOTIFY completed
    anna2> SELECT INBOX
    ...
    anna2> STORE 1 +FLAGS (\\Deleted)
    ...
    anna! i1 IDLE
    + idling
    anna2> EXPUNGE
    ...
    anna<
    * 1 EXPUNGE
    anna! DONE
    i1 OK IDLE completed
  `)
})

test('what cannot be told is refused, with what can', async t => {
  const { play } = await openScene(t, 'anna')
  await play(`
    anna> NOTIFY SET (personal (MessageNew MessageExpunge AnnotationChange))
    NO [BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange)] ...
    anna> NOTIFY SET (selected (MailboxName))
    BAD Of the selected mailbox only events of messages are told (RFC 5465 6.1)
    anna> NOTIFY SET (selected (MessageNew MessageExpunge)) (selected-delayed (MessageNew MessageExpunge))
    BAD Of the selected mailbox one group speaks (RFC 5465 6.1)
    anna> NOTIFY SET (personal NONE)
    OK NOTIFY completed
  `)
})

test('of more mailboxes than can be looked at nobody is told, and who is told already hears that it is over', async t => {
  const { play, storage, accounts } = await openScene(t, 'anna')
  const accountId = accounts.get('anna@example.test') ?? 0
  await play(`
    anna> NOTIFY SET (personal (MessageNew MessageExpunge))
    OK NOTIFY completed
  `)
  await storage.run(makeMany, { accountId, count: maxWatched })
  await play(`
    anna<
    * OK [NOTIFICATIONOVERFLOW] Too much happens to be told
    anna> NOTIFY SET (personal (MessageNew MessageExpunge))
    NO [NOTIFICATIONOVERFLOW] That is more than 1000 mailboxes; name fewer of them
    anna> NOTIFY SET (mailboxes INBOX (MessageNew MessageExpunge))
    OK NOTIFY completed
  `)
})

const makeMany = defineWrite(
  'test.make-many',
  async (tx, input: { readonly accountId: number; readonly count: number }) => {
    for (let at = 0; at < input.count; at++)
      await makeMailbox(tx, { accountId: input.accountId, name: `m${at}`, now: 1000 })
  },
)
