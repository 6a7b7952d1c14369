// The table of limits is complete and sound in form; whether a figure is true only its source can say.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownChoice, type ProviderLimits, providerLimits } from '../../src/delivery/pacing/provider-limits.ts'

const entries = Object.entries(providerLimits)

function figures(limits: ProviderLimits): [string, unknown][] {
  return Object.entries(limits).filter(([field]) => field !== 'source')
}

test('the large receivers are there, in lower case', () => {
  assert.ok(entries.length >= 18, `only ${entries.length}`)
  for (const key of [
    'gmail',
    'outlook',
    'exchange-online',
    'yahoo',
    'yandex',
    'mail.ru',
    'icloud',
    'zoho',
    'gmx',
    'orange',
  ]) {
    assert.ok(Object.hasOwn(providerLimits, key), key)
  }
  for (const [key] of entries) assert.match(key, /^[a-z0-9][a-z0-9.-]*$/)
})

test('each says where its figures stand, at an https address, or that they are our own', () => {
  for (const [key, { source }] of entries) {
    if (source === ownChoice) continue
    assert.ok(URL.canParse(source), `${key}: ${source}`)
    assert.equal(new URL(source).protocol, 'https:', key)
  }
})

test('each has a figure, and every figure is a positive whole number', () => {
  for (const [key, limits] of entries) {
    const known = figures(limits)
    assert.ok(known.length > 0, `${key} has no figure`)
    for (const [field, figure] of known) {
      assert.ok(Number.isSafeInteger(figure) && Number(figure) > 0, `${key}.${field}: ${String(figure)}`)
    }
  }
})

test('a longer time never takes less than a shorter one', () => {
  for (const [key, { perSecond, perMinute, perHour, perDay }] of entries) {
    const rates = [perSecond, perMinute, perHour, perDay].filter(rate => rate !== undefined)
    assert.deepEqual(
      rates,
      rates.toSorted((a, b) => a - b),
      key,
    )
  }
})
