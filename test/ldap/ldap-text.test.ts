// What a stranger wrote is a value in filters (RFC 4515) and names (RFC 4514), never syntax.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { EqualityFilter, FilterParser } from 'ldapts'
import { fillDn, fillFilter, isFilter, isWithin } from '../../src/ldap/ldap-text.ts'

const at = (localPart: string) => ({ localPart, domain: 'here.test' })

test('filters and names with what is special in them', () => {
  assert.equal(fillFilter('(mail={address})', at('lena')), '(mail=lena@here.test)')
  assert.equal(fillFilter('(uid={localPart})', at('*)(uid=\\')), '(uid=\\2a\\29\\28uid=\\5c)')
  assert.equal(fillDn('uid={localPart},dc={domain}', at('lena')), 'uid=lena,dc=here.test')
  assert.equal(
    fillDn('uid={localPart},dc=x', at('a,ou=admins+"<>;=\\')),
    'uid=a\\2cou\\3dadmins\\2b\\22\\3c\\3e\\3b\\3d\\5c,dc=x',
  )
  assert.equal(fillDn('uid={localPart},dc=x', at(' a ')), 'uid=\\20a\\20,dc=x')
  assert.equal(fillDn('uid={localPart},dc=x', at('{domain}')), 'uid={domain},dc=x')
})

test('whatever an address is, the filter asks for it and for nothing else', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }), text => {
      const localPart = text.toWellFormed()
      const filter = FilterParser.parseString(fillFilter('(uid={localPart})', at(localPart)))
      assert.ok(filter instanceof EqualityFilter)
      assert.equal(filter.attribute, 'uid')
      assert.equal(filter.value.toString(), localPart)
    }),
    { numRuns: 500 },
  )
})

for (const [text, is] of [
  ['(mail={address})', true],
  ['(&(objectClass=person)(|(mail={address})(uid={localPart})))', true],
  ['mail={address}', false],
  ['(mail={address}', false],
  ['(mail={address}))', false],
  ['(mail={address})(uid=x)', false],
  ['()', false],
  ['', false],
] as const)
  test(`${JSON.stringify(text)} is ${is ? 'a filter' : 'no filter'}`, () => {
    assert.equal(isFilter(text), is)
  })

for (const [dn, base, is] of [
  ['uid=lena,ou=people,dc=x', 'ou=people,dc=x', true],
  ['UID=lena, OU = People ,DC=X', 'ou=people,dc=x', true],
  ['ou=people,dc=x', 'ou=people,dc=x', true],
  ['dc=x', 'ou=people,dc=x', false],
  ['uid=lena,ou=guests,dc=x', 'ou=people,dc=x', false],
  ['uid=lena\\,ou=people,dc=x', 'ou=people,dc=x', false],
  ['uid=lena\\\\,ou=people,dc=x', 'ou=people,dc=x', true],
  ['', 'dc=x', false],
] as const)
  test(`${dn} is ${is ? '' : 'not '}within ${base}`, () => {
    assert.equal(isWithin(dn, base), is)
  })
