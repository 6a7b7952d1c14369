// Reports as their readers take them apart: a message of parts, and the fields of the part for programs. A parser of a few
// lines that forgives nothing.
import assert from 'node:assert/strict'
import { composeReport } from '../../src/bounce/compose-report.ts'
import type { ComposedReport, ReportedRecipient, ReportInput } from '../../src/bounce/report.ts'

export type Fields = readonly (readonly [name: string, value: string])[]

export interface ReadReport {
  readonly fields: Fields
  /** For people; decoded. */
  readonly text: string
  readonly html: string
  /** The groups of the part for programs: one for the message, one for each recipient. */
  readonly groups: readonly Fields[]
  readonly statusType: string
  readonly original: { readonly fields: Fields; readonly bytes: Buffer }
  readonly composed: ComposedReport
  /** Octets as characters. */
  readonly raw: string
}

const base: ReportInput = {
  language: 'en',
  hostname: 'mail.example.test',
  reportId: '00112233aa',
  at: Date.UTC(2026, 10, 23, 7, 47, 24),
  to: { localPart: 'anna', domain: 'example.test' },
  queueId: '00aabbccdd',
  arrivedAt: Date.UTC(2026, 10, 22, 6, 5, 4),
  headerSection: Buffer.from(
    'From: <anna@example.test>\r\nSubject: Invoice 4711\r\nMessage-ID: <1@example.test>\r\n',
  ),
  recipients: [],
}

export function failed(overrides: Partial<ReportedRecipient> = {}): ReportedRecipient {
  return {
    finalRecipient: { localPart: 'boris', domain: 'example.org' },
    action: 'failed',
    status: '5.1.1',
    cause: 'unknown-user',
    attempts: 1,
    at: Date.UTC(2026, 10, 23, 7, 47, 23),
    ...overrides,
  }
}

/** Composes a report and reads it; fails where it is no proper one. */
export function report(overrides: Partial<ReportInput> = {}): ReadReport {
  const composed = composeReport({ ...base, recipients: [failed()], ...overrides })
  const raw = Buffer.from(composed.mailData).toString('latin1')
  assert.doesNotMatch(raw, /\r(?!\n)|(?<!\r)\n|\0/, 'line ends are clean')
  assert.ok(raw.endsWith('\r\n'))
  const { fields, body } = readEntity(raw)
  const [people = assert.fail(), status = assert.fail(), original = assert.fail(), ...more] = readParts(
    fields,
    body,
  )
  assert.equal(more.length, 0, 'three parts')
  assert.match(value(people.fields, 'Content-Type'), /^multipart\/alternative;/)
  const [text = assert.fail(), html = assert.fail(), ...others] = readParts(people.fields, people.body)
  assert.equal(others.length, 0, 'two forms')
  assert.match(value(text.fields, 'Content-Type'), /^text\/plain; charset=utf-8$/)
  assert.match(value(html.fields, 'Content-Type'), /^text\/html; charset=utf-8$/)
  return {
    fields,
    text: decodeBody(text).toString().replaceAll('\r\n', '\n'),
    html: decodeBody(html).toString().replaceAll('\r\n', '\n'),
    groups: status.body
      .replace(/\r\n$/, '')
      .split('\r\n\r\n')
      .map(group => readFields(`${group}\r\n`)),
    statusType: value(status.fields, 'Content-Type'),
    original: { fields: original.fields, bytes: decodeBody(original) },
    composed,
    raw,
  }
}

export function readParts(fields: Fields, body: string): Entity[] {
  const [, boundary = ''] = /; *boundary="([^"]+)"/.exec(value(fields, 'Content-Type')) ?? []
  assert.match(boundary, /^[A-Za-z0-9'()+_,./:=?-]{1,70}$/)
  const [preamble, ...rest] = `\r\n${body}`.split(`\r\n--${boundary}`)
  const epilogue = rest.pop()
  assert.equal(preamble?.trim(), '')
  assert.match(epilogue ?? '', /^--(?:\r\n)?$/)
  return rest.map(part => {
    assert.ok(part.startsWith('\r\n'), 'a boundary stands alone on its line')
    return readEntity(part.slice(2))
  })
}

export interface Entity {
  readonly fields: Fields
  readonly body: string
}

/** Header section and body; a part may have an empty body. */
export function readEntity(text: string): Entity {
  const end = text.indexOf('\r\n\r\n')
  assert.ok(end >= 0, 'a header section has an end')
  return { fields: readFields(text.slice(0, end + 2)), body: text.slice(end + 4) }
}

/** RFC 5322 §2.2: every line is a field or goes on with one, and none is empty or of blanks only. */
export function readFields(section: string): Fields {
  const fields: [string, string][] = []
  for (const line of section.replace(/\r\n$/, '').split('\r\n')) {
    assert.ok(line.length <= 998, `a line of ${line.length} octets`)
    assert.match(line, /[^ \t]/, 'a line is never blank')
    const last = fields.at(-1)
    if (/^[ \t]/.test(line) && last) last[1] += line
    else {
      const [, name, text] = /^([!-9;-~]+): (.*)$/s.exec(line) ?? assert.fail(`no field: ${line}`)
      fields.push([name ?? '', text ?? ''])
    }
  }
  return fields
}

export function decodeBody({ fields, body }: Entity): Buffer {
  const encoding = fields.find(([name]) => name === 'Content-Transfer-Encoding')?.[1] ?? '7bit'
  if (encoding === 'base64') {
    for (const line of body.split('\r\n')) assert.match(line, /^[A-Za-z0-9+/=]{0,76}$/)
    return Buffer.from(body, 'base64')
  }
  assert.match(encoding, /^[78]bit$/)
  if (encoding === '7bit') assert.doesNotMatch(body, /[^\0-\x7f]/)
  return Buffer.from(body, 'latin1')
}

/** The value of the only field of this name. */
export function value(fields: Fields, name: string): string {
  const found = fields.filter(([each]) => each.toLowerCase() === name.toLowerCase())
  assert.equal(found.length, 1, `${found.length} fields ${name}`)
  return found[0]?.[1] ?? ''
}

export function names(fields: Fields): string[] {
  return fields.map(([name]) => name)
}
