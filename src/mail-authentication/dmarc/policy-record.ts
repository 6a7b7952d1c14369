// A DMARC policy record (RFC 9989 §4.7, §4.10.1).
import { parseTagList } from '../tag-list.ts'

export type DmarcPolicy = 'none' | 'quarantine' | 'reject'

export interface PolicyRecord {
  readonly text: string
  readonly policy: DmarcPolicy
  /** For subdomains that exist. */
  readonly subdomainPolicy: DmarcPolicy
  /** For subdomains that do not. */
  readonly missingPolicy: DmarcPolicy
  readonly isStrictDkim: boolean
  readonly isStrictSpf: boolean
  /** t=y: the policy is tried out, and one step milder is what is wanted. */
  readonly isTesting: boolean
  /** psd=: 'y' a public suffix, 'n' the top of an organisation, 'u' neither is said. */
  readonly publicSuffix: 'y' | 'n' | 'u'
}

const version = /^v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)/i

/** 'v=DMARC1' is the first tag; its value keeps its case. */
export function isPolicyRecord(text: string): boolean {
  return version.test(text) && /^.[ \t]*=[ \t]*DMARC1/.test(text)
}

export type ParsedPolicy =
  | PolicyRecord
  /** §4.10.1: nothing in it can be applied; it still says where an organisation begins. */
  | { readonly text: string; readonly policy: undefined; readonly publicSuffix: 'y' | 'n' | 'u' }

/** undefined: it is no list of tags, as if it were not there. */
export function parsePolicyRecord(text: string): ParsedPolicy | undefined {
  const tags = parseTagList(text)
  if (!tags) return undefined
  const read = (name: string): string | undefined => tags.get(name)?.toLowerCase()
  const psd = read('psd')
  const publicSuffix = psd === 'y' || psd === 'n' ? psd : 'u'
  const [p, sp, np] = [read('p'), read('sp'), read('np')]
  const isWrong = !isPolicy(p) || [sp, np].some(one => one !== undefined && !isPolicy(one))
  // Whoever only asks for reports is one who only looks on.
  if (isWrong && !hasReportAddress(tags.get('rua'))) return { text, policy: undefined, publicSuffix }
  const policy = isWrong || !isPolicy(p) ? 'none' : p
  const subdomainPolicy = !isWrong && isPolicy(sp) ? sp : policy
  return {
    text,
    policy,
    subdomainPolicy,
    missingPolicy: !isWrong && isPolicy(np) ? np : subdomainPolicy,
    isStrictDkim: read('adkim') === 's',
    isStrictSpf: read('aspf') === 's',
    isTesting: read('t') === 'y',
    publicSuffix,
  }
}

function isPolicy(text: string | undefined): text is DmarcPolicy {
  return text === 'none' || text === 'quarantine' || text === 'reject'
}

function hasReportAddress(list: string | undefined): boolean {
  return (
    list !== undefined && list.split(',').some(uri => /^[ \t]*[a-z][a-z0-9+.-]*:[^ \t]+[ \t]*$/i.test(uri))
  )
}
