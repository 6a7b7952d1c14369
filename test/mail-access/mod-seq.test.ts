// What a client hears that has asked for mod-sequences (RFC 7162).
import { test } from 'node:test'
import { openScene } from './open-scene.ts'

test('what a FETCH has set is told once, with its mod-sequence where the client knows of these', async t => {
  const { play, append } = await openScene(t, 'anna')
  for (let count = 0; count < 2; count++) await append('anna', 'INBOX')
  await play(String.raw`
    anna> SELECT INBOX
    ...
    OK [READ-WRITE] SELECT completed
    anna> FETCH 1 BODY[TEXT]
    * 1 FETCH (BODY[TEXT] {6}
    text
    ...FLAGS (\Seen))
    OK FETCH completed
    anna> FETCH 2 MODSEQ
    ...
    OK FETCH completed
    anna> FETCH 2 BODY[TEXT]
    * 2 FETCH (BODY[TEXT] {6}
    text
    )
    * 2 FETCH (UID 2 FLAGS (\Seen) MODSEQ (...))
    OK FETCH completed
    anna> NOOP
    OK NOOP completed
  `)
})
