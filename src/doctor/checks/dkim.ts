// DKIM (RFC 6376): are the records of our keys where receivers look for them, and are they right?
import { type DkimKey, publishedUntil } from '../../signing/dkim-key.ts'
import { compareKeyRecord, type KeyFinding, keyRecordName } from '../../signing/key-record.ts'
import { allWell, error, found, joinVerdicts, notChecked, type Verdict, warning } from '../finding.ts'
import type { OwnDomain } from '../own-server.ts'
import type { World } from '../world.ts'

export interface KeyView {
  readonly key: DkimKey
  readonly finding: KeyFinding
}

export async function observeKeys(
  { resolver }: Pick<World, 'resolver'>,
  { keys }: Pick<OwnDomain, 'keys'>,
): Promise<readonly KeyView[]> {
  return await Promise.all(
    keys.map(async key => ({
      key,
      finding: compareKeyRecord(await resolver.txt(keyRecordName(key.domain, key.selector)), key),
    })),
  )
}

export function judgeKeys(domain: string, views: readonly KeyView[], signs: boolean): Verdict {
  if (!signs) return notChecked('this server signs no mail (dkim.sign)')
  if (views.length === 0)
    return notChecked(`${domain} has no key yet; the server makes it: postrider domain dkim ${domain}`)
  return joinVerdicts(
    views.map(view =>
      judgeKey(
        view,
        views.map(({ key }) => key),
      ),
    ),
  )
}

const unsigned =
  'Mail is not signed with this key until the record is right; receivers trust mail without a signature less, and some refuse it.'

function judgeKey({ key, finding }: KeyView, all: readonly DkimKey[]): Verdict {
  const { domain, selector, algorithm, state } = key
  const name = keyRecordName(domain, selector)
  if (finding.kind === 'unknown') return notChecked(finding.detail)
  if (state === 'revoked') return judgeRevoked(name, finding)
  if (finding.kind === 'right') return allWell
  const publish = `Publish the record as "postrider domain dns ${domain}" prints it`
  const isSecond = all.some(other => other.algorithm === algorithm && other.state === 'active')
  if (state === 'next' && isSecond)
    return found(
      warning(
        'dkim-next-missing',
        `The record of the next DKIM key, ${name}, ${describe(finding)}.`,
        'The old key goes on signing: it is not replaced before the record of the new one is seen.',
        `${publish}.`,
      ),
    )
  if (state === 'retired')
    return found(
      warning(
        'dkim-retired-missing',
        `The record of the old DKIM key, ${name}, ${describe(finding)}.`,
        'What it has signed and is still under way will be taken for forged or unsigned.',
        `${publish}; it may go on ${new Date(publishedUntil(key)).toISOString().slice(0, 10)}`,
      ),
    )
  return found(
    error(
      finding.kind === 'missing' ? 'dkim-missing' : 'dkim-different',
      `The record of the DKIM key ${name} ${describe(finding)}.`,
      unsigned,
      `${publish}.`,
    ),
  )
}

function describe(finding: Exclude<KeyFinding, { kind: 'right' | 'unknown' }>): string {
  return finding.kind === 'missing' ? 'is not in the DNS' : `is not what it has to be: ${finding.detail}`
}

/** Whether an old one or a stolen one: as long as its record is there, others can sign with it. */
function judgeRevoked(name: string, finding: KeyFinding): Verdict {
  if (finding.kind !== 'right') return allWell
  return found(
    warning(
      'dkim-revoked-published',
      `The record of the DKIM key ${name} is still in the DNS, and the key was revoked.`,
      'Whoever has that key can sign in your name.',
      `Remove the record, or publish: ${name}. IN TXT "v=DKIM1; p="`,
    ),
  )
}
