// UIDONLY (RFC 9586) over real storage: no number of a message is said, whoever changes the mailbox.
import { test } from 'node:test'
import { openScene } from './open-scene.ts'

test('what is asked for and what happens is told by UID, without QRESYNC too', async t => {
  const { play, append } = await openScene(t, 'anna')
  for (let count = 0; count < 4; count++) await append('anna', 'INBOX')
  await play(`
    anna> SELECT INBOX
    ...
    anna> STORE 1 +FLAGS.SILENT (\\Deleted)
    OK STORE completed
    anna> EXPUNGE
    * 1 EXPUNGE
    OK EXPUNGE completed
    anna2> ENABLE UIDONLY
    * ENABLED UIDONLY
    OK ENABLE completed
    anna2> SELECT INBOX
    * FLAGS ...
    * 3 EXISTS
    * OK [UIDVALIDITY ...] ...
    ...
    anna2> UID FETCH 1:* (FLAGS UID)
    * 2 UIDFETCH (FLAGS () UID 2)
    * 3 UIDFETCH (FLAGS () UID 3)
    * 4 UIDFETCH (FLAGS () UID 4)
    OK FETCH completed
    anna2> UID FETCH 3 BODY[TEXT]
    * 3 UIDFETCH (BODY[TEXT] {6}
    text
    ...
    anna> NOOP
    * 2 FETCH (UID 3 FLAGS (\\Seen))
    OK NOOP completed
    anna> STORE 1:2 +FLAGS (\\Deleted)
    ...
    anna2> NOOP
    * 2 UIDFETCH (FLAGS (\\Deleted))
    * 3 UIDFETCH (FLAGS (\\Seen \\Deleted))
    OK NOOP completed
    anna> EXPUNGE
    ...
    anna2> NOOP
    * VANISHED 2:3
    OK NOOP completed
    anna2> UID SEARCH RETURN (ALL COUNT) NOT DELETED
    * ESEARCH (TAG ...) UID ALL 4 COUNT 1
    OK SEARCH completed
    anna2> FETCH 1 FLAGS
    BAD [UIDREQUIRED] ...
  `)
})
