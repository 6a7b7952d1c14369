// What is noted of mailboxes and of the server (RFC 5464): whose it is, and how much of it there may be.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openScene } from './open-scene.ts'

test('entries are set, read by name, depth and size, and taken away', async t => {
  const { play } = await openScene(t, 'anna')
  await play(`
    anna> SETMETADATA INBOX (/private/comment "mine" /shared/comment "ours" /shared/vendor/x/a "1" /shared/vendor/x/a/b "22")
    OK SETMETADATA completed
    anna> GETMETADATA INBOX (/shared/comment /private/comment /private/other)
    * METADATA INBOX (/shared/comment "ours" /private/comment "mine" /private/other NIL)
    OK GETMETADATA completed
    anna> GETMETADATA (DEPTH 1) INBOX /shared/vendor/x
    * METADATA INBOX (/shared/vendor/x/a "1")
    OK GETMETADATA completed
    anna> GETMETADATA (DEPTH infinity) INBOX /shared
    * METADATA INBOX (/shared/comment "ours" /shared/vendor/x/a "1" /shared/vendor/x/a/b "22")
    OK GETMETADATA completed
    anna> GETMETADATA INBOX (DEPTH infinity MAXSIZE 3) /shared
    * METADATA INBOX (/shared/vendor/x/a "1" /shared/vendor/x/a/b "22")
    OK [METADATA LONGENTRIES 4] GETMETADATA completed
    anna> SETMETADATA INBOX (/shared/vendor/x/a NIL /private/comment "new")
    OK SETMETADATA completed
    anna> GETMETADATA (DEPTH infinity) INBOX (/shared/vendor /private)
    * METADATA INBOX (/shared/vendor/x/a/b "22" /private/comment "new")
    OK GETMETADATA completed
    anna> GETMETADATA (DEPTH infinity) INBOX /shared/nothing
    OK GETMETADATA completed
    anna> GETMETADATA Nowhere /shared/comment
    NO [NONEXISTENT] ...
  `)
})

test('private entries are for who has set them, shared ones for all who may read; only who may flag sets those', async t => {
  const { play } = await openScene(t, 'anna', 'boris')
  const inbox = '"Other Users/anna@example.test/INBOX"'
  await play(`
    anna> SETACL INBOX boris l
    OK SETACL completed
    anna> SETMETADATA INBOX (/private/comment "mine" /shared/comment "ours")
    OK SETMETADATA completed
    boris> GETMETADATA ${inbox} /shared/comment
    NO [NOPERM] You may not read Other Users/anna@example.test/INBOX
    anna> SETACL INBOX boris lr
    OK SETACL completed
    boris> GETMETADATA ${inbox} (/private/comment /shared/comment)
    * METADATA ${inbox} (/private/comment NIL /shared/comment "ours")
    OK GETMETADATA completed
    boris> SETMETADATA ${inbox} (/private/comment "his")
    OK SETMETADATA completed
    boris> SETMETADATA ${inbox} (/private/comment "other" /shared/comment "other")
    NO [NOPERM] You may not flag Other Users/anna@example.test/INBOX
    anna> SETACL INBOX boris lrw
    OK SETACL completed
    boris> SETMETADATA ${inbox} (/shared/comment "all of us")
    OK SETMETADATA completed
    anna> GETMETADATA INBOX (/private/comment /shared/comment)
    * METADATA INBOX (/private/comment "mine" /shared/comment "all of us")
    OK GETMETADATA completed
    boris> GETMETADATA ${inbox} /private/comment
    * METADATA ${inbox} (/private/comment "his")
    OK GETMETADATA completed
  `)
})

test('the server: whom to ask, and notes of one account', async t => {
  const { play } = await openScene(t, 'anna', 'boris')
  await play(`
    anna> GETMETADATA "" (/shared/admin /shared/comment)
    * METADATA "" (/shared/admin "mailto:postmaster@example.test" /shared/comment NIL)
    OK GETMETADATA completed
    anna> SETMETADATA "" (/private/vendor/x/y "1")
    OK SETMETADATA completed
    anna> SETMETADATA "" (/shared/admin "mailto:anna@example.test")
    NO [NOPERM] What everybody reads of the server is a matter of its administrator
    anna> GETMETADATA (DEPTH infinity) "" /private
    * METADATA "" (/private/vendor/x/y "1")
    OK GETMETADATA completed
    boris> GETMETADATA (DEPTH infinity) "" /private
    OK GETMETADATA completed
  `)
})

test('what a mailbox is for is an entry too (RFC 6154)', async t => {
  const { play } = await openScene(t, 'anna', 'boris')
  await play(`
    anna> GETMETADATA Sent /private/specialuse
    * METADATA Sent (/private/specialuse "\\\\Sent")
    OK GETMETADATA completed
    anna> CREATE Gesendet
    OK ...
    anna> SETMETADATA Gesendet (/private/specialuse "\\\\Sent")
    NO [USEATTR] You have another mailbox for that
    anna> SETMETADATA Gesendet (/private/specialuse "\\\\Nonsense")
    NO [USEATTR] A mailbox can be one of ...
    anna> SETMETADATA Sent (/private/specialuse NIL)
    OK SETMETADATA completed
    anna> SETMETADATA Gesendet (/private/specialuse "\\\\sent" /private/comment "moved")
    OK SETMETADATA completed
    anna> LIST "" %en* RETURN (SPECIAL-USE)
    * LIST (\\HasNoChildren \\Sent) "/" Gesendet
    * LIST (\\HasNoChildren) "/" Sent
    OK LIST completed
    anna> SETACL Gesendet boris lrwa
    OK SETACL completed
    boris> GETMETADATA "Other Users/anna@example.test/Gesendet" /private/specialuse
    * METADATA "Other Users/anna@example.test/Gesendet" (/private/specialuse NIL)
    OK GETMETADATA completed
    boris> SETMETADATA "Other Users/anna@example.test/Gesendet" (/private/specialuse NIL)
    NO [NOPERM] What a mailbox is for is a matter of its owner
  `)
})

test('notes are bounded in size, number and together, and a change that is refused changes nothing', async t => {
  const { play, say } = await openScene(t, 'anna')
  const many = (from: number, count: number, value = '"x"'): string =>
    Array.from({ length: count }, (_, at) => `/shared/vendor/x/${from + at} ${value}`).join(' ')
  const text = 'x'.repeat(64 * 1024)
  const large = `{${text.length}+}\r\n${text}`
  await play(`
    anna> SETMETADATA INBOX (${many(0, 100)})
    OK SETMETADATA completed
    anna> SETMETADATA INBOX (/shared/vendor/x/0 "changed" /shared/vendor/x/100 "x")
    NO [METADATA TOOMANY] There are as many notes as there can be
    anna> GETMETADATA INBOX /shared/vendor/x/0
    * METADATA INBOX (/shared/vendor/x/0 "x")
    OK GETMETADATA completed
    anna> SETMETADATA INBOX (/shared/vendor/x/0 NIL /shared/vendor/x/100 "x" /private/vendor/x/0 "x")
    OK SETMETADATA completed
  `)
  const tooLong = `{${text.length + 1}+}\r\n${text}x`
  assert.deepEqual(await say('anna', `SETMETADATA INBOX (/private/comment ${tooLong})`), [
    'NO [METADATA MAXSIZE 65536] This is too long',
  ])
  const longName = `/private/vendor/${'x'.repeat(185)}`
  assert.deepEqual(await say('anna', `SETMETADATA INBOX (${longName} "x")`), [
    'NO [LIMIT] The name of an entry has 200 characters at most',
  ])
  assert.deepEqual(await say('anna', `SETMETADATA INBOX (${longName} NIL)`), ['OK SETMETADATA completed'])
  for (let mailbox = 0; mailbox < 10; mailbox++) {
    await say('anna', `CREATE m${mailbox}`)
    assert.deepEqual(await say('anna', `SETMETADATA m${mailbox} (${many(0, 15, large)})`), [
      'OK SETMETADATA completed',
    ])
  }
  // 10 MiB together: those of INBOX are a few octets of it.
  await say('anna', 'CREATE last')
  assert.match(
    String(await say('anna', `SETMETADATA last (${many(0, 10, large)})`)),
    /^NO \[METADATA TOOMANY\]/,
  )
  assert.deepEqual(await say('anna', `SETMETADATA last (${many(0, 9, large)})`), ['OK SETMETADATA completed'])
})

test('large notes are told in several responses, each whole', async t => {
  const { say } = await openScene(t, 'anna')
  const text = 'x'.repeat(60 * 1024)
  const names = [1, 2, 3, 4, 5].map(number => `/shared/vendor/x/${number}`)
  for (const name of names)
    assert.deepEqual(await say('anna', `SETMETADATA INBOX (${name} {${text.length}+}\r\n${text})`), [
      'OK SETMETADATA completed',
    ])
  const heard = await say('anna', 'GETMETADATA (DEPTH infinity) INBOX /shared')
  const heads = heard.filter(line => !line.startsWith('x'))
  assert.equal(heads.filter(line => line.startsWith('* METADATA INBOX (')).length, 3)
  assert.equal(heard.join('').split(text).length - 1, names.length)
  assert.equal(heard.at(-1), 'OK GETMETADATA completed')
})

test('notes go with the mailbox, and INBOX that is renamed leaves them and takes them along', async t => {
  const { play } = await openScene(t, 'anna')
  await play(`
    anna> CREATE Work
    OK ...
    anna> SETMETADATA Work (/shared/comment "work")
    OK SETMETADATA completed
    anna> RENAME Work Job
    OK RENAME completed
    anna> GETMETADATA Job /shared/comment
    * METADATA Job (/shared/comment "work")
    OK GETMETADATA completed
    anna> DELETE Job
    OK DELETE completed
    anna> CREATE Job
    OK ...
    anna> GETMETADATA Job /shared/comment
    * METADATA Job (/shared/comment NIL)
    OK GETMETADATA completed
    anna> SETMETADATA INBOX (/shared/comment "in")
    OK SETMETADATA completed
    anna> RENAME INBOX Old
    OK RENAME completed
    anna> GETMETADATA Old /shared/comment
    * METADATA Old (/shared/comment "in")
    OK GETMETADATA completed
    anna> GETMETADATA INBOX /shared/comment
    * METADATA INBOX (/shared/comment "in")
    OK GETMETADATA completed
  `)
})
