// Mailboxes that are shared: lists of rights (RFC 4314), and what each right lets somebody else do.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { removeRedirection } from '../../src/directory/redirections.ts'
import { addAlias, addGroup } from '../directory/open-directory.ts'
import { openLimitedScene, openScene } from './open-scene.ts'

test('rights are given, added, taken away and listed', async t => {
  const { play } = await openScene(t, 'anna', 'boris', 'carla')
  await play(`
    anna> CREATE Work
    OK ...
    anna> SETACL Work boris@example.test lrswd
    OK SETACL completed
    anna> SETACL Work carla lr
    OK SETACL completed
    anna> SETACL Work carla +k
    OK SETACL completed
    anna> SETACL Work boris@EXAMPLE.test -w
    OK SETACL completed
    anna> SETACL Work -anyone a
    OK SETACL completed
    anna> GETACL Work
    * ACL Work anna@example.test lrswipkxteacd -anyone a boris@example.test lrsted carla@example.test lrkc
    OK GETACL completed
    anna> MYRIGHTS Work
    * MYRIGHTS Work lrswipkxteacd
    OK MYRIGHTS completed
    anna> LISTRIGHTS Work boris
    * LISTRIGHTS Work boris "" l r s w i p k x t e a c d
    OK LISTRIGHTS completed
    anna> LISTRIGHTS Work anna@example.test
    * LISTRIGHTS Work anna@example.test lrswipkxteacd
    OK LISTRIGHTS completed
    anna> DELETEACL Work carla
    OK DELETEACL completed
    anna> DELETEACL Work -anyone
    OK DELETEACL completed
    anna> GETACL Work
    * ACL Work anna@example.test lrswipkxteacd boris@example.test lrsted
    OK GETACL completed
    anna> SETACL Work dora lr
    NO [CANNOT] There is no account and no group dora; everybody in your domain is anyone
    anna> SETACL Work anna lr
    NO [CANNOT] The owner of a mailbox has all rights
    anna> SETACL Work boris lrq
    BAD Rights are letters of ...
    anna> SETACL Nowhere boris lr
    NO [NONEXISTENT] There is no mailbox Nowhere
  `)
})

test('what is shared stands among the mailboxes of other users, and nothing else of theirs', async t => {
  const { play, append } = await openScene(t, 'anna', 'boris')
  await append('anna', 'INBOX')
  await play(`
    anna> CREATE Work/Plans
    OK ...
    anna> SETACL Work/Plans boris lr
    OK SETACL completed
    anna> SETACL INBOX boris l
    OK SETACL completed
    anna> SETACL Archive boris r
    OK SETACL completed
    boris> NAMESPACE
    * NAMESPACE (("" "/")) (("Other Users/" "/")) NIL
    OK NAMESPACE completed
    boris> LIST "" %
    ...
    * LIST (\\NonExistent \\Noselect \\HasChildren) "/" "Other Users"
    * LIST (\\HasNoChildren \\Sent) "/" Sent
    * LIST (\\HasNoChildren \\Trash) "/" Trash
    OK LIST completed
    boris> LIST "" "Other Users/*" RETURN (MYRIGHTS STATUS (MESSAGES))
    * LIST (\\NonExistent \\HasChildren) "/" "Other Users/anna@example.test"
    * LIST (\\HasNoChildren) "/" "Other Users/anna@example.test/INBOX"
    * MYRIGHTS "Other Users/anna@example.test/INBOX" l
    * LIST (\\NonExistent \\HasChildren) "/" "Other Users/anna@example.test/Work"
    * LIST (\\HasNoChildren) "/" "Other Users/anna@example.test/Work/Plans"
    * MYRIGHTS "Other Users/anna@example.test/Work/Plans" lr
    * STATUS "Other Users/anna@example.test/Work/Plans" (MESSAGES 0)
    OK LIST completed
    boris> STATUS "Other Users/anna@example.test/inbox" (MESSAGES)
    NO [NOPERM] You may not read Other Users/anna@example.test/inbox
    boris> STATUS "Other Users/anna@example.test/Work" (MESSAGES)
    NO [NONEXISTENT] There is no mailbox Other Users/anna@example.test/Work
    boris> STATUS "Other Users/anna@example.test/Archive" (MESSAGES)
    * STATUS "Other Users/anna@example.test/Archive" (MESSAGES 0)
    OK STATUS completed
    boris> MYRIGHTS "Other Users/anna@example.test/Sent"
    NO [NONEXISTENT] ...
    boris> GETACL "Other Users/anna@example.test/INBOX"
    NO [NOPERM] You may not administer Other Users/anna@example.test/INBOX
    boris> SUBSCRIBE "Other Users/anna@example.test/Work/Plans"
    OK SUBSCRIBE completed
    boris> LIST (SUBSCRIBED) "" "Other*"
    * LIST (\\HasNoChildren \\Subscribed) "/" "Other Users/anna@example.test/Work/Plans"
    OK LIST completed
    boris> CREATE "Other Users"
    NO [CANNOT] Below Other Users/ stand the mailboxes of other users, by their addresses
    anna> DELETEACL Work/Plans boris
    OK DELETEACL completed
    boris> SELECT "Other Users/anna@example.test/Work/Plans"
    NO [NONEXISTENT] ...
  `)
})

test('a subscription is to the mailbox, however its owner is spelled', async t => {
  const { play } = await openScene(t, 'anna', 'boris')
  await play(`
    boris> SUBSCRIBE "Other Users/ANNA@example.test/Later"
    OK SUBSCRIBE completed
    anna> CREATE Work
    OK ...
    anna> CREATE Later
    OK ...
    anna> SETACL Work boris lr
    OK SETACL completed
    anna> SETACL Later boris lr
    OK SETACL completed
    boris> SUBSCRIBE "Other Users/Anna@EXAMPLE.test/Work"
    OK SUBSCRIBE completed
    boris> UNSUBSCRIBE "Other Users/ANNA@example.test/Later"
    OK UNSUBSCRIBE completed
    boris> LIST (SUBSCRIBED) "" "Other Users/*"
    * LIST (\\HasNoChildren \\Subscribed) "/" "Other Users/anna@example.test/Work"
    OK LIST completed
    boris> UNSUBSCRIBE "Other Users/anna@Example.Test/Work"
    OK UNSUBSCRIBE completed
    boris> LIST (SUBSCRIBED) "" "Other Users/*"
    OK LIST completed
  `)
})

test('an owner of an international domain stands there as people write it', async t => {
  const { play } = await openScene(t, 'olga@xn--e1afmkfd.example', 'boris')
  await play(`
    olga@xn--e1afmkfd.example> SETACL Archive boris@example.test lr
    OK SETACL completed
    boris> LIST "" "Other Users/*"
    * LIST (\\NonExistent \\Noselect \\HasChildren) "/" "Other Users/olga@&BD8EQAQ4BDwENQRA-.example"
    * LIST (\\HasNoChildren) "/" "Other Users/olga@&BD8EQAQ4BDwENQRA-.example/Archive"
    OK LIST completed
    boris> STATUS "Other Users/olga@xn--e1afmkfd.example/Archive" (MESSAGES)
    * STATUS "Other Users/olga@xn--e1afmkfd.example/Archive" (MESSAGES 0)
    OK STATUS completed
    boris> LIST "" "Other Users/olga@&BD8EQAQ4BDwENQRA-.example/%"
    * LIST (\\HasNoChildren) "/" "Other Users/olga@&BD8EQAQ4BDwENQRA-.example/Archive"
    OK LIST completed
    boris> SUBSCRIBE "Other Users/olga@xn--e1afmkfd.example/Archive"
    OK SUBSCRIBE completed
    boris> LIST (SUBSCRIBED) "" "Other Users/*"
    * LIST (\\HasNoChildren \\Subscribed) "/" "Other Users/olga@&BD8EQAQ4BDwENQRA-.example/Archive"
    OK LIST completed
  `)
})

test('groups, anyone of the domain, and what is taken away again', async t => {
  const scene = await openScene(t, 'anna', 'boris', 'carla', 'olga@example.org')
  const { play, storage } = scene
  await addAlias(storage, 'bob@example.test', 'boris@example.test')
  await addGroup(storage, 'inner@example.test', 'bob@example.test')
  await addGroup(storage, 'sales@example.test', 'inner@example.test', 'carla@example.test')
  const rights = (who: string, of: string) => `
    ${who}> MYRIGHTS "Other Users/anna@example.test/Work"
    ${of === '' ? 'NO [NONEXISTENT] ...' : `* MYRIGHTS "Other Users/anna@example.test/Work" ${of}\nOK MYRIGHTS completed`}`
  await play(`
    anna> CREATE Work
    OK ...
    anna> SETACL Work $sales lrs
    OK SETACL completed
    anna> SETACL Work carla w
    OK SETACL completed
    ${rights('boris', 'lrs')}
    ${rights('carla', 'lrsw')}
    ${rights('olga@example.org', '')}
    anna> SETACL Work anyone lri
    OK SETACL completed
    anna> SETACL Work -$sales s
    OK SETACL completed
    anna> SETACL Work -boris i
    OK SETACL completed
    ${rights('boris', 'lr')}
    ${rights('carla', 'lrwi')}
    ${rights('olga@example.org', '')}
    anna> SETACL Work olga@example.org lr
    OK SETACL completed
    ${rights('olga@example.org', 'lr')}
    anna> GETACL Work
    * ACL Work anna@example.test lrswipkxteacd anyone lri -boris@example.test i carla@example.test w olga@example.org lr sales@example.test lrs -sales@example.test s
    OK GETACL completed
  `)
})

test('flags: each right is for its own, and PERMANENTFLAGS says so', async t => {
  const { play, append } = await openScene(t, 'anna', 'boris')
  await append('anna', 'INBOX', { flags: '\\Flagged old' })
  await append('anna', 'INBOX')
  const shared = '"Other Users/anna@example.test/INBOX"'
  await play(`
    anna> SETACL INBOX boris lrs
    OK SETACL completed
    boris> SELECT ${shared}
    * FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft old)
    * 2 EXISTS
    ...
    * OK [PERMANENTFLAGS (\\Seen)] Flags that are kept
    ...
    OK [READ-WRITE] SELECT completed
    boris> STORE 1 FLAGS (\\Seen \\Answered new)
    * 1 FETCH (UID 1 FLAGS (\\Seen \\Flagged old))
    OK STORE completed
    boris> STORE 2 +FLAGS (\\Deleted \\Flagged new)
    NO [NOPERM] You may set none of these flags in this mailbox
    boris> STORE 1 -FLAGS (\\Seen \\Flagged)
    * 1 FETCH (UID 1 FLAGS (\\Flagged old))
    OK STORE completed
    boris> EXPUNGE
    NO [NOPERM] You may not expunge messages of this mailbox
    anna> SETACL INBOX boris lrwte
    OK SETACL completed
    boris> FETCH 1 BODY[TEXT]
    * 1 FETCH (BODY[TEXT] {6}
    text
    )
    * FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft old)
    * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Draft old \\*)] Flags that are kept
    OK FETCH completed
    boris> STORE 2 FLAGS (\\Seen \\Deleted new)
    * FLAGS ...
    * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Draft new old \\*)] Flags that are kept
    * 2 FETCH (UID 2 FLAGS (\\Deleted new))
    OK STORE completed
    boris> STORE 1 FLAGS ()
    * 1 FETCH (UID 1 FLAGS ())
    OK STORE completed
    boris> EXPUNGE
    * 2 EXPUNGE
    OK EXPUNGE completed
    anna> STATUS INBOX (MESSAGES UNSEEN)
    * STATUS INBOX (MESSAGES 1 UNSEEN 1)
    OK STATUS completed
    boris> CLOSE
    OK CLOSE completed
    anna> SETACL INBOX boris lr
    OK SETACL completed
    boris> SELECT ${shared}
    ...
    * OK [PERMANENTFLAGS ()] Flags that are kept
    ...
    OK [READ-ONLY] SELECT completed
    boris> STORE 1 +FLAGS (\\Seen)
    NO [NOPERM] ...
  `)
})

test('CLOSE expunges nothing without e, and says nothing of it', async t => {
  const { play, append } = await openScene(t, 'anna', 'boris')
  await append('anna', 'INBOX', { flags: '\\Deleted' })
  await play(`
    anna> SETACL INBOX boris lrt
    OK SETACL completed
    boris> SELECT "Other Users/anna@example.test/INBOX"
    ...
    boris> CLOSE
    OK CLOSE completed
    anna> STATUS INBOX (MESSAGES)
    * STATUS INBOX (MESSAGES 1)
    OK STATUS completed
  `)
})

test('messages come in with i, with those flags that may be set; they go out with t and e', async t => {
  const { play, append } = await openScene(t, 'anna', 'boris')
  const shared = 'Other Users/anna@example.test/Work'
  await play(`
    anna> CREATE Work
    OK ...
    anna> SETACL Work boris lrisk
    OK SETACL completed
  `)
  await append('boris', 'INBOX', { flags: '\\Seen \\Flagged \\Deleted key' })
  await append('boris', 'INBOX', { flags: '\\Answered' })
  await append('boris', shared, { flags: '\\Seen \\Draft key' })
  await play(`
    boris> SELECT INBOX
    ...
    boris> COPY 1:2 "${shared}"
    OK [COPYUID ... 1:2 2:3] COPY completed
    boris> MOVE 2 "${shared}"
    * OK [COPYUID ... 2 4] Moved
    * 2 EXPUNGE
    OK MOVE completed
    boris> STATUS INBOX (MESSAGES UNSEEN DELETED)
    * STATUS INBOX (MESSAGES 1 UNSEEN 0 DELETED 1)
    OK STATUS completed
    boris> SELECT "${shared}"
    ...
    boris> FETCH 1:* FLAGS
    * 1 FETCH (FLAGS (\\Seen))
    * 2 FETCH (FLAGS (\\Seen))
    * 3 FETCH (FLAGS ())
    * 4 FETCH (FLAGS ())
    OK FETCH completed
    boris> COPY 1 INBOX
    OK [COPYUID ...] COPY completed
    boris> MOVE 1 INBOX
    NO [NOPERM] You may not take messages out of this mailbox
    anna> STATUS Work (MESSAGES UNSEEN DELETED)
    * STATUS Work (MESSAGES 4 UNSEEN 2 DELETED 0)
    OK STATUS completed
    anna> SETACL Work boris lr
    OK SETACL completed
    boris> COPY 1 "${shared}"
    * FLAGS ...
    * OK [PERMANENTFLAGS ()] ...
    NO [NOPERM] You may not put messages into ${shared}
    anna> SETACL Work boris lrte
    OK SETACL completed
    boris> MOVE 1:2 INBOX
    * OK [COPYUID ... 1:2 4:5] Moved
    * 1 EXPUNGE
    * 1 EXPUNGE
    * FLAGS ...
    * OK [PERMANENTFLAGS (\\Deleted)] ...
    OK MOVE completed
    boris> COPY 1 "Other Users/anna@example.test/Nowhere"
    NO [TRYCREATE] ...
  `)
})

test('mailboxes below a shared one: made with k, shared as it is, renamed and removed with x', async t => {
  const { play } = await openScene(t, 'anna', 'boris', 'carla')
  await play(`
    anna> CREATE Work
    OK ...
    anna> SETACL Work boris lrk
    OK SETACL completed
    anna> SETACL Work carla lr
    OK SETACL completed
    boris> CREATE "Other Users/anna@example.test/Work/Plans"
    OK [MAILBOXID (...)] CREATE completed
    boris> CREATE "Other Users/anna@example.test/Mine"
    NO [NOPERM] You may not make mailboxes there
    boris> CREATE "Other Users/carla@example.test/Mine"
    NO [NOPERM] You may not make mailboxes there
    carla> CREATE "Other Users/anna@example.test/Work/Other"
    NO [NOPERM] You may not make mailboxes there
    anna> GETACL Work/Plans
    * ACL Work/Plans anna@example.test lrswipkxteacd boris@example.test lrkc carla@example.test lr
    OK GETACL completed
    boris> DELETE "Other Users/anna@example.test/Work/Plans"
    NO [NOPERM] You may not remove or rename Other Users/anna@example.test/Work/Plans
    anna> SETACL Work/Plans boris +x
    OK SETACL completed
    boris> RENAME "Other Users/anna@example.test/Work/Plans" Plans
    NO [CANNOT] A mailbox stays with its owner; make another one, and move the messages
    boris> RENAME "Other Users/anna@example.test/Work/Plans" "Other Users/anna@example.test/Plans"
    NO [NOPERM] You may not make mailboxes there
    boris> RENAME "Other Users/anna@example.test/Work/Plans" "Other Users/anna@example.test/Work/Ideas"
    OK RENAME completed
    anna> GETACL Work/Ideas
    * ACL Work/Ideas anna@example.test lrswipkxteacd boris@example.test lrkxc carla@example.test lr
    OK GETACL completed
    boris> DELETE "Other Users/anna@example.test/Work/Ideas"
    OK DELETE completed
    anna> LIST "" Work/*
    OK LIST completed
    anna> CREATE Work/Ideas
    OK ...
    anna> GETACL Work/Ideas
    * ACL Work/Ideas anna@example.test lrswipkxteacd boris@example.test lrkc carla@example.test lr
    OK GETACL completed
  `)
})

test('sessions of several accounts see each change at once; who loses r has lost the messages', async t => {
  const { play, append } = await openScene(t, 'anna', 'boris')
  await append('anna', 'INBOX')
  await play(`
    anna> SETACL INBOX boris lrswite
    OK SETACL completed
    boris> SELECT "Other Users/anna@example.test/INBOX"
    ...
    anna> SELECT INBOX
    ...
  `)
  await append('boris', 'Other Users/anna@example.test/INBOX')
  await play(`
    anna> NOOP
    * 2 EXISTS
    OK NOOP completed
    boris> NOOP
    OK NOOP completed
    anna> STORE 1 +FLAGS (\\Seen)
    * 1 FETCH (UID 1 FLAGS (\\Seen))
    OK STORE completed
    boris> NOOP
    * 1 FETCH (UID 1 FLAGS (\\Seen))
    OK NOOP completed
    anna> DELETEACL INBOX boris
    OK DELETEACL completed
    boris> SEARCH TEXT text
    NO [NOPERM] You may not read this mailbox any more
    boris> NOOP
    * 1 EXPUNGE
    * 1 EXPUNGE
    OK NOOP completed
    boris> FETCH 1:* FLAGS
    ...
  `)
})

test('what is put into a shared mailbox counts for its owner, whose quota nobody else sees', async t => {
  const { play, append } = await openLimitedScene(t, { bytes: 0, messages: 2 }, 'anna', 'boris')
  const shared = 'Other Users/anna@example.test/INBOX'
  await append('anna', 'INBOX')
  await append('boris', 'INBOX')
  await play(`
    anna> SETACL INBOX boris lrite
    OK SETACL completed
    boris> SELECT INBOX
    ...
    boris> COPY 1 "${shared}"
    OK ...
    boris> COPY 1 "${shared}"
    NO [OVERQUOTA] ...
    boris> MOVE 1 "${shared}"
    NO [OVERQUOTA] ...
    boris> GETQUOTAROOT "${shared}"
    * QUOTAROOT "${shared}"
    OK GETQUOTAROOT completed
    boris> GETQUOTAROOT "Other Users/anna@example.test/Sent"
    NO [NONEXISTENT] ...
    boris> GETQUOTA ""
    * QUOTA "" (MESSAGE 1 2)
    OK GETQUOTA completed
    anna> GETQUOTA ""
    * QUOTA "" (MESSAGE 2 2)
    OK GETQUOTA completed
    boris> SELECT "${shared}"
    ...
    boris> MOVE 1 INBOX
    ...
    OK MOVE completed
    boris> GETQUOTA ""
    * QUOTA "" (MESSAGE 2 2)
    OK GETQUOTA completed
    anna> GETQUOTA ""
    * QUOTA "" (MESSAGE 1 2)
    OK GETQUOTA completed
  `)
})

test('rights go with the account, the group and the mailbox that they are about', async t => {
  const { play, storage } = await openScene(t, 'anna', 'boris')
  await addGroup(storage, 'sales@example.test', 'boris@example.test')
  await play(`
    anna> CREATE Work
    OK ...
    anna> SETACL Work sales lr
    OK SETACL completed
  `)
  const sales = { localPart: 'sales', domain: 'example.test' }
  await storage.run(removeRedirection, { kind: 'group', address: sales })
  await addGroup(storage, 'other@example.test', 'boris@example.test')
  await play(`
    anna> GETACL Work
    * ACL Work anna@example.test lrswipkxteacd
    OK GETACL completed
    boris> LIST "" "Other*"
    OK LIST completed
  `)
})

test('a message is put together of what others share, while they do (CATENATE)', async t => {
  const { append, play, say } = await openScene(t, 'anna', 'boris')
  await append('anna', 'INBOX', { text: 'of anna' })
  const whole =
    'APPEND Drafts CATENATE (TEXT {8+}\r\nA: b\r\n\r\n URL "/Other%20Users/anna@example.test/inbox/;UID=1/;SECTION=HEADER")'
  const relative = 'APPEND Drafts CATENATE (TEXT {8+}\r\nA: b\r\n\r\n URL ";UID=1/;SECTION=HEADER")'
  await play(`
    anna> SETACL INBOX boris lr
    OK ...
    boris> SELECT "Other Users/anna@example.test/INBOX"
    ...
    OK ...
  `)
  assert.match((await say('boris', whole)).join(), /OK \[APPENDUID/)
  assert.match((await say('boris', relative)).join(), /OK \[APPENDUID/)
  await play(`
    anna> SETACL INBOX boris l
    OK ...
  `)
  assert.match((await say('boris', whole)).join(), /NO \[BADURL/)
  assert.match((await say('boris', relative)).join(), /NO \[BADURL/)
})
