// The report itself (RFC 9990 §3.1, appendix A), composed of our counts.
import { type ReportFrame, rangeOf, reportId } from '../daily-report/report-frame.ts'
import type { PolicyRecord } from '../mail-authentication/dmarc/policy-record.ts'
import { parseTagList } from '../mail-authentication/tag-list.ts'
import type { DmarcOutcome } from './dmarc-outcome.ts'
import type { DmarcCount } from './operations.ts'

export interface Reporter {
  readonly organization: string
  /** An address. */
  readonly contact: string
  /** 'Postrider 1.0.0' */
  readonly generator: string
}

export interface ReportContent {
  readonly frame: ReportFrame
  readonly reporter: Reporter
  readonly policy: PolicyRecord
  readonly counts: readonly DmarcCount[]
  /** Messages that none of the counts is about. */
  readonly unlisted: number
}

export function composeReportXml({ frame, reporter, policy, counts, unlisted }: ReportContent): string {
  const { begin, end } = rangeOf(frame)
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">',
    element('version', '1.0'),
    '<report_metadata>',
    element('org_name', reporter.organization),
    element('email', reporter.contact),
    element('report_id', reportId(frame)),
    `<date_range>${element('begin', String(begin))}${element('end', String(end))}</date_range>`,
    ...(unlisted > 0
      ? [element('error', `${unlisted} more messages came in more ways than are listed here.`)]
      : []),
    element('generator', reporter.generator),
    '</report_metadata>',
    ...composePolicy(frame.domain, policy),
    ...counts.flatMap(composeRecord),
    '</feedback>',
    '',
  ]
  return lines.join('\n')
}

function composePolicy(domain: string, policy: PolicyRecord): string[] {
  const options = parseTagList(policy.text)?.get('fo') ?? ''
  return [
    '<policy_published>',
    element('domain', domain),
    element('p', policy.policy),
    element('sp', policy.subdomainPolicy),
    element('np', policy.missingPolicy),
    element('adkim', policy.isStrictDkim ? 's' : 'r'),
    element('aspf', policy.isStrictSpf ? 's' : 'r'),
    element('discovery_method', 'treewalk'),
    ...(/^[01ds]([ \t]*:[ \t]*[01ds]){0,3}$/i.test(options) ? [element('fo', options)] : []),
    element('testing', policy.isTesting ? 'y' : 'n'),
    '</policy_published>',
  ]
}

function composeRecord({ outcome, messages }: DmarcCount): string[] {
  const { source, headerFrom, envelopeFrom, signatures, sender } = outcome
  return [
    '<record>',
    '<row>',
    element('source_ip', source),
    element('count', String(messages)),
    composeEvaluated(outcome),
    '</row>',
    `<identifiers>${element('header_from', headerFrom)}${element('envelope_from', envelopeFrom)}</identifiers>`,
    '<auth_results>',
    ...signatures.map(
      ({ domain, selector, result }) =>
        `<dkim>${element('domain', domain)}${element('selector', selector)}${element('result', result)}</dkim>`,
    ),
    ...(sender
      ? [
          `<spf>${element('domain', sender.domain)}${element('scope', 'mfrom')}${element('result', sender.result)}</spf>`,
        ]
      : []),
    '</auth_results>',
    '</record>',
  ]
}

function composeEvaluated({ disposition, dkim, spf, reason }: DmarcOutcome): string {
  const why = reason
    ? `<reason>${element('type', reason.type)}${element('comment', reason.comment)}</reason>`
    : ''
  return `<policy_evaluated>${element('disposition', disposition)}${element('dkim', dkim)}${element('spf', spf)}${why}</policy_evaluated>`
}

function element(name: string, text: string): string {
  return `<${name}>${escape(text)}</${name}>`
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
/** XML 1.0 §2.2: not even as a reference. */
// oxlint-disable-next-line no-control-regex -- these are what it is about
const noCharacter = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu

function escape(text: string): string {
  return text.replaceAll(noCharacter, '?').replaceAll(/[&<>]/g, character => entities[character] ?? '')
}
