// Texts that are hard on a parser of addresses (corpus/*.txt, a JSON string a line): what once broke something stays there.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseAddressLiteral } from '../../src/address/address-literal.ts'
import { formatAddress, formatAddressForPeople } from '../../src/address/format-address.ts'
import { isInNetworks, parseNetwork } from '../../src/address/networks.ts'
import { parseAddress } from '../../src/address/parse-address.ts'
import { formatDomainForPeople, parseDomain } from '../../src/address/parse-domain.ts'
import { parseForwardPath, parseReversePath } from '../../src/address/parse-path.ts'

const read = (name: string): string[] =>
  readFileSync(join(import.meta.dirname, `corpus/${name}.txt`), 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as string)

const addresses = read('addresses')
const noAddresses = read('no-addresses')
const paths = read('paths')

const shown = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text)

for (const text of addresses) {
  test(`an address: ${shown(text)}`, () => {
    const address = parseAddress(text) ?? assert.fail()
    const formatted = formatAddress(address)
    assert.deepEqual(parseAddress(formatted), address)
    assert.deepEqual(parseAddress(formatAddressForPeople(address)), address)
    assert.doesNotMatch(formatted, /[\0-\x1f\x7f-\x9f]/)
    const path = { kind: 'path', path: address, rest: ' X' }
    for (const spelling of [text, formatted]) {
      assert.deepEqual(parseForwardPath(`<${spelling}> X`, { allowUnicode: true }), path)
      assert.deepEqual(parseReversePath(`<${spelling}> X`, { allowUnicode: true }), path)
    }
  })
}

for (const text of noAddresses) {
  test(`no address: ${shown(text)}`, () => {
    assert.equal(parseAddress(text), undefined)
  })
}

for (const text of [...addresses, ...noAddresses, ...paths]) {
  test(`every parser holds: ${shown(text)}`, () => {
    for (const spelling of [text, `<${text}`, `<${text}>`, `"${text}"@example.test`, text.repeat(2)]) {
      for (const allowUnicode of [true, false]) {
        for (const found of [
          parseReversePath(spelling, { allowUnicode, allowMissingBrackets: true }),
          parseForwardPath(spelling, { allowUnicode, allowMissingBrackets: true }),
        ]) {
          if (found.kind === 'problem' || found.path === null || found.path === 'postmaster') continue
          const formatted = formatAddress(found.path)
          assert.doesNotMatch(formatted, /[\0-\x1f\x7f-\x9f]/)
          assert.deepEqual(parseAddress(formatted), found.path)
        }
      }
      const domain = parseDomain(spelling)
      if (domain !== undefined) assert.equal(parseDomain(formatDomainForPeople(domain)), domain)
      const literal = parseAddressLiteral(spelling)
      if (literal !== undefined) assert.equal(parseAddressLiteral(literal), literal)
      assert.equal(parseNetwork(spelling), undefined)
      assert.equal(isInNetworks(spelling, []), false)
    }
  })
}
