// `body` (RFC 5173): what stands in the text of a message.
import type { TestDefinition } from '../language/definitions.ts'
import { checkMatch, matchAny, matchTags } from '../match/match-arguments.ts'
import type { BodyPart } from '../message/body-parts.ts'
import { readHtmlText } from '../message/html-text.ts'
import type { Run } from '../run.ts'

const body: TestDefinition = {
  name: 'body',
  extensions: ['body'],
  tags: {
    ...matchTags,
    raw: { group: 'body transform' },
    text: { group: 'body transform' },
    content: { group: 'body transform', value: 'string-list' },
  },
  parameters: [{ name: 'what is sought', kind: 'string-list' }],
  check(call, checker) {
    checkMatch(call, call.arguments[0], checker)
    checker.note({ kind: 'body' })
  },
  async evaluate(call, run) {
    const types = call.tags.get('content')
    const texts = call.tags.has('raw')
      ? await rawTexts(run)
      : types !== undefined
        ? contentTexts(await run.message.readParts(), run.strings(types))
        : await readableTexts(run)
    return matchAny(call, run, texts, run.strings(call.arguments[0]), { setsVariables: false })
  },
}

/** §5.1; §4: without an empty line there is no body, and nothing is found in it. */
async function rawTexts(run: Run): Promise<string[]> {
  const body = await run.message.readBody()
  return body ? [Buffer.from(body).toString('utf8')] : []
}

/** §5.2 */
function contentTexts(parts: readonly BodyPart[], types: readonly string[]): string[] {
  return parts.filter(({ type }) => types.some(each => isOfType(type, each.toLowerCase()))).flatMap(textsOf)
}

/** A container without text of its own is found by "" all the same. */
function textsOf({ texts }: BodyPart): readonly string[] {
  return texts.length > 0 ? texts : ['']
}

function isOfType(type: string, wanted: string): boolean {
  if (wanted === '') return true
  if (wanted.includes('/')) return /^[^/]+\/[^/]+$/.test(wanted) && type === wanted
  return type.startsWith(`${wanted}/`)
}

const htmlTypes = ['text/html', 'application/xhtml+xml']

/** §5.3: text as it is read; of HTML, the words. */
async function readableTexts(run: Run): Promise<string[]> {
  const parts = await run.message.readParts()
  return parts
    .filter(({ type }) => type.startsWith('text/') || htmlTypes.includes(type))
    .flatMap(({ type, texts }) => texts.map(text => (htmlTypes.includes(type) ? readHtmlText(text) : text)))
}

export const bodyTests: readonly TestDefinition[] = [body]
