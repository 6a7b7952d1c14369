// Signatures as dkimpy (Debian: python3-dkim) sees them: not our code, and not the one that the other tests verify with.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ArcSealer } from '../../src/signing/arc-sealer.ts'
import { makeKeyPair, openKey } from '../../src/signing/key-pair.ts'
import { formatKeyRecord, keyRecordName } from '../../src/signing/key-record.ts'
import { DkimSigner } from '../../src/signing/message-signer.ts'
import type { SigningKey } from '../../src/signing/signing-key.ts'
import { keyAlgorithms } from '../../src/signing/signing-key.ts'
import { createManualClock } from '../harness/manual-clock.ts'
import { runProgram } from '../harness/programs.ts'

const python = '/usr/bin/python3'

/** Verifies each signature by itself. */
const script = `
import base64, json, sys, dkim
given = json.load(sys.stdin)
records = {name + '.': record.encode() for name, record in given['records'].items()}
verifier = dkim.DKIM(base64.b64decode(given['message']))
look_up = lambda name, timeout=5: records.get(name.decode() if isinstance(name, bytes) else name)
def verify(index):
    try:
        return verifier.verify(index, dnsfunc=look_up)
    except dkim.DKIMException as problem:
        return str(problem).split(' (')[0]
print(json.dumps([verify(index) for index in range(2)]))
`

const isThere = await runProgram([python, '-c', 'import dkim, nacl']).then(
  ({ exitCode }) => exitCode === 0,
  () => false,
)

test('dkimpy verifies both signatures', {
  skip: !isThere && 'not installed: python3-dkim, python3-nacl (.ci/run installs them on Debian)',
}, async () => {
  const records: Record<string, string> = {}
  const keys = await Promise.all(
    keyAlgorithms.map(async algorithm => {
      const pair = await makeKeyPair(algorithm)
      const name = { domain: 'example.test', selector: `s-${algorithm}` }
      records[keyRecordName(name.domain, name.selector)] = formatKeyRecord(pair)
      return openKey({ ...name, algorithm, privateKey: pair.privateKey })
    }),
  )
  const signer = new DkimSigner({
    keys: {
      hasDomains: () => Promise.resolve(true),
      find: () => Promise.resolve({ domain: 'example.test', keys }),
    },
    storage: { run: () => Promise.reject(new Error('not asked')) },
    clock: createManualClock(Date.now()),
    senderAddress: 'own',
  })
  const text = Buffer.from(
    'From: Anna <anna@example.test>\r\nTo: boris@example.org\r\nSubject:  a \t subject\r\n  in two lines \r\n\r\n Text  with blanks \r\n\r\nGr\u00fc\u00dfe\r\n\r\n \r\n',
  )
  const verify = async (message: Uint8Array): Promise<unknown> => {
    const input = JSON.stringify({ records, message: Buffer.from(message).toString('base64') })
    const { stdout, stderr, exitCode } = await runProgram([python, '-c', script], { input })
    assert.equal(exitCode, 0, stderr)
    return JSON.parse(stdout)
  }
  const { fields } = await signer.sign({
    message: { id: 1, isReport: true },
    form: 'as-it-is',
    mailData: {
      size: text.length,
      async *open() {
        yield text
      },
    },
  })
  assert.deepEqual(await verify(Buffer.concat([fields, text])), [true, true])
  const changed = Buffer.concat([fields, text, Buffer.from('more\r\n')])
  assert.deepEqual(await verify(changed), ['body hash mismatch', 'body hash mismatch'])
})

/** What it says of the chain of ARC sets: 'pass', and how many. */
const arcScript = `
import base64, json, sys, dkim
given = json.load(sys.stdin)
records = {name + '.': record.encode() for name, record in given['records'].items()}
look_up = lambda name, timeout=5: records.get(name.decode() if isinstance(name, bytes) else name)
cv, results, reason = dkim.arc_verify(base64.b64decode(given['message']), dnsfunc=look_up)
print(json.dumps([cv.decode() if cv else None, len(results), reason]))
`

test('dkimpy verifies chains of ARC sets, and finds what was changed behind the last of them', {
  skip: !isThere && 'not installed: python3-dkim, python3-nacl (.ci/run installs them on Debian)',
}, async () => {
  const records: Record<string, string> = {}
  const makeKey = async (domain: string): Promise<SigningKey> => {
    const pair = await makeKeyPair('rsa')
    records[keyRecordName(domain, 's1')] = formatKeyRecord(pair)
    return openKey({ domain, selector: 's1', algorithm: 'rsa', privateKey: pair.privateKey })
  }
  const verify = async (message: Uint8Array): Promise<unknown> => {
    const input = JSON.stringify({ records, message: Buffer.from(message).toString('base64') })
    const { stdout, stderr, exitCode } = await runProgram([python, '-c', arcScript], { input })
    assert.equal(exitCode, 0, stderr)
    return JSON.parse(stdout)
  }
  let text: Uint8Array = Buffer.from(
    'From: Anna <anna@example.test>\r\nTo: boris@example.org\r\nSubject:  a \t subject\r\n  in two lines \r\n\r\n Text  with blanks \r\n\r\n\r\n \r\n',
  )
  for (const [number, domain] of ['first.test', 'second.test', 'third.test'].entries()) {
    const hostname = `mx.${domain}`
    const key = await makeKey(domain)
    const sealer = new ArcSealer({
      keys: { hasDomains: () => Promise.resolve(true), find: () => Promise.resolve({ domain, keys: [key] }) },
      clock: createManualClock(Date.now()),
      hostname,
      others: { sign: () => Promise.reject(new Error('not asked')) },
    })
    const traceFields = `Authentication-Results: ${hostname};\r\n\tspf=pass smtp.mailfrom=a@example.test${number === 0 ? '' : ';\r\n\tarc=pass'}\r\n`
    const arrived = Buffer.concat([Buffer.from(traceFields), text])
    const { fields, seal } = await sealer.sign({
      message: { id: 1, isReport: false, traceFields },
      form: 'as-it-is',
      forwardedBy: { localPart: 'alias', domain },
      mailData: {
        size: arrived.length,
        async *open() {
          yield arrived
        },
      },
    })
    assert.deepEqual(seal, {
      domain,
      selector: 's1',
      instance: number + 1,
      chain: number === 0 ? 'none' : 'pass',
    })
    text = Buffer.concat([fields, arrived])
    assert.deepEqual(await verify(text), ['pass', number + 1, 'success'])
  }
  const changed = (await verify(Buffer.concat([text, Buffer.from('more\r\n')]))) as readonly unknown[]
  assert.equal(changed[0], 'fail')
})
