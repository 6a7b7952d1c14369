// A message as scanners are shown it, in pieces of odd lengths.
import type { Specimen } from '../../src/scanner/contract.ts'

export function specimen(text: string, more: Partial<Specimen> = {}): Specimen {
  const bytes = Buffer.from(text, 'utf8')
  return {
    queueId: '0ANHN9VYR00',
    client: {
      address: '192.0.2.7',
      port: 40_000,
      heloName: 'client.example.net',
      tls: 'TLSv1.3 TLS_AES_256_GCM_SHA384',
    },
    reversePath: 'boris@example.net',
    recipients: ['anna@example.test', 'вера@пример.рф'],
    size: bytes.length,
    async *open() {
      const step = bytes.length > 10_000 ? 65_537 : 37
      for (let from = 0; from < bytes.length; from += step) yield bytes.subarray(from, from + step)
    },
    ...more,
  }
}

export const plainMessage = [
  'From: Boris <boris@example.net>',
  'To: anna@example.test',
  'Subject: Lunch',
  'Date: Thu, 01 Jan 2026 12:00:00 +0000',
  'Message-ID: <lunch@example.net>',
  '',
  'At noon?',
  '',
].join('\r\n')

/** What every virus scanner finds (eicar.org); in two parts, so that they do not find this file. */
export const eicar = [
  'X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR',
  'STANDARD',
  'ANTIVIRUS',
  'TEST',
  'FILE!$H+H*',
].join('-')
/** What every spam filter finds (spamassassin.apache.org/gtube). */
export const gtube = [
  'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE',
  'STANDARD',
  'ANTI',
  'UBE',
  'TEST',
  'EMAIL*C.34X',
].join('-')

export function withBody(body: string): string {
  return plainMessage.replace('At noon?', body)
}
