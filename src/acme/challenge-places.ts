// Where proofs are put: in the database, from which the listeners of all servers answer, or in the DNS by a program of the
// administrator.
import type { Clock } from '../runtime/clock.ts'
import type { Storage } from '../storage/operation.ts'
import type { DnsHook } from './dns-hook.ts'
import type { ChallengePlace } from './issue-certificate.ts'
import { loadLibrary } from './open-client.ts'
import { keepAnswer, removeAnswer } from './operations.ts'

interface Parts {
  readonly storage: Pick<Storage, 'run'>
  readonly clock: Clock
}

const keptForMs = 3_600_000

/** RFC 8555 §8.3 */
export function httpPlace({ storage, clock }: Parts): ChallengePlace {
  return {
    type: 'http-01',
    async put({ token, keyAuthorization }) {
      const asked = { type: 'http-01', askedFor: token } as const
      const now = clock.now()
      await storage.run(keepAnswer, { ...asked, answer: keyAuthorization, now, expiresAt: now + keptForMs })
      return () => storage.run(removeAnswer, asked)
    },
  }
}

/** Certificate and key (PEM) of an answer to a TLS challenge. */
export interface AlpnAnswer {
  readonly certificatePem: string
  readonly keyPem: string
}

/** RFC 8737 §3 */
export function alpnPlace({ storage, clock }: Parts): ChallengePlace {
  return {
    type: 'tls-alpn-01',
    async put({ name, keyAuthorization }) {
      const { crypto } = await loadLibrary()
      const [key, certificate] = await crypto.createAlpnCertificate(
        // It reads the name only.
        { identifier: { type: 'dns', value: name } } as Parameters<typeof crypto.createAlpnCertificate>[0],
        keyAuthorization,
        await crypto.createPrivateEcdsaKey(),
      )
      const asked = { type: 'tls-alpn-01', askedFor: name } as const
      const answer: AlpnAnswer = { certificatePem: certificate.toString(), keyPem: key.toString() }
      const now = clock.now()
      await storage.run(keepAnswer, {
        ...asked,
        answer: JSON.stringify(answer),
        now,
        expiresAt: now + keptForMs,
      })
      return () => storage.run(removeAnswer, asked)
    },
  }
}

/** RFC 8555 §8.4 */
export function dnsPlace(hook: DnsHook): ChallengePlace {
  return {
    type: 'dns-01',
    async put({ name, keyAuthorization }) {
      const record = { name: `_acme-challenge.${name}`, value: keyAuthorization, domain: name }
      await hook.run('add', record)
      return () => hook.run('remove', record)
    },
  }
}
