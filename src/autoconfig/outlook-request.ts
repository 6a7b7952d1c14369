// The XML request of Outlook for settings ([MS-OXDSCLI] §2.2.3), read. Apart, so that the parser of XML is loaded with the first one.
import sax from 'sax'
import type { Address } from '../address/address.ts'
import { parseAddress } from '../address/parse-address.ts'
import { type OutlookProblem, responseSchema } from './outlook.ts'

const maxElements = 100
const maxValueLength = 1000

/** The address that a request asks about. */
export function parseOutlookRequest(text: string): Address | OutlookProblem {
  const fields = readFields(text)
  const address = parseAddress(fields?.get('EMailAddress')?.trim() ?? '')
  if (!fields || !address) return 'invalid-request'
  const schema = fields.get('AcceptableResponseSchema')?.trim()
  // Exchange ActiveSync on phones asks for the schema "mobilesync".
  return schema === undefined || schema === responseSchema ? address : 'other-schema'
}

/** The five entities of XML, and none of HTML. Without positions the parser would not bound what it keeps of a value. */
const xmlOptions = { strictEntities: true, position: true }

/** Texts by the name of their element, the first of each; undefined: it is no XML, or more than a request has. */
function readFields(text: string): ReadonlyMap<string, string> | undefined {
  const fields = new Map<string, string>()
  const parser = sax.parser(true, xmlOptions)
  let elements = 0
  let name = ''
  let value = ''
  const take = (piece: string): void => {
    value = (value + piece).slice(0, maxValueLength)
  }
  parser.onerror = error => {
    throw error
  }
  parser.ondoctype = () => {
    throw new Error('a request declares no document type')
  }
  parser.onopentag = tag => {
    if (++elements > maxElements) throw new Error('a request has fewer elements')
    name = tag.name.slice(tag.name.indexOf(':') + 1)
    value = ''
  }
  parser.ontext = take
  parser.oncdata = take
  parser.onclosetag = () => {
    if (name !== '' && !fields.has(name)) fields.set(name, value)
    name = ''
  }
  try {
    parser.write(text).close()
    return fields
  } catch {
    // Whatever is wrong with it, its sender is told the same.
    return undefined
  }
}
