// What the script of an account has done with a message, in plain words.
import type { ScriptDeed, ScriptPlace, ScriptTrace } from '../filtering/script-trace.ts'

/** Sentences without their stops: 'the script "main" of anna@example.test filed it in Lists, line 12'. */
export function describeFilter({ account, script, did, mistake, isAgain }: ScriptTrace): string[] {
  const name = `the script "${script}" of ${account}`
  if (isAgain) return [`${name} had decided on it before, by another address of the account`]
  return [
    ...did.filter(({ what }) => what !== 'told-owner').map(deed => `${name} ${describeDeed(deed)}`),
    ...(mistake ? [`${name} has a mistake${formatPlace(mistake)}: ${mistake.text}`] : []),
    ...did
      .filter(({ what }) => what === 'told-owner')
      .map(({ queueId }) => `its owner was told of the mistake${formatId(queueId)}`),
  ]
}

/** The line that decided, and those before it. */
export function describeFilterLines({ lines }: ScriptTrace): string[] {
  return lines.map(line => `In the script, ${line}`)
}

function describeDeed({ what, at, where = '', queueId, notBecause }: ScriptDeed): string {
  const place = formatPlace(at)
  const not = notBecause === undefined ? '' : `: ${notBecause}`
  const id = formatId(queueId)
  switch (what) {
    case 'filed':
      return at ? `filed it in ${where}${place}` : `left it in ${where}`
    case 'discarded':
      return `discarded it${place}`
    case 'redirected':
      return notBecause === undefined
        ? `sent it on to ${where}${place}${id}`
        : `wanted it sent on to ${where}${place}, which was not done${not}`
    case 'rejected':
      return notBecause === undefined
        ? `refused it${place}${id}`
        : `wanted it refused${place}, which was not done${not}`
    case 'answered':
      return notBecause === undefined
        ? `answered ${where}${place}${id}`
        : `wanted ${where} answered${place}, which was not done${not}`
    case 'notified':
      return notBecause === undefined
        ? `told ${where} of it${place}${id}`
        : `wanted ${where} told of it${place}, which was not done${not}`
    case 'told-owner':
      return `told its owner${id}`
    default:
      return what satisfies never
  }
}

/** Begins with a comma, or is empty. */
function formatPlace(at: ScriptPlace | undefined): string {
  if (!at) return ''
  return at.script === undefined ? `, line ${at.line}` : `, line ${at.line} of the included "${at.script}"`
}

/** Begins with a blank, or is empty. */
function formatId(queueId: string | undefined): string {
  return queueId === undefined ? '' : ` (message ${queueId})`
}

/** As a sentence. */
export function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
