// The report as HTML: well-formed, says what the text says, loads nothing, and shows what strangers wrote as text.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { ReportedRecipient } from '../../src/bounce/report.ts'
import { failed, report } from './read-report.ts'

const empty = new Set(['meta', 'br', 'hr'])

/** The text of the document, an element that starts a line on a line of its own. Fails where it is not well-formed. */
function readHtml(html: string): string {
  const open: string[] = []
  let text = ''
  let rest = html.replace(/^<!DOCTYPE html>\n/, '')
  assert.notEqual(rest, html, 'a document type')
  while (rest !== '') {
    const tag = rest.startsWith('<')
      ? (/^<(\/?)([a-z][a-z0-9]*)((?:\s+[a-z-]+="[^"<>]*")*)\s*>/.exec(rest) ??
        assert.fail(`no tag: ${rest.slice(0, 80)}`))
      : undefined
    if (tag) {
      const [all, slash, name = ''] = tag
      if (slash) assert.equal(open.pop(), name)
      else if (!empty.has(name)) open.push(name)
      rest = rest.slice(all.length)
      continue
    }
    const [chunk] = /^[^<]+/.exec(rest) ?? assert.fail()
    assert.doesNotMatch(chunk, /&(?!(?:amp|lt|gt|quot|#39);)/)
    text += chunk
    rest = rest.slice(chunk.length)
  }
  assert.deepEqual(open, [])
  return unescapeHtml(text).replaceAll(/\s+/g, ' ')
}

function unescapeHtml(text: string): string {
  const characters: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' }
  return text.replaceAll(/&([a-z0-9#]+);/g, (_, name: string) => characters[name] ?? assert.fail(name))
}

const outlook = { name: 'Outlook.com', page: 'https://sendersupport.olc.protection.outlook.com/pm/' }
const blocked = failed({
  cause: 'blocklist',
  status: '5.7.1',
  remoteMta: 'outlook-com.olc.protection.outlook.com',
  reply: { code: 550, enhanced: '5.7.1', lines: ['part of their network is on our block list (S3150).'] },
  provider: { ...outlook, step: 'ask-delisting' },
})

for (const language of ['en', 'ru'] as const) {
  test(`${language}: says what the text says, in the same order`, () => {
    const recipients = [
      blocked,
      failed({ cause: 'no-answer', expired: true, attempts: 12, detail: 'no connection' }),
      failed({ action: 'delivered', status: '2.0.0' }),
    ]
    const { html, text } = report({ language, recipients })
    const shown = readHtml(html)
    // Without the marks of the plain text, and with the title before it.
    const said = text
      .replaceAll(/^ *> |^--$/gm, '')
      .replaceAll(/\s+/g, ' ')
      .trim()
    const plain = (words: string): string => words.replaceAll(':', '').replaceAll(/\s+/g, ' ')
    assert.ok(plain(shown).includes(plain(said)), `${plain(shown)}\n\n${plain(said)}`)
    assert.match(html, new RegExp(`^<html lang="${language}">$`, 'm'))
  })
}

test('the only links lead to pages that this server knows', () => {
  const { html } = report({
    recipients: [
      blocked,
      failed({ reply: { code: 550, lines: ['see https://evil.test/?a=1&b=<script>alert(1)</script>'] } }),
    ],
  })
  assert.deepEqual(
    [...html.matchAll(/href="([^"]*)"/g)].map(([, link]) => link),
    [outlook.page],
  )
  assert.match(readHtml(html), /see https:\/\/evil\.test\/\?a=1&b=<script>alert\(1\)<\/script>/)
})

test('it loads nothing, runs nothing, and leaves the colours to the reader', () => {
  const { html } = report({ recipients: [blocked] })
  assert.doesNotMatch(html, /<(?:img|script|link|iframe|object|form|style)\b|\bsrc=|url\(|@import/i)
  assert.doesNotMatch(html, /(?:^|[\s";])(?:color|background[a-z-]*) *:/)
  assert.match(html, /<meta name="color-scheme" content="light dark">/)
  assert.match(html, /<meta name="viewport" content="width=device-width, initial-scale=1">/)
})

test('whatever strangers wrote, the document keeps its shape', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '</bdi></p></body>',
      '<img src=x onerror=alert(1)>',
      '" onclick="x()',
      '&lt;&amp',
      '--people-postrider-00112233aa',
      '\u202e',
    ),
    fc.string({ unit: 'binary', maxLength: 40 }),
  )
  fc.assert(
    fc.property(piece, piece, piece, (line, detail, localPart) => {
      const { html } = report({
        headerSection: Buffer.from(`Subject: ${line.replaceAll(/[\r\n]/g, ' ')}\r\n`),
        recipients: [
          failed({
            reply: { code: 550, lines: [line] },
            detail,
            finalRecipient: { localPart, domain: 'example.org' },
          }),
        ],
      })
      readHtml(html)
      for (const each of html.split('\n')) assert.match(each, /^(?:[< ]|$)/)
    }),
    { numRuns: 300 },
  )
})

function refused(localPart: string, overrides: Partial<ReportedRecipient> = {}): ReportedRecipient {
  const finalRecipient = { localPart, domain: 'example.org' }
  const lines = [`<${localPart}@example.org>: No such user here`]
  return failed({ finalRecipient, reply: { code: 550, enhanced: '5.1.1', lines }, ...overrides })
}

test('recipients who failed alike stand in one block; each has its own in the part for programs', () => {
  const { text, html, groups } = report({ recipients: [refused('boris'), refused('clara'), refused('dora')] })
  assert.equal(text.match(/What happened:/g)?.length, 1)
  assert.match(text, /^ {2}boris@example\.org\n {2}clara@example\.org\n {2}dora@example\.org\n/m)
  assert.match(text, /None of these addresses exists/)
  assert.match(text, /said, of the first of them:\n +> 550 5\.1\.1 <boris@example\.org>: No such user here/)
  assert.equal(html.match(/<blockquote/g)?.length, 1)
  assert.equal(groups.length, 4)
})

test('recipients who failed for another reason, elsewhere or in other words have blocks of their own', () => {
  const { text } = report({
    recipients: [
      refused('boris'),
      refused('clara', { cause: 'mailbox-full' }),
      refused('dora', { reply: { code: 550, lines: ['Go away'] } }),
      refused('emil', { finalRecipient: { localPart: 'emil', domain: 'example.net' } }),
    ],
  })
  assert.equal(text.match(/What happened:/g)?.length, 4)
})

test('what the administrator can do, with the page of the provider', () => {
  const { text } = report({ recipients: [blocked] })
  const said = text.replaceAll(/\s+/g, ' ')
  assert.match(
    said,
    /What your administrator can do: Find out why our server is on that list, mend it, and then ask Outlook\.com to take it off\. https:\/\/sendersupport\.olc\.protection\.outlook\.com\/pm\//,
  )
})

test('a reply that nobody knows, of a provider that is known: its page', () => {
  const { step: _, ...provider } = { ...outlook, step: undefined }
  const { text } = report({ recipients: [failed({ cause: 'policy', provider })] })
  assert.match(text.replaceAll(/\s+/g, ' '), /What Outlook\.com asks of mail servers, .*: https:/)
  const unknown = report({ recipients: [failed({ cause: 'unknown-user', provider })] })
  assert.doesNotMatch(unknown.text, /https:/)
})
