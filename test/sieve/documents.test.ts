// docs/sieve.md says what the language here is.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { extensions, vocabulary } from '../../src/sieve/language/vocabulary.ts'
import { defaultLimits } from '../../src/sieve/limits.ts'
import { decide } from '../harness/sieve.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/sieve.md'), 'utf8')

describe('the page about Sieve', () => {
  it('names every extension, and no other', () => {
    const rows = [...page.matchAll(/^\| (`[^|]+`) \| [^|]+ \| (?:\d{4}(?:, \d{4})*|draft) \|$/gm)]
    const named = rows.flatMap(([, names = '']) =>
      [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
    )
    assert.deepEqual(named.sort(), [...extensions].sort())
  })

  it('has an extension for every command and test that needs one', () => {
    const needed = [...vocabulary.commands.values(), ...vocabulary.tests.values()].flatMap(
      each => each.extensions ?? [],
    )
    assert.deepEqual(
      needed.filter(each => !extensions.includes(each)),
      [],
    )
  })

  it('says the limits that there are', () => {
    const { maxScriptBytes, maxTokens, maxNesting, maxSteps, maxVariables, maxVariableLength } = defaultLimits
    const thousands = (value: number): string => value.toLocaleString('en-US')
    for (const text of [
      `${maxScriptBytes / 1024} KiB, ${thousands(maxTokens)} words and signs, blocks and tests ${maxNesting} deep`,
      `${thousands(maxSteps)} steps`,
      `${maxVariables} of ${maxVariableLength} characters each; ${defaultLimits.maxExpandedLength / 1024 / 1024} MiB`,
      `${defaultLimits.maxActions}; ${defaultLimits.maxRedirects} redirects, ${defaultLimits.maxNotifications} notifications`,
      `${defaultLimits.maxIncludes}, ${defaultLimits.maxIncludeDepth} deep`,
      `the first ${defaultLimits.maxBodyBytes / 1024 / 1024} MiB`,
      `${defaultLimits.maxHeaderBytes / 1024} KiB |`,
      `${defaultLimits.maxVacationSeconds / 86_400} days`,
      `${defaultLimits.maxDuplicateSeconds / 86_400} days`,
    ])
      assert.ok(page.includes(text), text)
  })

  it('begins with a script that does what it says', async () => {
    const script = [...page.matchAll(/^ {4}(.*)$/gm)].map(([, line]) => line).join('\n')
    assert.deepEqual(await decide(script, 'Subject: Invoice 7\n\n'), ['fileinto Invoices [\\Flagged]'])
    assert.deepEqual(await decide(script, 'From: a@example.org\n\n'), ['fileinto Work'])
    assert.deepEqual(await decide(script, 'From: a@example.net\n\n'), ['implicit keep'])
  })
})
