// The public ARC test suite, its validation half (ValiMail/arc_test_suite): every case.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { readChain } from '../../src/mail-authentication/arc/chain.ts'
import { verifyChain } from '../../src/mail-authentication/arc/verify.ts'
import { KeyRing } from '../../src/mail-authentication/dkim/key.ts'
import { SignedHeader } from '../../src/mail-authentication/dkim/signed-header.ts'
import { hashesFor } from '../../src/mail-authentication/dkim/verify.ts'
import { HeaderSplitter } from '../../src/message/header-section.ts'
import { createZone } from './zone.ts'

interface Scenario {
  readonly description: string
  readonly tests: Readonly<Record<string, { readonly message: string; readonly cv: string }>>
  readonly 'txt-records': Readonly<Record<string, string>>
}

const { scenarios } = JSON.parse(
  readFileSync(new URL('vectors/arc-validation-tests.json', import.meta.url), 'utf8'),
) as { scenarios: readonly Scenario[] }

/** Of a draft before RFC 8617; the RFC wants something else. */
const otherwise: Readonly<Record<string, string>> = {
  // RFC 8617 §4.1.2: c= as in RFC 6376 §3.5, where the default is simple/simple; the case is signed relaxed.
  ams_fields_c_na: 'fail',
  // RFC 6376 §3.5, §5.4: h= must not be empty, and has to name From.
  ams_fields_h_empty: 'fail',
}

describe('the ARC suite', () => {
  let count = 0
  for (const { description, tests, 'txt-records': records } of scenarios) {
    describe(description, () => {
      const dns = createZone(
        Object.fromEntries(Object.entries(records ?? {}).map(([name, text]) => [name, { txt: [text] }])),
      )
      for (const [name, { message, cv }] of Object.entries(tests)) {
        count++
        it(name, async () => {
          const bytes = Buffer.from(message.replaceAll('\n', '\r\n'), 'latin1')
          const splitter = new HeaderSplitter(256 * 1024)
          const taken = splitter.take(bytes)
          const { section, rest } = typeof taken === 'string' ? splitter.finish() : taken
          const header = new SignedHeader(section)
          const chain = readChain(header)
          const hashes = hashesFor(chain.kind === 'chain' ? [chain.messageSignature] : [])
          hashes.write(rest.subarray(2))
          hashes.finish()
          const { result, problem } = await verifyChain(chain, {
            keys: new KeyRing(dns),
            header,
            hashes,
            at: 0,
          })
          // Of a chain that is broken already the suite says nothing.
          assert.equal(result, otherwise[name] ?? (cv === '' ? 'fail' : cv.toLowerCase()), problem ?? '')
        })
      }
    })
  }
  it('has all its cases', t => {
    t.diagnostic(`${count} cases of the ARC suite, ${Object.keys(otherwise).length} decided otherwise`)
    assert.equal(count, 171)
  })
})
